/**
 * The ledger without a disk: for replays, tests and embedders that keep their own record. It has
 * the contract of the durable one, except that nothing outlives the process.
 */
import { RepriseError } from "../lib/errors.js";
import { canonicalJson, compareKeys, keyBytes } from "./encoding.js";
import { nestedGroup, synchronous } from "./group.js";
import type { LedgerRange, LedgerTable, LedgerTables } from "./ledger.js";
import { LEDGER_TABLES, type Ledger, type LedgerChange } from "./ledger.js";

export class MemoryLedger implements Ledger {
  readonly #tables = new Map<LedgerTable, SortedTexts>(
    LEDGER_TABLES.map((table) => [table, new SortedTexts()]),
  );
  #closed = false;
  /** What undoes the commits of the group under way. */
  #undo: (() => void)[] | undefined;

  commit(changes: readonly LedgerChange[]): void {
    this.#requireOpen();
    // Everything that can fail comes first, so that a refused commit changes nothing.
    const steps = changes.map((change) => {
      keyBytes(change.key);
      const text = "put" in change ? canonicalJson(change.put) : undefined;
      return { texts: this.#table(change.table), key: change.key, text };
    });
    for (const { texts, key, text } of steps) {
      const before = this.#undo === undefined ? undefined : texts.get(key);
      this.#undo?.push(() => texts.set(key, before));
      texts.set(key, text);
    }
  }

  group<T>(body: () => T): T {
    this.#requireOpen();
    if (this.#undo !== undefined) throw nestedGroup();
    const undo: (() => void)[] = [];
    this.#undo = undo;
    try {
      return synchronous(body());
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  get<T extends LedgerTable>(table: T, key: string): LedgerTables[T] | undefined {
    this.#requireOpen();
    const text = this.#table(table).get(key);
    return text === undefined ? undefined : (JSON.parse(text) as LedgerTables[T]);
  }

  *entries<T extends LedgerTable>(
    table: T,
    range: LedgerRange = {},
  ): Iterable<readonly [string, LedgerTables[T]]> {
    this.#requireOpen();
    for (const [key, text] of this.#table(table).slice(range)) {
      yield [key, JSON.parse(text) as LedgerTables[T]];
    }
  }

  count(table: LedgerTable): number {
    this.#requireOpen();
    return this.#table(table).size;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #requireOpen(): void {
    if (this.#closed) throw new RepriseError("ERR_STATE", "the ledger is closed");
  }

  #table(table: LedgerTable): SortedTexts {
    const texts = this.#tables.get(table);
    if (texts === undefined) {
      throw new RepriseError("ERR_LEDGER", "unknown table", {
        got: table,
        expected: LEDGER_TABLES.join(", "),
      });
    }
    return texts;
  }
}

/** A map whose keys are also kept in order. Keys mostly arrive in order, so adding is cheap. */
class SortedTexts {
  readonly #texts = new Map<string, string>();
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  /** Undefined removes the key. */
  set(key: string, text: string | undefined): void {
    if (text === undefined) this.#remove(key);
    else this.#put(key, text);
  }

  #put(key: string, text: string): void {
    if (!this.#texts.has(key)) this.#keys.splice(this.#lowerBound(key), 0, key);
    this.#texts.set(key, text);
  }

  #remove(key: string): void {
    if (this.#texts.delete(key)) this.#keys.splice(this.#lowerBound(key), 1);
  }

  /** A copy, so that a commit during the iteration is not seen by it. */
  slice(range: LedgerRange): [string, string][] {
    const limit = range.limit ?? this.#keys.length;
    const { from } = range;
    let keys: string[];
    if (range.reverse === true) {
      const end = from === undefined ? this.#keys.length : this.#upperBound(from);
      keys = this.#keys.slice(Math.max(0, end - limit), end).reverse();
    } else {
      const start = from === undefined ? 0 : this.#lowerBound(from);
      keys = this.#keys.slice(start, start + limit);
    }
    return keys.map((key) => [key, this.#texts.get(key) ?? ""]);
  }

  #upperBound(key: string): number {
    const index = this.#lowerBound(key);
    return this.#keys[index] === key ? index + 1 : index;
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    const last = this.#keys[high - 1];
    if (last === undefined || compareKeys(last, key) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] ?? "", key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
