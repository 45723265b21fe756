/** Lives of instances as the ledger has them; read in one go while everybody is registered anew. */
import type { Ledger } from "../ledger/ledger.js";
import type { IncarnationRecord } from "../ledger/records.js";

export class Lives {
  readonly #ledger: Ledger;
  #all: Map<string, IncarnationRecord> | undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  of(instanceId: string): IncarnationRecord | undefined {
    if (this.#all !== undefined) return this.#all.get(instanceId);
    return this.#ledger.get("incarnation", instanceId);
  }

  /** Runs `body` with all of them at hand; it must not write any. */
  whileRead<T>(body: () => T): T {
    this.#all = new Map(this.#ledger.entries("incarnation"));
    try {
      return body();
    } finally {
      this.#all = undefined;
    }
  }
}
