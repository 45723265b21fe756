/** The library's public surface: re-exports only. */
export * from "./core/abi.js";
export { type Clock, SystemClock, VirtualClock } from "./lib/clock.js";
export { ERROR_CODES, type ErrorCode, isRepriseError, RepriseError } from "./lib/errors.js";
