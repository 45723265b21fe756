import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import { type BinaryName, readBinary } from "../../host/core/binary.js";
import { readSources } from "../support/source-files.js";
import { readWasmShape, type WasmShape } from "../support/wasm-module.js";

const root = new URL("../../../../", import.meta.url);
const readText = (path: string) => readFileSync(new URL(path, root), "utf8");

const layout = readText("assembly/layout.ts");
const page = readText("docs/abi.md");
const NAMES: readonly BinaryName[] = ["debug", "release", "shared", "relaxed"];
const shapes = new Map<BinaryName, WasmShape>(
  NAMES.map((name) => [name, readWasmShape(readBinary(name))]),
);
const shapeOf = (name: BinaryName) => shapes.get(name) as WasmShape;

/**
 * Grow it with a reason in the commit: code is what every worker loads. 64 KiB until pools were swept
 * and donors levelled in the core.
 */
const BINARY_BYTES_MAX = 68 * 1024;

/** Constants of assembly/layout.ts by name. */
function layoutConstants(): Map<string, number> {
  const found = layout.matchAll(/^export const ([A-Z][A-Z0-9_]*): [iu]32 = (\d+);/gm);
  return new Map([...found].map((match) => [match[1] as string, Number(match[2])]));
}

/** Rows `| \`NAME\` | 123 | ...` of the page. */
function pageConstants(): Map<string, number> {
  const found = page.matchAll(/^\| `([A-Z][A-Z0-9_]*)` \| (\d+) \|/gm);
  return new Map([...found].map((match) => [match[1] as string, Number(match[2])]));
}

/** First cells of the tables headed `export` in the page's last chapter. */
function pageExports(): string[] {
  const names: string[] = [];
  let inside = false;
  for (const line of (page.split(/^## Exports$/m)[1] ?? "").split("\n")) {
    if (/^\| export \|/.test(line)) inside = true;
    else if (!line.startsWith("|")) inside = false;
    else if (inside) names.push(/^\| `(\w+)/.exec(line)?.[1] ?? "");
  }
  return names.filter((name) => name !== "").sort();
}

/** Members of the type in host/core/exports.ts. */
function hostExports(): string[] {
  const body = readText("host/core/exports.ts").split("export type KernelExports = {")[1] ?? "";
  return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1] as string).sort();
}

test("the kernels' constants and the host's are the same", () => {
  const ours = layoutConstants();
  const host = Object.entries(abi).filter(([, value]) => typeof value === "number");
  assert.ok(ours.size > 40);
  assert.equal(
    Object.fromEntries([...ours].sort()),
    Object.fromEntries((host as [string, number][]).sort()),
  );
});

test("the page's offsets are the kernels' offsets, all of them", () => {
  const ours = [...layoutConstants()].filter(([name]) => /^(TILE|INBOX)_/.test(name));
  const offsets = ours.filter(([name]) => name !== "TILE_LANES" && name !== "INBOX_TILE_BYTES");
  assert.equal(Object.fromEntries([...pageConstants()].sort()), Object.fromEntries(offsets.sort()));
});

test("the page's counts in prose are the kernels' counts", () => {
  assert.match(page, new RegExp(`^# The core's ABI, version ${abi.ABI_VERSION}$`, "m"));
  assert.match(page, new RegExp(`^### Inputs \\(${abi.INPUT_ROWS} lane rows\\)`, "m"));
  assert.match(page, new RegExp(`\\(${abi.SUMMARY_ROWS} lane rows\\)`));
  assert.match(page, new RegExp(`^### Envelope \\(${abi.ENVELOPE_ROWS} lane rows\\)`, "m"));
  assert.match(page, new RegExp(`\\(${abi.KEEP_ROWS} lane rows\\)`));
  assert.match(page, new RegExp(`\`INBOX_TILE_BYTES\` is ${abi.INBOX_TILE_BYTES}\\b`));
});

test("offsets are aligned, rise, and leave each region its room", () => {
  for (const prefix of ["TILE_", "INBOX_"]) {
    const offsets = [...layoutConstants()]
      .filter(([name]) => name.startsWith(prefix))
      .filter(([name]) => name !== "TILE_LANES" && name !== "INBOX_TILE_BYTES")
      .map(([, offset]) => offset);
    assert.equal(
      offsets,
      [...new Set(offsets)].sort((left, right) => left - right),
    );
    for (const offset of offsets) assert.is(offset % 16, 0);
  }
  assert.is(abi.TILE_HOUR_MAX - abi.TILE_RECENT_MAX, abi.RECENT_SLOTS * 32);
  assert.is(abi.TILE_HISTOGRAM - abi.TILE_HOUR_MAX, abi.HOUR_SLOTS * 32);
  assert.is(abi.TILE_HIDDEN - abi.TILE_PAST, 8 * abi.PAST_BYTES);
  assert.is(abi.TILE_PAST - abi.TILE_HISTOGRAM, abi.HISTOGRAM_SLOTS * 64);
  assert.ok(abi.INBOX_TILE_BYTES >= abi.INBOX_FLAGS + abi.LANE_ROW_BYTES);
});

test("an instance takes at most 2 KiB with its share of the inbox at hidden size 32", () => {
  const rows = 2 * (32 + abi.ENVELOPE_ROWS + abi.KEEP_ROWS);
  const tileBytes = abi.TILE_HIDDEN + rows * abi.LANE_ROW_BYTES;
  const share = (tileBytes + abi.INBOX_TILE_BYTES) / abi.TILE_LANES;
  assert.ok(share <= 2048, `an instance takes ${share} bytes`);
});

test("page, host and binaries list the same exports", () => {
  const host = hostExports();
  assert.ok(host.includes("abiVersion"));
  assert.equal(pageExports(), host);
  for (const name of NAMES) {
    assert.equal([...shapeOf(name).exports.keys()].sort(), host, name);
  }
});

test("every export is a function over i32, f32 and f64 with at most 12 parameters", () => {
  for (const [name, signature] of shapeOf("release").exports) {
    const match = /^func\(([^)]*)\) -> (\w+)$/.exec(signature);
    assert.ok(match, `${name} is ${signature}`);
    const parameters = (match?.[1] ?? "").split(",").filter((part) => part !== "");
    assert.ok(parameters.length <= 12, `${name} takes ${parameters.length}`);
    for (const type of parameters) assert.match(type, /^(i32|f32|f64)$/, name);
    assert.match(match?.[2] ?? "", /^(i32|f32|f64|void)$/, name);
  }
});

test("the four binaries have the same signatures", () => {
  const release = Object.fromEntries(shapeOf("release").exports);
  for (const name of NAMES) assert.equal(Object.fromEntries(shapeOf(name).exports), release, name);
});

test("the only import is the memory, shared where it is meant to be", () => {
  const SHARED = 2;
  for (const name of NAMES) {
    const { imports } = shapeOf(name);
    assert.is(imports.length, 1, name);
    assert.is(`${imports[0]?.module}.${imports[0]?.name}`, "env.memory", name);
    const shared = ((imports[0]?.memoryFlags ?? 0) & SHARED) !== 0;
    assert.is(shared, name === "shared" || name === "relaxed", name);
  }
});

test("nothing runs at start, nothing is copied in, nothing can change outside the memory", () => {
  for (const name of NAMES) {
    const { hasStart, dataBytes, globalsMutable } = shapeOf(name);
    assert.is(hasStart, false, name);
    assert.equal(dataBytes, [], `${name}: each instance would write its data segments again`);
    assert.not.ok(globalsMutable.includes(true), `${name} has a mutable global`);
  }
});

test("no kernel grows the memory or calls through a table", () => {
  // The text form comes from the debug build of the same sources, where nothing is folded away.
  const text = readFileSync(new URL("build/wasm/debug.wat", root), "utf8");
  assert.match(text, /\(func \$/);
  assert.not.match(text, /memory\.grow|call_indirect/);
});

test("the optimised binaries stay within their budget", () => {
  for (const name of ["release", "shared", "relaxed"] as const) {
    const bytes = readBinary(name).byteLength;
    assert.ok(bytes <= BINARY_BYTES_MAX, `${name} has ${bytes} bytes`);
  }
});

test("what the host does not call is for embedders, and the page says which", () => {
  const host = readSources("host").map(({ code }) => code);
  const rows = [...page.matchAll(/^\| `(\w+)` \|.*$/gm)].map((match) => ({
    name: match[1] as string,
    isMarked: match[0].includes("for embedders"),
  }));
  const exported = rows.filter(({ name }) => shapeOf("shared").exports.has(name));
  const isCalled = (name: string) => {
    const call = new RegExp(`\\b(kernel|probe|exports)\\.${name}\\(`);
    return host.some((code) => call.test(code));
  };
  assert.ok(exported.length > 20);
  for (const { name, isMarked } of exported) assert.is(isMarked, !isCalled(name), name);
});

test.run();
