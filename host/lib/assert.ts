import { RepriseError } from "./errors.js";

/** Programmer errors: a broken invariant stops the operation before any state moves. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RepriseError("ERR_INVARIANT", message);
}

/** A named argument of the public surface that must be an object. @throws ERR_ARGUMENT */
export function checkObject(field: string, got: unknown, expected: string): void {
  if (typeof got === "object" && got !== null && !Array.isArray(got)) return;
  throw new RepriseError("ERR_ARGUMENT", "the argument cannot be used", { field, got, expected });
}

/** Narrows away undefined where an index or key is known to exist. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) {
    throw new RepriseError("ERR_INVARIANT", `${what} is missing`);
  }
  return value;
}
