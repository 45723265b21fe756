/** Preemption of a Compute Engine machine, told by a request that waits until there is news. */
import type { Clock } from "../../lib/clock.js";
import { MetadataClient, requireOk, strange } from "./metadata-client.js";
import type { Notice, NoticeProvider } from "./notice.js";

const ENDPOINT = "http://metadata.google.internal";
const INSTANCE = "/computeMetadata/v1/instance";
const HEADERS = { "metadata-flavor": "Google" };
/** Between the notice and the end. */
const NOTICE_MS = 30_000;
const WAIT_SECONDS = 60;
const SPARE_MS = 5_000;
const PAUSE_MS = 1_000;

export interface GcpOptions {
  readonly endpoint?: string;
  readonly clock: Clock;
  readonly pollMs?: number;
}

export class GcpNotices implements NoticeProvider {
  readonly source = "gcp";
  readonly pauseMs: number;
  readonly #client: MetadataClient;
  readonly #clock: Clock;
  #name: string | undefined;
  #etag: string | undefined;
  /** When it was first told: the end is counted from there. */
  #noticedMs: number | undefined;

  constructor({ endpoint = ENDPOINT, clock, pollMs = PAUSE_MS }: GcpOptions) {
    this.#client = new MetadataClient(endpoint);
    this.#clock = clock;
    this.pauseMs = pollMs;
  }

  /** The first look answers at once; later ones wait until what is said differs from before. */
  async look(closing: AbortSignal): Promise<readonly Notice[]> {
    if (this.#name === undefined) {
      const told = await this.#client.ask(`${INSTANCE}/name`, { headers: HEADERS, closing });
      this.#name = requireOk(told, "name");
    }
    const etag = this.#etag === undefined ? "" : `&last_etag=${encodeURIComponent(this.#etag)}`;
    const wait = etag === "" ? "" : `?wait_for_change=true&timeout_sec=${WAIT_SECONDS}${etag}`;
    const told = await this.#client.ask(`${INSTANCE}/preempted${wait}`, {
      headers: HEADERS,
      closing,
      timeoutMs: WAIT_SECONDS * 1_000 + SPARE_MS,
    });
    const raw = requireOk(told, "preempted").trim();
    this.#etag = told.etag ?? undefined;
    if (raw === "FALSE") {
      this.#noticedMs = undefined;
      return [];
    }
    if (raw !== "TRUE") throw strange(raw, "TRUE or FALSE");
    this.#noticedMs ??= this.#clock.nowMs();
    return [this.#reclaim(this.#noticedMs, raw)];
  }

  #reclaim(noticedMs: number, raw: string): Notice {
    const instanceId = this.#name ?? "";
    return {
      noticeId: `gcp ${instanceId} ${noticedMs}`,
      source: this.source,
      kind: "reclaim",
      instanceId,
      action: "preempt",
      noticedMs,
      deadlineMs: noticedMs + NOTICE_MS,
      canAck: false,
      raw,
    };
  }
}
