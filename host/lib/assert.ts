import { RepriseError } from "./errors.js";

/** Programmer errors: a broken invariant stops the operation before any state moves. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RepriseError("ERR_INVARIANT", message);
}

/** Narrows away undefined where an index or key is known to exist. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) {
    throw new RepriseError("ERR_INVARIANT", `${what} is missing`);
  }
  return value;
}
