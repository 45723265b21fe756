/**
 * The undo log of the allocator's memory, and the list of what one transaction will write.
 *
 * Goals: a transaction that throws, or whose commit is refused, leaves memory as it was; what a
 * transaction changed reaches the ledger in one commit, the last value of each key.
 * Non-goals: concurrency (one writer, synchronous bodies).
 */

import type { Ledger, LedgerChange, LedgerTable, LedgerTables } from "../ledger/ledger.js";
import { RepriseError } from "../lib/errors.js";

interface Entry {
  readonly undo: () => void;
  readonly change: LedgerChange | undefined;
}

export class Journal {
  readonly #ledger: Ledger;
  readonly #entries: Entry[] = [];
  #depth = 0;
  /** Steps whose commit waits for the end of the group. */
  #grouped: Entry[] | undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Notes a step that was just taken. */
  note(undo: () => void, change?: LedgerChange): void {
    this.#entries.push({ undo, change });
  }

  /** Value of a key as this transaction left it; undefined when it did not write the key. */
  pending<T extends LedgerTable>(table: T, key: string): LedgerTables[T] | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const change = this.#entries[index]?.change;
      if (change === undefined || change.table !== table || change.key !== key) continue;
      return "put" in change ? (change.put as LedgerTables[T]) : undefined;
    }
    return undefined;
  }

  /**
   * Runs `body` whole or not at all. The outermost run calls `check` and commits; an inner one only
   * rolls back its own steps when it throws.
   */
  run<T>(body: () => T, check: () => void): T {
    const mark = this.#entries.length;
    this.#depth++;
    try {
      const result = body();
      if (result instanceof Promise) {
        throw new RepriseError("ERR_ARGUMENT", "a transaction's body must be synchronous");
      }
      if (this.#depth === 1) {
        check();
        this.#commit();
      }
      return result;
    } catch (error) {
      this.#rollBack(mark);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** Transactions that become durable together; if that fails, memory is as before them all. */
  group<T>(body: () => T): T {
    const ledger = this.#ledger;
    if (ledger.group === undefined) return body();
    const grouped: Entry[] = [];
    this.#grouped = grouped;
    try {
      return ledger.group(body);
    } catch (error) {
      while (grouped.length > 0) grouped.pop()?.undo();
      throw error;
    } finally {
      this.#grouped = undefined;
    }
  }

  /** Runs `body` whole or not at all, for changes that the ledger knows already. */
  replay(body: () => void): void {
    this.#depth++;
    try {
      body();
      this.#entries.length = 0;
    } catch (error) {
      this.#rollBack(0);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  #commit(): void {
    const last = new Map<string, LedgerChange>();
    for (const { change } of this.#entries) {
      if (change === undefined) continue;
      const name = `${change.table}/${change.key}`;
      // Later values go to the end, so that the commit's order is the order of the last writes.
      last.delete(name);
      last.set(name, change);
    }
    if (last.size > 0) this.#ledger.commit([...last.values()]);
    this.#grouped?.push(...this.#entries);
    this.#entries.length = 0;
  }

  #rollBack(mark: number): void {
    while (this.#entries.length > mark) this.#entries.pop()?.undo();
  }
}
