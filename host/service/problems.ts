/** Errors as HTTP problems (RFC 9457). */
import { type ErrorCode, isRepriseError, type RepriseError } from "../lib/errors.js";

/** What of an error is whose fault. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  ERR_ABI_MISMATCH: 500,
  ERR_KERNEL_TRAP: 500,
  ERR_LIMIT: 422,
  ERR_SHAPE: 400,
  ERR_WEIGHTS_FORMAT: 500,
  ERR_TRACE_FORMAT: 400,
  ERR_SAMPLE: 422,
  ERR_UNKNOWN_ID: 404,
  ERR_DUPLICATE_ID: 409,
  ERR_ARGUMENT: 400,
  ERR_STATE: 409,
  ERR_INVARIANT: 500,
  ERR_LEDGER: 503,
  ERR_LEDGER_FOREIGN: 503,
  ERR_FENCED: 409,
  ERR_NO_ROOM: 409,
  ERR_POOL_OVERLOADED: 429,
  ERR_WORKER_LOST: 503,
  ERR_SAMPLE_UNAVAILABLE: 503,
  ERR_CONFIG: 500,
  ERR_SHUTTING_DOWN: 503,
};

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
  readonly got?: string;
  readonly expected?: string;
}

export function problemOf(error: unknown): Problem {
  if (isRepriseError(error)) return known(error);
  const http = error as { statusCode?: unknown; message?: unknown; validation?: unknown };
  const status = typeof http?.statusCode === "number" ? http.statusCode : 500;
  // What nobody threw on purpose may hold anything; it goes to the log, not over the wire.
  if (status >= 500) return problem("ERR_INTERNAL", status, "something unexpected went wrong");
  const code = Array.isArray(http.validation) ? "ERR_ARGUMENT" : codeOf(status);
  return problem(code, status, String(http.message ?? ""));
}

export function problem(code: string, status: number, detail: string): Problem {
  return { type: `urn:reprise:problem:${code}`, title: titleOf(code), status, code, detail };
}

function known({ code, message, context }: RepriseError): Problem {
  const { field, got, expected } = context;
  return {
    ...problem(code, STATUS[code], message),
    ...(field === undefined ? {} : { field }),
    ...(got === undefined ? {} : { got: String(got).slice(0, 120) }),
    ...(expected === undefined ? {} : { expected }),
  };
}

function codeOf(status: number): string {
  if (status === 401) return "ERR_UNAUTHENTICATED";
  if (status === 403) return "ERR_FORBIDDEN";
  if (status === 404) return "ERR_NOT_FOUND";
  if (status === 413) return "ERR_LIMIT";
  if (status === 429) return "ERR_OVERLOADED";
  return "ERR_ARGUMENT";
}

/** ERR_NO_ROOM -> "no room". */
function titleOf(code: string): string {
  return code.replace(/^ERR_/, "").toLowerCase().replaceAll("_", " ");
}
