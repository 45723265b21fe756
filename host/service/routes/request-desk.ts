/** From what came over the wire to requests of the coordinator, and back to answers. */
import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { CoordinatorRequest } from "../../coordinator/types.js";
import type { DecisionRecord } from "../../ledger/records.js";
import { elapsedMs, within } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import type { AppParts } from "../app.js";
import { summaryOf } from "../events.js";
import { amountsOf } from "../runtime.js";
import type { InterruptionRequestBody, ReclaimRequestBody } from "../schemas.js";

export class RequestDesk {
  readonly #parts: AppParts;
  #drawn = 0;

  constructor(parts: AppParts) {
    this.#parts = parts;
  }

  /** The same request sent again is answered as the first time. */
  async submitted(asked: CoordinatorRequest, request: FastifyRequest) {
    const { runtime, config, metrics, audit } = this.#parts;
    const known = runtime.decisions.latest(asked.requestId);
    if (known !== undefined) return sameAs(known, asked);
    const beganMs = elapsedMs();
    const decision = await within(config.http.decisionWaitMs, runtime.submit(asked));
    if (decision === undefined) return undefined;
    metrics.decisionTook(decision.kind, (elapsedMs() - beganMs) / 1_000);
    audit?.append({
      timeMs: runtime.clock.nowMs(),
      caller: request.caller.name,
      action: asked.kind,
      subject: asked.requestId,
      outcome: `${decision.kind} ${decision.decisionId}`,
    });
    return { ...summaryOf(decision), acted: decision.kind === "proceed" };
  }

  /** @throws ERR_STATE in mode off */
  onlySaid(asked: CoordinatorRequest, mode: string) {
    if (mode === "off") {
      const details = { field: "instanceId", expected: "a group in mode recommend or enforce" };
      throw new RepriseError("ERR_STATE", "the group is in mode off", details);
    }
    const { inputs: _inputs, ...said } = this.#parts.runtime.consider(asked);
    return { ...said, acted: false };
  }

  nextConsideration(): string {
    return `consideration-${++this.#drawn}`;
  }

  /** Given in the body, else the idempotency key, else drawn. */
  idOf(request: FastifyRequest): string {
    const key = request.headers["idempotency-key"];
    const { requestId } = request.body as { readonly requestId?: string };
    if (requestId !== undefined) return requestId;
    if (typeof key === "string" && key !== "") return key.slice(0, 200);
    const unique = `${this.#parts.runtime.clock.nowMs()} ${++this.#drawn} ${process.pid}`;
    return `r${createHash("sha256").update(unique).digest("hex").slice(0, 20)}`;
  }

  interruption(body: InterruptionRequestBody, requestId: string) {
    const receivedMs = this.#parts.runtime.clock.nowMs();
    return { kind: "interrupt", ...body, requestId, receivedMs } as const;
  }

  reclaim(body: ReclaimRequestBody, requestId: string) {
    const { amounts, purpose = "requester" } = body;
    return {
      kind: "reclaim",
      ...body,
      purpose,
      amounts: amountsOf(amounts),
      requestId,
      receivedMs: this.#parts.runtime.clock.nowMs(),
    } as const;
  }
}

/** @throws ERR_DUPLICATE_ID when the id was used for something else */
function sameAs(known: DecisionRecord, asked: CoordinatorRequest) {
  const before = (known.inputs as { readonly request: CoordinatorRequest }).request;
  const subject = (each: CoordinatorRequest) =>
    each.kind === "interrupt" ? each.instanceId : `${[...each.nodeIds].sort()} ${each.deadlineMs}`;
  if (before.kind === asked.kind && subject(before) === subject(asked)) {
    return { ...summaryOf(known), acted: known.kind === "proceed" };
  }
  throw new RepriseError("ERR_DUPLICATE_ID", "this id was used for another request", {
    field: "requestId",
    got: asked.requestId,
  });
}
