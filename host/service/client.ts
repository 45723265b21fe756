/**
 * A typed client of the service, for Node and browsers (`import { RepriseClient } from
 * "reprise/client"`). What may be sent twice without harm is sent again when the service is busy or
 * away; a request that acts carries its id, so that it acts once.
 */
import type { Static } from "@sinclair/typebox";
import { sleep } from "../lib/clock.js";
import type { Sample } from "../sources/sample.js";
import type {
  Decision,
  GrantReply,
  InterruptionRequestBody,
  NodeRequest,
  Pending,
  Profile,
  ReclaimRequestBody,
  RegistrationRequest,
  SampleReport,
} from "./schemas.js";

export type ClientDecision = Static<typeof Decision> | Static<typeof Pending>;

export interface ClientOptions {
  /** Such as `http://127.0.0.1:8787`. */
  readonly address: string;
  readonly token?: string;
  /** How often something is sent in all; 4. */
  readonly attemptsMax?: number;
  /** Wait before the second attempt, doubled each time; 100 ms. */
  readonly firstWaitMs?: number;
  /** One attempt's time; 10 s. */
  readonly timeoutMs?: number;
}

/** What the service refused: the status and the stable code of its problem. */
export class ClientError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ClientError";
    this.status = status;
    this.code = code;
  }
}

/** The caller's name for it, so that a repetition is known as one. */
type Named<T> = T & { readonly requestId: string };

const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export class RepriseClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  putNode(node: NodeRequest): Promise<unknown> {
    return this.#send("PUT", "/v1/nodes", node);
  }

  register(registration: RegistrationRequest): Promise<unknown> {
    return this.#send("PUT", "/v1/instances", registration);
  }

  /** A repeated sample is counted as dropped, not taken twice. */
  samples(samples: readonly Sample[]): Promise<Static<typeof SampleReport>> {
    return this.#send("POST", "/v1/samples", samples);
  }

  profile(instanceId: string): Promise<Static<typeof Profile>> {
    return this.#send("GET", `/v1/instances/${encodeURIComponent(instanceId)}/profile`);
  }

  consider(
    request: { interrupt: InterruptionRequestBody } | { reclaim: ReclaimRequestBody },
  ): Promise<Static<typeof Decision>> {
    return this.#send("POST", "/v1/considerations", request);
  }

  /** Acts where the group is enforced; once, however often it is sent with the same id. */
  interrupt(request: Named<InterruptionRequestBody>): Promise<ClientDecision> {
    return this.#send("POST", "/v1/interruptions", request);
  }

  reclaim(request: Named<ReclaimRequestBody>): Promise<ClientDecision> {
    return this.#send("POST", "/v1/reclaims", request);
  }

  /** The latest decision on a request. */
  decisionOn(requestId: string): Promise<Static<typeof Decision>> {
    return this.#send("GET", `/v1/requests/${encodeURIComponent(requestId)}`);
  }

  /** Sent once: a second report would be another restart. */
  restarted(instanceId: string, timeMs?: number): Promise<Static<typeof GrantReply>> {
    const path = `/v1/instances/${encodeURIComponent(instanceId)}/restarted`;
    return this.#once("POST", path, timeMs === undefined ? {} : { timeMs }).then(resultOf<never>);
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { attemptsMax = 4, firstWaitMs = 100 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attemptsMax;
      let waitMs = firstWaitMs * 2 ** (attempt - 1);
      try {
        const reply = await this.#once(method, path, body);
        if (isLast || !AGAIN.has(reply.status)) return await resultOf<T>(reply);
        const asked = Number(reply.headers.get("retry-after") ?? 0) * 1_000;
        if (Number.isFinite(asked)) waitMs = Math.max(waitMs, asked);
        await reply.body?.cancel();
      } catch (error) {
        if (isLast || error instanceof ClientError) throw error;
      }
      await sleep(waitMs);
    }
  }

  #once(method: string, path: string, body?: unknown): Promise<Response> {
    const { address, token, timeoutMs = 10_000 } = this.#options;
    return fetch(`${address}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
  }
}

/** @throws ClientError */
async function resultOf<T>(reply: Response): Promise<T> {
  const text = await reply.text();
  if (reply.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
  let said: { readonly code?: string; readonly detail?: string } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // A proxy's page is no problem of the service; its status says enough.
  }
  const { code = "ERR_HTTP", detail = `status ${reply.status}` } = said;
  throw new ClientError(reply.status, code, detail);
}
