/**
 * How a record becomes bytes: canonical JSON. Keys are sorted, absent fields are left out, and a
 * number that JSON cannot hold is refused, so the same record is the same text on every machine
 * and what is read is what was written.
 */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

/** @throws ERR_LEDGER naming the path of the first value that cannot be stored */
export function canonicalJson(value: unknown): string {
  return write(value, "value", []);
}

function write(value: unknown, path: string, above: unknown[]): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return writeNumber(value, path);
  if (typeof value !== "object" || above.includes(value)) {
    throw unstorable(path, typeof value === "object" ? "a cycle" : typeof value);
  }
  above.push(value);
  const text = Array.isArray(value)
    ? writeArray(value, path, above)
    : writeFields(value, path, above);
  above.pop();
  return text;
}

function writeNumber(value: number, path: string): string {
  if (!Number.isFinite(value)) throw unstorable(path, String(value));
  // JSON turns -0 into 0; both are written 0 so that equal amounts have equal bytes.
  return JSON.stringify(value);
}

function writeArray(items: readonly unknown[], path: string, above: unknown[]): string {
  const parts: string[] = [];
  for (let index = 0; index < items.length; index++) {
    parts.push(write(items[index], `${path}[${index}]`, above));
  }
  return `[${parts.join(",")}]`;
}

function writeFields(value: object, path: string, above: unknown[]): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw unstorable(path, value.constructor.name);
  }
  const parts: string[] = [];
  for (const [key, field] of Object.entries(value).sort(byKey)) {
    if (field === undefined) continue;
    parts.push(`${JSON.stringify(key)}:${write(field, `${path}.${key}`, above)}`);
  }
  return `{${parts.join(",")}}`;
}

function byKey(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : 1;
}

function unstorable(path: string, got: string): RepriseError {
  return new RepriseError("ERR_LEDGER", "the ledger cannot hold this value", {
    field: path,
    got,
    expected: "finite numbers, text, booleans, null, arrays and plain objects of these",
  });
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
