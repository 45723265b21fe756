/**
 * What a profiler learnt, as bytes: offsets, surges and the population, so that a restarted process
 * goes on calibrated. Canonical JSON with a format and a SHA-256 over everything else; numbers are
 * the bytes of their arrays in base64, little-endian as the core's memory is.
 *
 * Goals: what is read is what was written, bit for bit, or nothing is. Non-goals: the instances'
 * state in the core, shadow cuts under way, answers at a stop, the drift watch: these begin anew.
 */
import { createHash } from "node:crypto";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

const FORMAT = "reprise learnt 1";

export type LearntArray = Float64Array | Float32Array | Uint32Array | Int16Array;
export type LearntArrays = Readonly<Record<string, LearntArray>>;

/** Something that is learnt: numbers in place, some of them a job type. */
export interface LearntPart {
  readonly arrays: LearntArrays;
  typeNames(): Iterable<string>;
  /** Of one type, made when it is new; undefined when there is no room for more. */
  typeArrays(jobType: string): LearntArrays | undefined;
  /** The arrays were replaced. */
  loaded(): void;
}

export type LearntParts = Readonly<Record<string, LearntPart>>;

interface SavedPart {
  readonly arrays: Readonly<Record<string, string>>;
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface Saved {
  readonly format: string;
  readonly modelVersion: string;
  readonly parts: Readonly<Record<string, SavedPart>>;
  /** Offsets of single instances. */
  readonly instances: Readonly<Record<string, string>>;
}

export interface LearntInstances {
  readonly modelVersion: string;
  readonly instances: ReadonlyMap<string, Int16Array>;
}

export function encodeLearnt(parts: LearntParts, about: LearntInstances): Buffer {
  const saved: Saved = {
    format: FORMAT,
    modelVersion: about.modelVersion,
    parts: mapValues(parts, savePart),
    instances: Object.fromEntries(
      [...about.instances].map(([id, own]) => [id, encodeArray(own)] as const),
    ),
  };
  const body = JSON.stringify(saved);
  return Buffer.from(`${sha256(body)}\n${body}\n`);
}

/**
 * Replaces what the parts hold. Nothing is replaced when an error is thrown.
 *
 * @returns the offsets of single instances
 * @throws ERR_CONFIG when the bytes are damaged, of another format or of another model
 */
export function decodeLearnt(
  bytes: Uint8Array,
  parts: LearntParts,
  modelVersion: string,
): Map<string, Int16Array> {
  const saved = parse(bytes);
  if (saved.modelVersion !== modelVersion) {
    throw refusal("another model learnt this", saved.modelVersion, modelVersion);
  }
  const copies: (() => void)[] = [];
  for (const [name, part] of Object.entries(parts)) {
    const from = saved.parts[name];
    if (from === undefined) throw refusal("a part is missing", name, "every part");
    copies.push(copyArrays(from.arrays, part.arrays));
    const typeCount = Object.keys(from.types).length;
    if (typeCount > LIMITS.jobTypesTrackedMax) {
      throw refusal("too many job types", typeCount, `${LIMITS.jobTypesTrackedMax}`);
    }
    for (const [jobType, arrays] of Object.entries(from.types)) {
      const into = part.typeArrays(jobType);
      if (into !== undefined) copies.push(copyArrays(arrays, into));
    }
  }
  for (const copy of copies) copy();
  for (const part of Object.values(parts)) part.loaded();
  return new Map(
    Object.entries(saved.instances).map(([id, text]) => {
      const own = Buffer.from(text, "base64");
      return [id, new Int16Array(Uint8Array.from(own).buffer)] as const;
    }),
  );
}

function savePart(part: LearntPart): SavedPart {
  const types = [...part.typeNames()].sort().map((jobType) => {
    return [jobType, mapValues(part.typeArrays(jobType) ?? {}, encodeArray)] as const;
  });
  return { arrays: mapValues(part.arrays, encodeArray), types: Object.fromEntries(types) };
}

function parse(bytes: Uint8Array): Saved {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const end = text.indexOf("\n");
  const body = text.slice(end + 1, -1);
  const found = text.slice(0, Math.max(0, end));
  if (found !== sha256(body)) throw refusal("the checksum is wrong", found, sha256(body));
  const saved: Saved = JSON.parse(body);
  if (saved.format !== FORMAT) throw refusal("another format", saved.format, FORMAT);
  return saved;
}

/** Checks now, copies when called. */
function copyArrays(from: Readonly<Record<string, string>>, into: LearntArrays): () => void {
  const pairs = Object.entries(into).map(([name, target]) => {
    const bytes = Buffer.from(from[name] ?? "", "base64");
    if (bytes.byteLength !== target.byteLength) {
      throw refusal(`${name} has another size`, bytes.byteLength, `${target.byteLength} bytes`);
    }
    return { target, bytes };
  });
  return () => {
    for (const { target, bytes } of pairs) {
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes);
    }
  };
}

function encodeArray(array: LearntArray): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function refusal(message: string, got: unknown, expected: string): RepriseError {
  return new RepriseError("ERR_CONFIG", `what was learnt cannot be taken up: ${message}`, {
    got,
    expected,
  });
}
