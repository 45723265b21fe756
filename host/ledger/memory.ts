/**
 * The ledger without a disk: for replays, tests and embedders that keep their own record. It has
 * the contract of the durable one, except that nothing outlives the process.
 */
import { RepriseError } from "../lib/errors.js";
import { canonicalJson, keyBytes } from "./encoding.js";
import { nestedGroup, synchronous } from "./group.js";
import type { LedgerRange, LedgerTable, LedgerTables } from "./ledger.js";
import { LEDGER_TABLES, type Ledger, type LedgerChange } from "./ledger.js";
import { SortedTexts } from "./sorted-texts.js";

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
