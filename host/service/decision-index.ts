/**
 * Finds decisions by the request they answer. The index is in the ledger, written in the commit of
 * the decision itself, so a start reads none of them.
 */
import { requestKey } from "../ledger/kept.js";
import type { Ledger } from "../ledger/ledger.js";
import type { DecisionRecord } from "../ledger/records.js";
import { isName } from "../profiler/registration.js";

export class DecisionIndex {
  readonly #ledger: Ledger;
  #newest = "";

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Once, before the first question. @throws ERR_LEDGER */
  open(): void {
    for (const [newest] of this.#ledger.entries("decision", { reverse: true, limit: 1 })) {
      this.#newest = newest;
    }
  }

  add({ decisionId }: DecisionRecord): void {
    if (decisionId > this.#newest) this.#newest = decisionId;
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
    if (!isName(requestId)) return undefined;
    const decisionId = this.#ledger.get("meta", requestKey(requestId));
    return typeof decisionId === "string" ? this.#ledger.get("decision", decisionId) : undefined;
  }
}
