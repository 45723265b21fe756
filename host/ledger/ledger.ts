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

export const LEDGER_TABLES = [
  "reservation",
  "allocation",
  "incarnation",
  "plan",
  "decision",
  "meta",
] as const satisfies readonly LedgerTable[];

/** `from` inclusive, in the direction of travel; at most `limit` entries. */
export interface LedgerRange {
  readonly from?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

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
  /**
   * Group commit: what the synchronous `body` commits becomes durable together, with one wait for
   * the disk, when this returns; if it throws, nothing of it is stored. Reads inside see it. A
   * ledger without it makes each commit durable by itself.
   *
   * @throws ERR_STATE inside another group, ERR_LEDGER, ERR_FENCED, and what the body throws
   */
  group?<T>(body: () => T): T;
  get<T extends LedgerTable>(table: T, key: string): LedgerTables[T] | undefined;
  /** In the order of the keys' UTF-8 bytes; later commits are not seen by an iteration under way. */
  entries<T extends LedgerTable>(
    table: T,
    range?: LedgerRange,
  ): Iterable<readonly [string, LedgerTables[T]]>;
  count(table: LedgerTable): number;
  /**
   * Gives back the memory that much reading took; nothing else may be asked until it has resolved.
   * A ledger that keeps everything in memory has none to give back.
   *
   * @throws ERR_LEDGER; then it is closed
   */
  release?(): Promise<void>;
  close(): Promise<void>;
}
