/**
 * The safetensors container: 8 bytes of header length, a JSON header, the payload.
 *
 * Goals: read and write what PyTorch reads and writes; say which check failed, in a fixed order
 * (size, header length, header, names, dtypes, shapes, offsets, checksum). Non-goals: dtypes other
 * than F32 and F64, files larger than `LIMITS.weightsBytesMax`, lazy loading.
 */

import { createHash } from "node:crypto";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

export type TensorDtype = "F32" | "F64";

export interface Tensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the payload, hexadecimal. */
  readonly sha256: string;
}

/** What a reader asks of a file beyond being safetensors. */
export interface TensorSchema {
  /** Exactly these tensors, no more; absent = any. */
  readonly names?: readonly string[];
  /** Absent = F32 and F64. */
  readonly dtypes?: readonly TensorDtype[];
  /** Shape each tensor must have, worked out from the shapes found; absent = any. */
  readonly shapes?: (found: ReadonlyMap<string, readonly number[]>) => ShapeCheck;
}

export type ShapeCheck =
  | { readonly field: string; readonly got: unknown; readonly expected: string }
  | undefined;

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const LENGTH_BYTES = 8;
const BYTES_OF: Readonly<Record<TensorDtype, number>> = { F32: 4, F64: 8 };
/** Where `serializeTensors` writes the payload's checksum and `parseTensors` looks for it. */
const CHECKSUM_KEY = "sha256";

interface Failure {
  readonly file: string;
  readonly check: string;
  readonly field?: string;
  readonly got: unknown;
  readonly expected: string;
}

function failure({ file, check, field, got, expected }: Failure): RepriseError {
  return new RepriseError("ERR_WEIGHTS_FORMAT", `${check} check failed`, {
    file,
    ...(field === undefined ? {} : { field }),
    got,
    expected,
  });
}

/**
 * Reads a whole file's bytes. The tensors are copies: nothing refers to `bytes` afterwards.
 *
 * @throws ERR_WEIGHTS_FORMAT naming the check, the file, the field, what was got and expected
 */
export function parseTensors(
  bytes: Uint8Array,
  file: string,
  schema: TensorSchema = {},
): TensorFile {
  const headerBytes = checkSizes(bytes, file);
  const payload = bytes.subarray(LENGTH_BYTES + headerBytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes), file);
  const metadata = metadataOf(header, file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => entryOf(name, value, file));
  checkNames(entries, file, schema);
  checkDtypes(entries, file, schema);
  checkShapes(entries, file, schema);
  checkOffsets(entries, file, payload.length);
  const sha256 = checkChecksum(payload, file, metadata);
  const tensors = new Map(entries.map((entry) => [entry.name, tensorOf(entry, payload)]));
  return { tensors, metadata, sha256 };
}

function checkSizes(bytes: Uint8Array, file: string): number {
  if (bytes.length < LENGTH_BYTES || bytes.length > LIMITS.weightsBytesMax) {
    throw failure({
      file,
      check: "size",
      got: bytes.length,
      expected: `${LENGTH_BYTES} to ${LIMITS.weightsBytesMax} bytes`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  const most = Math.min(bytes.length - LENGTH_BYTES, LIMITS.weightsHeaderBytesMax);
  if (length < 2n || length > BigInt(most)) {
    throw failure({
      file,
      check: "header length",
      got: length,
      expected: `2 to ${most} bytes`,
    });
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  const bad = (got: unknown) =>
    failure({ file, check: "header", got, expected: "a JSON object in UTF-8" });
  let parsed: unknown;
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch {
    throw bad(text.slice(0, 40));
  }
  if (!isRecord(parsed)) throw bad(parsed);
  return parsed;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function metadataOf(header: Record<string, unknown>, file: string): Record<string, string> {
  const found = header.__metadata__ ?? {};
  if (!isRecord(found) || Object.values(found).some((value) => typeof value !== "string")) {
    throw failure({
      file,
      check: "header",
      field: "__metadata__",
      got: found,
      expected: "an object of strings",
    });
  }
  return found as Record<string, string>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function entryOf(name: string, value: unknown, file: string): Entry {
  const bad = (field: string, got: unknown, expected: string) =>
    failure({ file, check: "header", field: `${name}${field}`, got, expected });
  if (!isRecord(value)) throw bad("", value, "an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") throw bad(".dtype", dtype, "a string");
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(".shape", shape, "an array of counts");
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw bad(".data_offsets", offsets, "two byte offsets");
  }
  return { name, dtype, shape, begin: offsets[0] as number, end: offsets[1] as number };
}

function checkNames(entries: readonly Entry[], file: string, schema: TensorSchema): void {
  if (schema.names === undefined) return;
  const found = new Set(entries.map((entry) => entry.name));
  for (const name of schema.names) {
    if (found.has(name)) continue;
    throw failure({
      file,
      check: "name",
      field: name,
      got: "no such tensor",
      expected: "to be there",
    });
  }
  const known = new Set(schema.names);
  for (const name of found) {
    if (known.has(name)) continue;
    throw failure({
      file,
      check: "name",
      field: name,
      got: "an unknown tensor",
      expected: `only ${schema.names.join(", ")}`,
    });
  }
}

function checkDtypes(entries: readonly Entry[], file: string, schema: TensorSchema): void {
  const allowed: readonly string[] = schema.dtypes ?? ["F32", "F64"];
  for (const { name, dtype } of entries) {
    if (allowed.includes(dtype)) continue;
    throw failure({
      file,
      check: "dtype",
      field: name,
      got: dtype,
      expected: allowed.join(" or "),
    });
  }
}

function checkShapes(entries: readonly Entry[], file: string, schema: TensorSchema): void {
  const wrong = schema.shapes?.(new Map(entries.map((entry) => [entry.name, entry.shape])));
  if (wrong !== undefined) throw failure({ file, check: "shape", ...wrong });
}

/** Tensors fill the payload without hole or overlap, each as long as its shape says. */
function checkOffsets(entries: readonly Entry[], file: string, payloadBytes: number): void {
  let at = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const bytes = entry.shape.reduce((product, size) => product * size, 1) * bytesOf(entry);
    if (entry.begin === at && entry.end === at + bytes) {
      at = entry.end;
      continue;
    }
    throw failure({
      file,
      check: "offset",
      field: entry.name,
      got: [entry.begin, entry.end],
      expected: `[${at}, ${at + bytes}]`,
    });
  }
  if (at !== payloadBytes) {
    throw failure({
      file,
      check: "payload length",
      got: payloadBytes,
      expected: `${at} bytes`,
    });
  }
}

function bytesOf(entry: Entry): number {
  return BYTES_OF[entry.dtype as TensorDtype];
}

function checkChecksum(
  payload: Uint8Array,
  file: string,
  metadata: Readonly<Record<string, string>>,
): string {
  const sha256 = createHash("sha256").update(payload).digest("hex");
  const stated = metadata[CHECKSUM_KEY];
  if (stated !== undefined && stated !== sha256) {
    throw failure({
      file,
      check: "checksum",
      field: `__metadata__.${CHECKSUM_KEY}`,
      got: sha256,
      expected: stated,
    });
  }
  return sha256;
}

function tensorOf(entry: Entry, payload: Uint8Array): Tensor {
  // A copy of its own (a Buffer's slice is none): the payload need not be aligned for floats.
  const { buffer } = new Uint8Array(payload.subarray(entry.begin, entry.end));
  const data = entry.dtype === "F32" ? new Float32Array(buffer) : new Float64Array(buffer);
  return { dtype: entry.dtype as TensorDtype, shape: entry.shape, data };
}

/** A whole file's bytes, tensors in the order given; the payload's checksum joins the metadata. */
export function serializeTensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const parts = [...tensors.values()].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  );
  const payload = Buffer.concat(parts);
  const sha256 = createHash("sha256").update(payload).digest("hex");
  const header: Record<string, unknown> = { __metadata__: { ...metadata, [CHECKSUM_KEY]: sha256 } };
  let at = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = JSON.stringify(header);
  const headerBytes = Math.ceil(Buffer.byteLength(text) / LENGTH_BYTES) * LENGTH_BYTES;
  const out = new Uint8Array(LENGTH_BYTES + headerBytes + payload.length);
  out.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.set(new TextEncoder().encode(text), LENGTH_BYTES);
  out.set(payload, LENGTH_BYTES + headerBytes);
  return out;
}
