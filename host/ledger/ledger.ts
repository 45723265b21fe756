import type {
  AllocationRecord,
  DecisionRecord,
  IncarnationRecord,
  PlanRecord,
  ReservationRecord,
} from "./records.js";

/** The tables of the ledger, each keyed by a string. */
export interface LedgerTables {
  reservation: ReservationRecord;
  allocation: AllocationRecord;
  incarnation: IncarnationRecord;
  plan: PlanRecord;
  decision: DecisionRecord;
  /** Small facts: `modelVersion`, `fencingToken`, `schema`. */
  meta: string | number;
}
export type LedgerTable = keyof LedgerTables;

export type LedgerChange = {
  [T in LedgerTable]:
    | { readonly table: T; readonly key: string; readonly put: LedgerTables[T] }
    | { readonly table: T; readonly key: string; readonly remove: true };
}[LedgerTable];

/**
 * The durable record. `commit` is atomic: after it returns, all changes survive `kill -9`; if the
 * process dies inside it, none are seen. One writer.
 */
export interface Ledger {
  /** @throws ERR_LEDGER when the change cannot be stored; then nothing was */
  commit(changes: readonly LedgerChange[]): void;
  get<T extends LedgerTable>(table: T, key: string): LedgerTables[T] | undefined;
  /** In key order; `from` inclusive, `limit` at most. */
  entries<T extends LedgerTable>(
    table: T,
    range?: { readonly from?: string; readonly limit?: number; readonly reverse?: boolean },
  ): Iterable<readonly [string, LedgerTables[T]]>;
  count(table: LedgerTable): number;
  close(): Promise<void>;
}
