/** Scheduled events of Azure: one document for all machines of a set, events can be let happen. */
import type { Clock } from "../../lib/clock.js";
import { MetadataClient, parseJson, requireOk, strange } from "./metadata-client.js";
import { type Notice, type NoticeProvider, timeOf } from "./notice.js";

const ENDPOINT = "http://169.254.169.254";
const PATH = "/metadata/scheduledevents?api-version=2020-07-01";
const HEADERS = { metadata: "true" };
const POLL_MS = 1_000;
/** The first call after a pause of a day turns the service on, which takes up to two minutes. */
const TIMEOUT_MS = 120_000;
const EXPECTED = '{ "DocumentIncarnation": 1, "Events": [...] }';

interface ScheduledEvent {
  readonly EventId?: unknown;
  readonly EventStatus?: unknown;
  readonly EventType?: unknown;
  readonly Resources?: unknown;
  readonly NotBefore?: unknown;
}

export interface AzureOptions {
  readonly endpoint?: string;
  readonly clock: Clock;
  readonly pollMs?: number;
}

export class AzureNotices implements NoticeProvider {
  readonly source = "azure";
  readonly pauseMs: number;
  readonly #client: MetadataClient;
  readonly #clock: Clock;

  constructor({ endpoint = ENDPOINT, clock, pollMs = POLL_MS }: AzureOptions) {
    this.#client = new MetadataClient(endpoint);
    this.#clock = clock;
    this.pauseMs = pollMs;
  }

  async look(closing: AbortSignal): Promise<readonly Notice[]> {
    const asked = { headers: HEADERS, closing, timeoutMs: TIMEOUT_MS };
    const text = requireOk(await this.#client.ask(PATH, asked), PATH);
    const document = parseJson(text, EXPECTED) as { readonly Events?: unknown } | null;
    if (!Array.isArray(document?.Events)) throw strange(text, EXPECTED);
    return (document.Events as readonly unknown[]).flatMap((event) => this.#notices(event));
  }

  /** @throws ERR_SAMPLE_UNAVAILABLE when it is not taken */
  async acknowledge({ raw }: Notice, closing: AbortSignal): Promise<void> {
    const { EventId } = parseJson(raw, "an event") as ScheduledEvent;
    const body = JSON.stringify({ StartRequests: [{ EventId }] });
    const headers = { ...HEADERS, "content-type": "application/json" };
    requireOk(await this.#client.ask(PATH, { method: "POST", headers, body, closing }), PATH);
  }

  /** One a machine. */
  #notices(event: unknown): Notice[] {
    const { EventId, EventStatus, EventType, Resources, NotBefore } = (event ??
      {}) as ScheduledEvent;
    const isEvent = typeof EventId === "string" && typeof EventType === "string";
    if (!isEvent || !isTexts(Resources)) throw strange(JSON.stringify(event), "an event");
    if (EventStatus === "Completed" || EventStatus === "Canceled") return [];
    const deadlineMs = timeOf(NotBefore);
    const noticedMs = this.#clock.nowMs();
    return Resources.map((resource) => ({
      noticeId: `azure ${EventId} ${resource}`,
      source: this.source,
      kind: EventType === "Preempt" || EventType === "Terminate" ? "reclaim" : "maintenance",
      instanceId: resource,
      machines: Resources,
      action: EventType,
      noticedMs,
      // Without a time it has begun.
      deadlineMs: deadlineMs ?? noticedMs,
      canAck: EventStatus === "Scheduled",
      raw: JSON.stringify(event),
    }));
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
