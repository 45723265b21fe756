import { isRepriseError, type RepriseError } from "../../host/lib/errors.js";

/** Runs what must throw a typed error and hands the error over. */
export function thrownBy(body: () => unknown): RepriseError {
  let error: unknown;
  try {
    body();
  } catch (caught) {
    error = caught;
  }
  if (isRepriseError(error)) return error;
  throw new Error(`expected a typed error, got ${error === undefined ? "none" : String(error)}`);
}

/** The same for what answers later. */
export async function rejectedBy(body: () => Promise<unknown>): Promise<RepriseError> {
  let error: unknown;
  try {
    await body();
  } catch (caught) {
    error = caught;
  }
  if (isRepriseError(error)) return error;
  throw new Error(`expected a typed error, got ${error === undefined ? "none" : String(error)}`);
}
