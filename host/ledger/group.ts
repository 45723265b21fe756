import { RepriseError } from "../lib/errors.js";

/** @throws ERR_ARGUMENT when it is a promise: what it would commit later is in no group */
export function synchronous<T>(result: T): T {
  if (!(result instanceof Promise)) return result;
  throw new RepriseError("ERR_ARGUMENT", "the body of a group must be synchronous");
}

export function nestedGroup(): RepriseError {
  return new RepriseError("ERR_STATE", "a group of commits is under way already");
}
