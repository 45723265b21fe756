/** Finds decisions by the request they answer, newest last. */
import type { Ledger } from "../ledger/ledger.js";
import type { DecisionRecord } from "../ledger/records.js";
import { LIMITS } from "../lib/limits.js";

export class DecisionIndex {
  readonly #ledger: Ledger;
  readonly #byRequest = new Map<string, string>();
  #newest = "";

  /** Reads the ledger's decisions once. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    for (const [decisionId, { requestId }] of ledger.entries("decision")) {
      this.#note(requestId, decisionId);
    }
  }

  add({ requestId, decisionId }: DecisionRecord): void {
    this.#note(requestId, decisionId);
    if (this.#byRequest.size <= LIMITS.decisionsKeptMax) return;
    const oldest = this.#byRequest.keys().next();
    if (oldest.done !== true) this.#byRequest.delete(oldest.value);
  }

  /** Those in the ledger that are newer than all that were added. */
  missed(): readonly DecisionRecord[] {
    const found = this.#ledger.entries(
      "decision",
      this.#newest === "" ? {} : { from: this.#newest },
    );
    return [...found].flatMap(([id, decision]) => (id > this.#newest ? [decision] : []));
  }

  /** The latest decision on a request; undefined when there is none, or none is kept. */
  latest(requestId: string): DecisionRecord | undefined {
    const decisionId = this.#byRequest.get(requestId);
    return decisionId === undefined ? undefined : this.#ledger.get("decision", decisionId);
  }

  #note(requestId: string, decisionId: string): void {
    this.#byRequest.delete(requestId);
    this.#byRequest.set(requestId, decisionId);
    if (decisionId > this.#newest) this.#newest = decisionId;
  }
}
