/**
 * Forecasts on disk, so that another replay of the same span does without the profiler. A file
 * holds the length of a JSON header, the header, then the usage and the forecasts as raw floats.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../lib/errors.js";
import type { VmSurvey } from "../survey.js";
import type { OutcomeInput } from "./outcome-input.js";
import type { OutcomeSpan } from "./usage-table.js";

/** Raised when the profiler's answers or this layout change, so that older files are passed over. */
const FORMAT = 1;
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** What forecasts depend on. */
export interface ForecastKey {
  readonly modelVersion: string;
  readonly span: OutcomeSpan;
  readonly folder: string;
}

export type Forecasts = Pick<OutcomeInput, "surveys" | "used" | "profiles">;

interface Header {
  /** A VM without a limit has none in JSON either. */
  readonly surveys: readonly VmSurvey[];
  readonly usedLength: number;
  readonly rowsLength: number;
  readonly fromMs: number;
  readonly modelVersion: string;
}

/** Null when there are none. @throws ERR_ARGUMENT when the file is cut short */
export function readForecasts(cache: string, key: ForecastKey): Forecasts | null {
  const file = fileOf(cache, key);
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const headerBytes = bytes.byteLength < FLOAT_BYTES ? 0 : bytes.readUInt32LE(0);
  const dataAt = FLOAT_BYTES + headerBytes;
  if (headerBytes === 0 || bytes.byteLength < dataAt) throw cutShort(file);
  const header = JSON.parse(bytes.toString("utf8", FLOAT_BYTES, dataAt)) as Header;
  const { surveys, usedLength, rowsLength, fromMs, modelVersion } = header;
  if (bytes.byteLength !== dataAt + FLOAT_BYTES * (usedLength + rowsLength)) throw cutShort(file);
  const used = shared(bytes, dataAt, usedLength);
  const rows = shared(bytes, dataAt + FLOAT_BYTES * usedLength, rowsLength);
  const instanceIds = surveys.map(({ instanceId }) => instanceId);
  return { surveys, used, profiles: { fromMs, rows, instanceIds, modelVersion } };
}

export function writeForecasts(cache: string, key: ForecastKey, forecasts: Forecasts): void {
  const { surveys, used, profiles } = forecasts;
  const { rows, fromMs, modelVersion } = profiles;
  const header: Header = {
    surveys,
    usedLength: used.length,
    rowsLength: rows.length,
    fromMs,
    modelVersion,
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(FLOAT_BYTES);
  length.writeUInt32LE(text.byteLength);
  mkdirSync(cache, { recursive: true });
  const file = fileOf(cache, key);
  writeFileSync(`${file}.new`, Buffer.concat([length, text, bytesOf(used), bytesOf(rows)]));
  // Nobody finds half a file under the name that is looked for.
  renameSync(`${file}.new`, file);
}

function fileOf(cache: string, key: ForecastKey): string {
  const { modelVersion, folder, span } = key;
  const text = JSON.stringify([FORMAT, modelVersion, folder, span.fromMs, span.noteFromMs]);
  const hash = createHash("sha256").update(`${text} ${span.toMs}`).digest("hex");
  return join(cache, `forecasts-${hash.slice(0, 16)}.bin`);
}

function shared(bytes: Buffer, at: number, length: number): Float32Array {
  const floats = new Float32Array(new SharedArrayBuffer(length * FLOAT_BYTES));
  bytesOf(floats).set(bytes.subarray(at, at + length * FLOAT_BYTES));
  return floats;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function cutShort(file: string): RepriseError {
  const details = { file, expected: "an empty cache folder, or another one" };
  return new RepriseError("ERR_ARGUMENT", "the forecasts are cut short", details);
}
