/**
 * How a record becomes bytes: canonical JSON. Keys are sorted, absent fields are left out, and a
 * number that JSON cannot hold is refused, so the same record is the same text on every machine
 * and what is read is what was written.
 */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

/** Nested deeper than this a value is written the slow way, which also finds circles. */
const DEPTH_MAX = 64;

/** @throws ERR_LEDGER naming the path of the first value that cannot be stored */
export function canonicalJson(value: unknown): string {
  const text = writeOutermost(value) ?? write(value, []);
  if (text !== undefined) return text;
  // Only now, so that the ordinary way does not pay for paths.
  const { path, got } = locate(value, "value", []) ?? { path: "value", got: typeof value };
  throw new RepriseError("ERR_LEDGER", "the ledger cannot hold this value", {
    field: path,
    got,
    expected: "finite numbers, text, booleans, null, arrays and plain objects of these",
  });
}

const KEPT = new WeakMap<object, string>();

/**
 * The same, and remembered as long as the object lives: a record that has it as a field is then
 * written without going through it again. The object must not change any more.
 */
export function keptCanonicalJson(value: object): string {
  const text = KEPT.get(value) ?? canonicalJson(value);
  KEPT.set(value, text);
  return text;
}

/**
 * Remembers the text of a list too, made of those of its items: for items that come back from one
 * record to the next. Neither they nor the list must change any more.
 */
export function keepItems(items: readonly object[]): void {
  if (!KEPT.has(items)) KEPT.set(items, `[${items.map(keptCanonicalJson).join(",")}]`);
}

/** The engine's own JSON, a field at a time; undefined when it would not be canonical. */
function writeOutermost(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !isPlain(value)) {
    return writeNative(value);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  let body = "";
  for (const key of Object.keys(value).sort()) {
    const field = fields[key];
    if (field === undefined) continue;
    const kept = typeof field === "object" && field !== null ? KEPT.get(field) : undefined;
    const text = kept ?? writeNative(field);
    if (text === undefined) return undefined;
    body += `${body === "" ? "" : ","}${JSON.stringify(key)}:${text}`;
  }
  return `{${body}}`;
}

function writeNative(value: unknown): string | undefined {
  const ordered = inOrder(value, 0);
  return ordered === UNFIT ? undefined : JSON.stringify(ordered);
}

const UNFIT = Symbol("not for the engine's JSON");

/** The value with the keys of all its objects sorted: itself where they are already. */
function inOrder(value: unknown, depth: number): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : UNFIT;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value !== "object" || depth > DEPTH_MAX) return UNFIT;
  return Array.isArray(value) ? itemsInOrder(value, depth + 1) : fieldsInOrder(value, depth + 1);
}

function itemsInOrder(items: readonly unknown[], depth: number): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const ordered = inOrder(item, depth);
    if (ordered === UNFIT) return UNFIT;
    if (ordered === item) continue;
    copy ??= [...items];
    copy[index] = ordered;
  }
  return copy ?? items;
}

function fieldsInOrder(value: object, depth: number): unknown {
  if (!isPlain(value)) return UNFIT;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(value);
  const sorted = areSorted(keys);
  let copy: Record<string, unknown> | undefined;
  if (!sorted) {
    // A copy could not have these where they belong: an object has its numbers first.
    if (keys.some((key) => key === "__proto__" || isDigit(key.charCodeAt(0)))) return UNFIT;
    keys.sort();
    copy = {};
  }
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? "";
    const field = fields[key];
    const ordered = field === undefined ? undefined : inOrder(field, depth);
    if (ordered === UNFIT) return UNFIT;
    if (copy === undefined && ordered !== field) copy = { ...fields };
    if (copy !== undefined) copy[key] = ordered;
  }
  return copy ?? value;
}

function areSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] ?? "") > (keys[index] ?? "")) return false;
  }
  return true;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Undefined when the value or a part of it cannot be stored. */
function write(value: unknown, above: object[]): string | undefined {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  // JSON turns -0 into 0; both are written 0 so that equal amounts have equal bytes.
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : undefined;
  if (typeof value !== "object" || above.includes(value)) return undefined;
  above.push(value);
  const text = Array.isArray(value) ? writeArray(value, above) : writeFields(value, above);
  above.pop();
  return text;
}

function writeArray(items: readonly unknown[], above: object[]): string | undefined {
  // Most of what is written is amounts. Joining writes a number as a template does.
  if (areFinite(items)) return `[${items.join(",")}]`;
  let body = "";
  for (let index = 0; index < items.length; index++) {
    const text = write(items[index], above);
    if (text === undefined) return undefined;
    body += index === 0 ? text : `,${text}`;
  }
  return `[${body}]`;
}

function areFinite(items: readonly unknown[]): boolean {
  for (let index = 0; index < items.length; index++) {
    if (!Number.isFinite(items[index])) return false;
  }
  return true;
}

function writeFields(value: object, above: object[]): string | undefined {
  if (!isPlain(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  let body = "";
  for (const key of Object.keys(value).sort()) {
    const field = fields[key];
    if (field === undefined) continue;
    const text = write(field, above);
    if (text === undefined) return undefined;
    body += `${body === "" ? "" : ","}${JSON.stringify(key)}:${text}`;
  }
  return `{${body}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The first part that cannot be stored. */
function locate(
  value: unknown,
  path: string,
  above: object[],
): { readonly path: string; readonly got: string } | undefined {
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : { path, got: String(value) };
  }
  if (value === null || typeof value === "boolean" || typeof value === "string") return undefined;
  if (typeof value !== "object") return { path, got: typeof value };
  if (above.includes(value)) return { path, got: "a cycle" };
  const isArray = Array.isArray(value);
  if (!isArray && !isPlain(value)) return { path, got: value.constructor.name };
  // An index into an array finds its holes too.
  const keys = isArray ? [...value.keys()].map(String) : Object.keys(value).sort();
  for (const key of keys) {
    const part = (value as Readonly<Record<string, unknown>>)[key];
    if (part === undefined && !isArray) continue;
    const found = locate(part, `${path}.${key}`, [...above, value]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @throws ERR_LEDGER when a key is empty, too long or not valid Unicode */
export function keyBytes(key: string): Buffer {
  const bytes = Buffer.from(key, "utf8");
  if (bytes.length === 0 || bytes.length > LIMITS.ledgerKeyBytesMax) {
    throw new RepriseError("ERR_LEDGER", "key length", {
      got: bytes.length,
      expected: `1 to ${LIMITS.ledgerKeyBytesMax} bytes`,
    });
  }
  if (bytes.toString("utf8") !== key) {
    throw new RepriseError("ERR_LEDGER", "key text", { got: key, expected: "valid Unicode" });
  }
  return bytes;
}

/** Order of keys: that of their UTF-8 bytes, which is the order of code points. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** UTF-16 puts surrogates below U+E000; code points beyond the first plane belong above it. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
