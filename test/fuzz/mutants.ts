/** Real inputs, changed a little: bits and pieces of the bytes, or members of the JSON tree. */
import fc from "fast-check";

/** What kind of change, where, and with what; the numbers are taken modulo what there is. */
type Change = readonly [kind: number, at: number, length: number, what: number];

const changes = fc.array(
  fc.tuple(fc.nat(1_000), fc.nat(1_000_000), fc.nat(1_000), fc.nat(1_000_000)) as fc.Arbitrary<
    Change & [number, number, number, number]
  >,
  { minLength: 1, maxLength: 5 },
);

/** Texts at which readers stumble. */
const WORDS = [
  ...["-1", "0", "-0", "1e999", "-1e999", "1e-320", "NaN", "Infinity", "9007199254740993"],
  ...["99999999999999999999999", "null", "true", '"', "\\", "\n", "\r\n", "\0", "\ufeff", ";", ","],
  ...["{", "}", "[", "]", ":", "*a", "&a ", "!!js/function ", "<<: *a", "- ", "\t", "%", "../"],
  ...['"__proto__":', '"constructor":', "\ud800", "é", "[".repeat(2_000), "{a: ".repeat(2_000)],
  // What a pattern that can split a run in many ways tries for ever.
  ...["9", " ", "a", "-"].map((each) => `${each.repeat(30_000)}!`),
].map((word) => Buffer.from(word));

const word = (what: number) => WORDS[what % WORDS.length] ?? Buffer.alloc(0);

/** Integers at the edge of their width. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Above the limits of a line and of a field. */
const STRETCH_BYTES = 70_000;

function changeBytes(bytes: Buffer, change: Change, stretchBytes = STRETCH_BYTES): Buffer {
  const [kind, at, length, what] = change;
  const from = at % (bytes.length + 1);
  const to = Math.min(bytes.length, from + (length % 64));
  const head = bytes.subarray(0, from);
  const tail = bytes.subarray(to);
  switch (kind % 10) {
    case 0:
      return flipped(bytes, from, what);
    case 1:
      return Buffer.concat([head, tail]);
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 3:
      return bytes.subarray(0, from);
    case 4:
      return Buffer.concat([head, Buffer.alloc(to - from, what), tail]);
    case 5:
      return Buffer.concat([head, moved(bytes, what, to - from), tail]);
    case 6:
      return Buffer.concat([head, edge(what), bytes.subarray(Math.min(bytes.length, from + 4))]);
    case 7:
      return what % 8 === 0 ? stretched(bytes, from, stretchBytes) : flipped(bytes, from, what);
    default:
      return Buffer.concat([head, word(what), kind % 2 === 0 ? bytes.subarray(from) : tail]);
  }
}

function flipped(bytes: Buffer, at: number, what: number): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const place = at % bytes.length;
  copy[place] = (copy[place] ?? 0) ^ (1 << (what % 8));
  return copy;
}

function moved(bytes: Buffer, what: number, length: number): Buffer {
  const from = what % (bytes.length + 1);
  return bytes.subarray(from, from + length);
}

function edge(what: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(EDGES[what % EDGES.length] ?? 0);
  return what % 2 === 0 ? bytes : bytes.reverse();
}

/** One byte so often that limits of lines and fields are met. */
function stretched(bytes: Buffer, at: number, count: number): Buffer {
  const byte = bytes[at % Math.max(1, bytes.length)] ?? 0;
  return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(count, byte), bytes]);
}

/** One of the seeds with up to five changes. */
export function mutantBytes(
  seeds: readonly Uint8Array[],
  stretchBytes?: number,
): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.nat(seeds.length - 1), changes).map(([seed, all]) => {
    const start = Buffer.from(seeds[seed] ?? []);
    return all.reduce<Buffer>((bytes, change) => changeBytes(bytes, change, stretchBytes), start);
  });
}

const VALUES: readonly (() => unknown)[] = [
  ...[null, true, false, 0, 1, -1, 0.5, 1e308, -1e308, 5e-324, 2 ** 53, 1e15, ""],
  ...["x", "x".repeat(300), "__proto__", "constructor", "NaN", "1e999", "-5", "../..", "\u0000"],
].map((value) => () => value);

const TREES: readonly (() => unknown)[] = [
  () => [],
  () => ({}),
  () => [[]],
  () => ({ toString: 1, valueOf: null }),
  () => ({ length: 1e9 }),
  () => JSON.parse('{"__proto__":{"polluted":true}}'),
  () => ({ constructor: { prototype: { polluted: true } } }),
  () => JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`),
  () => Array.from({ length: 300 }, (_, n) => n),
];

type Tree = Record<string, unknown>;

interface Place {
  readonly room: Tree;
  readonly key: string;
}

/** Every member of every object and list below; of a list the keys are its indices. */
function placesOf(root: Tree): Place[] {
  const places: Place[] = [];
  const visit = (room: Tree, depth: number): void => {
    for (const key of Object.keys(room)) {
      places.push({ room, key });
      const inner = room[key];
      if (typeof inner === "object" && inner !== null && depth < 32)
        visit(inner as Tree, depth + 1);
    }
  };
  visit(root, 0);
  return places;
}

function changeTree(root: Tree, [kind, at, length, what]: Change): void {
  const places = placesOf(root);
  const place = places[at % places.length];
  if (place === undefined) return;
  const { room, key } = place;
  const values = what % 3 === 0 ? TREES : VALUES;
  const value = values[what % values.length]?.();
  const other = places[length % places.length];
  switch (kind % 6) {
    case 0:
      if (Array.isArray(room)) room.splice(Number(key), 1);
      else delete room[key];
      break;
    case 1:
      if (Array.isArray(room)) room.push(value);
      else room[["more", "", "constructor", "kind", key.toUpperCase()][what % 5] ?? ""] = value;
      break;
    case 2:
      room[key] = structuredClone(other?.room[other.key]);
      break;
    case 3:
      room[key] = typeof room[key] === "number" ? room[key] * (what % 2 === 0 ? -1 : 1e9) : value;
      break;
    default:
      room[key] = value;
  }
}

/** One of the seeds as JSON text, members changed; once in a while its bytes as well. */
export function mutantJson(seeds: readonly unknown[], stretchBytes?: number): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(seeds.length - 1), changes, fc.nat(9), changes)
    .map(([seed, all, spoil, more]) => {
      const root: Tree = { "": structuredClone(seeds[seed]) };
      for (const change of all) changeTree(root, change);
      const bytes = Buffer.from(JSON.stringify(root[""]) ?? "");
      return spoil === 0
        ? more.reduce<Buffer>((so, each) => changeBytes(so, each, stretchBytes), bytes)
        : bytes;
    });
}
