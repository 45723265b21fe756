/** The library's public surface: re-exports only. */
export * from "./core/abi.js";
// Engines
export { DryRunEngine, type DryRunOptions } from "./engines/dry-run.js";
export type { Act, ActOutcome, Engine, PriorityProvider } from "./engines/engine.js";
export { StaticPriorities } from "./engines/static-priorities.js";
// Ledger
export { canonicalJson } from "./ledger/encoding.js";
export type { Ledger, LedgerChange, LedgerRange, LedgerTable } from "./ledger/ledger.js";
export { LEDGER_SCHEMA, type LmdbLedgerOptions, openLmdbLedger } from "./ledger/lmdb.js";
export { MemoryLedger } from "./ledger/memory.js";
export { type Clock, SystemClock, VirtualClock } from "./lib/clock.js";
export { ERROR_CODES, type ErrorCode, isRepriseError, RepriseError } from "./lib/errors.js";
// sources
export {
  type BitbrainsOptions,
  BitbrainsSource,
  readBitbrains,
} from "./sources/bitbrains/bitbrains-source.js";
