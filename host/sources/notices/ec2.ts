/** EC2 spot notices through the instance metadata service, version 2 (a token for each session). */
import type { Clock } from "../../lib/clock.js";
import { MetadataClient, parseJson, requireOk, strange, type Told } from "./metadata-client.js";
import { type Notice, type NoticeProvider, timeOf } from "./notice.js";

const ENDPOINT = "http://169.254.169.254";
const TOKEN_PATH = "/latest/api/token";
const DATA = "/latest/meta-data";
const ACTION_PATH = `${DATA}/spot/instance-action`;
const REBALANCE_PATH = `${DATA}/events/recommendations/rebalance`;
const TTL_SECONDS = 21_600;
const POLL_MS = 5_000;

export interface Ec2Options {
  readonly endpoint?: string;
  readonly clock: Clock;
  readonly pollMs?: number;
}

export class Ec2Notices implements NoticeProvider {
  readonly source = "ec2";
  readonly pauseMs: number;
  readonly #client: MetadataClient;
  readonly #clock: Clock;
  #token: string | undefined;
  #instanceId: string | undefined;

  constructor({ endpoint = ENDPOINT, clock, pollMs = POLL_MS }: Ec2Options) {
    this.#client = new MetadataClient(endpoint);
    this.#clock = clock;
    this.pauseMs = pollMs;
  }

  async look(closing: AbortSignal): Promise<readonly Notice[]> {
    this.#instanceId ??= requireOk(await this.#get(`${DATA}/instance-id`, closing), "instance-id");
    const action = await this.#tellOf(ACTION_PATH, closing);
    const rebalance = await this.#tellOf(REBALANCE_PATH, closing);
    return [
      ...(action === undefined ? [] : [this.#reclaim(action)]),
      ...(rebalance === undefined ? [] : [this.#rebalance(rebalance)]),
    ];
  }

  /** Undefined while there is none, which is 404. */
  async #tellOf(path: string, closing: AbortSignal): Promise<string | undefined> {
    const told = await this.#get(path, closing);
    return told.status === 404 ? undefined : requireOk(told, path);
  }

  /** With a token; once more with a new one when the old one is over. */
  async #get(path: string, closing: AbortSignal): Promise<Told> {
    const told = await this.#client.ask(path, { headers: await this.#headers(closing), closing });
    if (told.status !== 401) return told;
    this.#token = undefined;
    return this.#client.ask(path, { headers: await this.#headers(closing), closing });
  }

  async #headers(closing: AbortSignal): Promise<Readonly<Record<string, string>>> {
    if (this.#token === undefined) {
      const headers = { "x-aws-ec2-metadata-token-ttl-seconds": `${TTL_SECONDS}` };
      const told = await this.#client.ask(TOKEN_PATH, { method: "PUT", headers, closing });
      this.#token = requireOk(told, TOKEN_PATH).trim();
    }
    return { "x-aws-ec2-metadata-token": this.#token };
  }

  #reclaim(raw: string): Notice {
    const expected = '{ "action": "terminate|stop|hibernate", "time": "..." }';
    const { action, time } = objectOf(raw, expected);
    const deadlineMs = timeOf(time);
    if (typeof action !== "string" || deadlineMs === undefined) throw strange(raw, expected);
    return { ...this.#base(raw, `${action} ${deadlineMs}`), kind: "reclaim", action, deadlineMs };
  }

  #rebalance(raw: string): Notice {
    const expected = '{ "noticeTime": "..." }';
    const timeMs = timeOf(objectOf(raw, expected).noticeTime);
    if (timeMs === undefined) throw strange(raw, expected);
    const base = this.#base(raw, `rebalance ${timeMs}`);
    // It stays there for hours: how old it is matters.
    return { ...base, noticedMs: timeMs, kind: "rebalance", action: "rebalance" };
  }

  #base(raw: string, what: string) {
    const instanceId = this.#instanceId ?? "";
    const noticeId = `ec2 ${instanceId} ${what}`;
    const noticedMs = this.#clock.nowMs();
    return { noticeId, source: this.source, instanceId, noticedMs, canAck: false, raw } as const;
  }
}

function objectOf(raw: string, expected: string): Readonly<Record<string, unknown>> {
  const value = parseJson(raw, expected);
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw strange(raw, expected);
}
