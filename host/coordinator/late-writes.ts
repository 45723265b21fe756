/**
 * What may be written a little later, with whatever is written next: nobody is answered on it, and
 * after a crash it is found out or repeated. It saves a wait for the disk of its own.
 */
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import { outboxRemovals } from "./give-backs.js";

/** Facts that somebody else keeps, as they are at the moment of writing. */
export interface Facts {
  /** @param countMax the others are said the next time */
  changes(countMax: number): readonly LedgerChange[];
  /** All that `changes` said last is in the ledger. */
  written(): void;
}

export class LateWrites {
  readonly #ledger: Ledger;
  readonly #facts: Facts;
  /** Acts that are answered and still in the outbox of the ledger. */
  readonly #answered = new Set<string>();

  constructor(ledger: Ledger, facts: Facts) {
    this.#ledger = ledger;
    this.#facts = facts;
  }

  answered(actIds: Iterable<string>): void {
    for (const actId of actIds) this.#answered.add(actId);
  }

  /** The same acts are to be sent again: the ledger has them anew. */
  posted(actIds: Iterable<string>): void {
    for (const actId of actIds) this.#answered.delete(actId);
  }

  /**
   * Writes them, before anything else of a group.
   *
   * @param factsMax with a group that somebody waits for, only so many facts
   * @returns to be called once the group is durable
   */
  write(factsMax = Number.MAX_SAFE_INTEGER): () => void {
    const actIds = [...this.#answered];
    const changes = [...this.#facts.changes(factsMax), ...outboxRemovals(actIds)];
    if (changes.length === 0) return () => {};
    this.#ledger.commit(changes);
    return () => {
      for (const actId of actIds) this.#answered.delete(actId);
      this.#facts.written();
    };
  }
}
