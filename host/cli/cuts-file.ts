import { readFileSync, statSync } from "node:fs";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

/** A moment at which an instance is interrupted in thought. */
export interface Cut {
  /** Seconds since 1970. */
  readonly at: number;
  readonly outageMinutes: number;
}

/** 1 January 2200. */
const AT_MAX = 7_258_118_400;

/**
 * Reads a JSON list of `{"at": seconds since 1970, "outageMinutes": number}`.
 *
 * @throws ERR_ARGUMENT naming file, field, got and expected
 */
export function readCuts(file: string): Cut[] {
  const parsed = parse(file, readText(file));
  if (!Array.isArray(parsed)) {
    throw new RepriseError("ERR_ARGUMENT", "the cuts are no list", {
      file,
      got: parsed,
      expected: 'a JSON list of {"at", "outageMinutes"}',
    });
  }
  if (parsed.length > LIMITS.cutsMax) {
    throw new RepriseError("ERR_ARGUMENT", "too many cuts", {
      file,
      got: parsed.length,
      expected: `at most ${LIMITS.cutsMax}`,
    });
  }
  return parsed.map((entry: unknown, index) => readCut(entry, { file, index }));
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > LIMITS.cutsFileBytesMax) {
      throw new RepriseError("ERR_ARGUMENT", "the cuts file is too large", {
        file,
        got: size,
        expected: `at most ${LIMITS.cutsFileBytesMax} bytes`,
      });
    }
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof RepriseError) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new RepriseError("ERR_ARGUMENT", `the cuts cannot be read: ${text}`, { file }, cause);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RepriseError("ERR_ARGUMENT", `the cuts are no JSON: ${reason}`, { file }, cause);
  }
}

function readCut(entry: unknown, place: { readonly file: string; readonly index: number }): Cut {
  const { file, index } = place;
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    throw new RepriseError("ERR_ARGUMENT", "a cut is no object", {
      file,
      field: `[${index}]`,
      got: entry,
      expected: '{"at": seconds, "outageMinutes": minutes}',
    });
  }
  const { at, outageMinutes } = entry as { at?: unknown; outageMinutes?: unknown };
  const number = (name: string, got: unknown, max: number): number => {
    if (typeof got === "number" && got >= 0 && got <= max) return got;
    throw new RepriseError("ERR_ARGUMENT", `a cut has no valid ${name}`, {
      file,
      field: `[${index}].${name}`,
      got,
      expected: `a number from 0 to ${max}`,
    });
  };
  return {
    at: number("at", at, AT_MAX),
    outageMinutes: number("outageMinutes", outageMinutes, LIMITS.outageMinutesMax),
  };
}
