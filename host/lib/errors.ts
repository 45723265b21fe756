/**
 * Every error that Reprise throws on purpose. `code` is stable and part of the public surface;
 * the message names what was got and what was expected.
 */

export const ERROR_CODES = [
  "ERR_ABI_MISMATCH",
  "ERR_KERNEL_TRAP",
  "ERR_LIMIT",
  "ERR_SHAPE",
  "ERR_WEIGHTS_FORMAT",
  "ERR_TRACE_FORMAT",
  "ERR_SAMPLE",
  "ERR_UNKNOWN_ID",
  "ERR_DUPLICATE_ID",
  "ERR_ARGUMENT",
  "ERR_STATE",
  "ERR_INVARIANT",
  "ERR_LEDGER",
  "ERR_LEDGER_FOREIGN",
  "ERR_FENCED",
  "ERR_NO_ROOM",
  "ERR_POOL_OVERLOADED",
  "ERR_WORKER_LOST",
  "ERR_SAMPLE_UNAVAILABLE",
  "ERR_CONFIG",
  "ERR_SHUTTING_DOWN",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What was looked at when the error arose; every field that is known is given. */
export interface ErrorDetails {
  readonly file?: string;
  readonly line?: number;
  readonly field?: string;
  readonly got?: unknown;
  readonly expected?: string;
  /** The node it is about, for whoever can do with less of that one. */
  readonly nodeId?: string;
}

export class RepriseError extends Error {
  readonly code: ErrorCode;
  /** Not `details`: the test runner reads a property of that name as text and loses the failure. */
  readonly context: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(describe(message, details), cause === undefined ? undefined : { cause });
    this.name = "RepriseError";
    this.code = code;
    this.context = details;
  }
}

function describe(message: string, details: ErrorDetails): string {
  const where = [
    details.file === undefined ? "" : details.file,
    details.line === undefined ? "" : `line ${details.line}`,
    details.field === undefined ? "" : `field ${details.field}`,
  ].filter((part) => part !== "");
  const prefix = where.length === 0 ? "" : `${where.join(", ")}: `;
  const got = "got" in details ? `; got ${show(details.got)}` : "";
  const expected = details.expected === undefined ? "" : `, expected ${details.expected}`;
  return `${prefix}${message}${got}${expected}`;
}

const SHOWN_CHARACTERS_MAX = 120;

function show(value: unknown): string {
  const text =
    typeof value === "string"
      ? JSON.stringify(value)
      : typeof value === "bigint"
        ? `${value}`
        : safe(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

function safe(value: unknown): string {
  if (typeof value === "number" || value === null || value === undefined) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

export function isRepriseError(value: unknown): value is RepriseError {
  return value instanceof RepriseError;
}
