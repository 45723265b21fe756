/** Finds decisions by the request they answer, newest last. */
import type { Ledger } from "../ledger/ledger.js";
import type { DecisionRecord } from "../ledger/records.js";
import { LIMITS } from "../lib/limits.js";

export class DecisionIndex {
  readonly #ledger: Ledger;
  readonly #byRequest = new Map<string, string>();

  /** Reads the ledger's decisions once. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    for (const [decisionId, { requestId }] of ledger.entries("decision")) {
      this.#byRequest.set(requestId, decisionId);
    }
  }

  add({ requestId, decisionId }: DecisionRecord): void {
    this.#byRequest.delete(requestId);
    this.#byRequest.set(requestId, decisionId);
    if (this.#byRequest.size <= LIMITS.decisionsKeptMax) return;
    const oldest = this.#byRequest.keys().next();
    if (oldest.done !== true) this.#byRequest.delete(oldest.value);
  }

  /** The latest decision on a request; undefined when there is none, or none is kept. */
  latest(requestId: string): DecisionRecord | undefined {
    const decisionId = this.#byRequest.get(requestId);
    return decisionId === undefined ? undefined : this.#ledger.get("decision", decisionId);
  }
}
