/**
 * The unshared release binary outside of any JavaScript engine: wabt's interpreter runs it on what
 * docs/abi.md says alone, gets the golden vectors right, and every bit that this engine gets.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readBinary } from "../../host/core/binary.js";
import { type Golden, readGolden, worstDifference } from "../support/golden.js";
import { fromTiles, KernelBed, toTiles } from "../support/kernel-bed.js";
import { packGruInto, packHeadInto } from "../support/net.js";
import { type WastRegion, WastScript } from "./wast.js";

const test = suite("core/other-engine");
const TOLERANCE = 2e-6;
const QUANTILE_ROWS = 48;

const isHere = ["wast2json", "spectest-interp"].every(
  (tool) => spawnSync(tool, ["--help"], { stdio: "ignore" }).error === undefined,
);
if (!isHere) console.log("skipped: wabt's wast2json and spectest-interp are not installed");
const run = isHere ? test : test.skip;

function rowsOf(golden: Golden, name: string, width: number, from = 0): Float32Array[] {
  return Array.from({ length: golden.batchSize }, (_, index) =>
    golden.row(name, from + index, width),
  );
}

/** What Node's engine makes of the same calls: hidden state after each step, then the quantiles. */
function nodeAnswers(golden: Golden): { states: Float32Array[]; quantiles: Float32Array } {
  const { inputSize, hiddenSize } = golden.gru;
  const { summarySize } = golden;
  const tiles = Math.ceil(golden.batchSize / 8);
  const bed = new KernelBed("release", 24);
  const packed = packGruInto(bed, golden.gru);
  const headPacked = packHeadInto(bed, golden.head, hiddenSize, summarySize);
  const summary = bed.put(toTiles(rowsOf(golden, "input.summary", summarySize), summarySize));
  let now = bed.put(toTiles(rowsOf(golden, "input.h0", hiddenSize), hiddenSize));
  let next = bed.alloc(now.bytes);
  const states: Float32Array[] = [];
  const x = bed.alloc(tiles * inputSize * 32);
  const gates = bed.alloc(hiddenSize * 32);
  const [h, i] = [hiddenSize, inputSize];
  for (let step = 0; step < golden.stepCount; step++) {
    bed.floats(x).set(toTiles(rowsOf(golden, "input.x", i, step * golden.batchSize), i));
    const [from, to] = [now.ptr, next.ptr];
    bed.run([next, gates], (kernel) =>
      kernel.gruStep(packed.ptr, x.ptr, i * 32, from, to, h * 32, 0, 0, tiles, i, h, gates.ptr),
    );
    [now, next] = [next, now];
    states.push(bed.floats(now).slice());
  }
  const out = bed.alloc(tiles * QUANTILE_ROWS * 32);
  const scratch = bed.alloc(bed.kernel.headScratchBytes());
  const [rows, s] = [QUANTILE_ROWS * 32, summarySize];
  const at = now.ptr;
  bed.run([out, scratch], (kernel) => {
    const { head } = kernel;
    head(headPacked.ptr, at, h * 32, summary.ptr, s * 32, out.ptr, rows, tiles, h, s, scratch.ptr);
  });
  return { states, quantiles: bed.floats(out).slice() };
}

function packNet(script: WastScript, golden: Golden): { gru: WastRegion; head: WastRegion } {
  const { inputSize, hiddenSize, weightIh, weightHh, biasIh, biasHh } = golden.gru;
  const { summarySize } = golden;
  const put = (values: ArrayLike<number>) => script.put(Float32Array.from(values)).ptr;
  const gru = script.alloc(4 * 4 * hiddenSize * (inputSize + hiddenSize + 8));
  script.expectSize("gru", [inputSize, hiddenSize, gru.bytes]);
  script.call("packGru", [
    ...[weightIh, weightHh, biasIh, biasHh].map(put),
    gru.ptr,
    inputSize,
    hiddenSize,
  ]);
  const head = script.alloc(4 * (96 * (hiddenSize + summarySize + 8) + 64 * 104 + 48 * 72));
  script.expectSize("head", [hiddenSize, summarySize, head.bytes]);
  const layers = golden.head.flatMap(({ weight, bias }) => [put(weight), put(bias)]);
  script.call("packHead", [...layers, head.ptr, hiddenSize, summarySize]);
  return { gru, head };
}

/** The same net as text for the interpreter, each step's state and the quantiles checked. */
function writeScript(golden: Golden, broken = false): WastScript {
  const script = new WastScript(readBinary("release"));
  script.expectVersion(1);
  script.expectSize("base", [65_536]);
  const { inputSize, hiddenSize } = golden.gru;
  const { batchSize, summarySize, stepCount } = golden;
  const tiles = Math.ceil(batchSize / 8);
  const net = packNet(script, golden);
  const known = nodeAnswers(golden);
  const [h, i] = [hiddenSize, inputSize];
  const gates = script.alloc(h * 32);
  let now = script.put(toTiles(rowsOf(golden, "input.h0", h), h));
  for (let step = 0; step < stepCount; step++) {
    const from = step * batchSize;
    const x = script.put(toTiles(rowsOf(golden, "input.x", i, from), i));
    const next = script.alloc(now.bytes);
    const args = [net.gru.ptr, x.ptr, i * 32, now.ptr, next.ptr, h * 32, 0, 0, tiles, i, h];
    script.call("gruStep", [...args, gates.ptr]);
    const bits = known.states[step] ?? new Float32Array(0);
    script.expectSame(next.ptr, script.put(bits));
    const wanted = fill(bits, toTiles(rowsOf(golden, "expect.output", h, from), h), batchSize, h);
    if (broken && step === stepCount - 1) wanted[0] = (wanted[0] ?? 0) + 1e-3;
    script.expectWithin(next.ptr, script.put(wanted), TOLERANCE);
    now = next;
  }
  const summary = script.put(toTiles(rowsOf(golden, "input.summary", summarySize), summarySize));
  const scratch = script.alloc(65_536);
  script.expectSize("scratch", [scratch.bytes]);
  const out = script.alloc(tiles * QUANTILE_ROWS * 32);
  const [rows, s] = [QUANTILE_ROWS * 32, summarySize];
  script.call("head", [
    ...[net.head.ptr, now.ptr, h * 32, summary.ptr, s * 32, out.ptr, rows],
    ...[tiles, h, s, scratch.ptr],
  ]);
  script.expectSame(out.ptr, script.put(known.quantiles));
  const quantiles = toTiles(rowsOf(golden, "expect.quantiles", QUANTILE_ROWS), QUANTILE_ROWS);
  const wanted = fill(known.quantiles, quantiles, batchSize, QUANTILE_ROWS);
  script.expectWithin(out.ptr, script.put(wanted), TOLERANCE);
  return script;
}

/** Lanes that no instance uses keep what `bits` has there: no golden vector speaks of them. */
function fill(bits: Float32Array, golden: Float32Array, batchSize: number, rows: number) {
  return bits.map((value, index) => {
    const instance = Math.floor(index / (rows * 8)) * 8 + (index % 8);
    return instance < batchSize ? (golden[index] ?? Number.NaN) : value;
  });
}

function interpret(script: WastScript): { code: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), "reprise-wabt-"));
  try {
    writeFileSync(join(folder, "net.wast"), `${script}`);
    const options = { cwd: folder, encoding: "utf8" } as const;
    const made = spawnSync("wast2json", ["net.wast", "-o", "net.json"], options);
    if (made.status !== 0) return { code: made.status, output: made.stderr };
    const done = spawnSync("spectest-interp", ["net.json"], options);
    return { code: done.status, output: `${done.stdout}${done.stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const size of [32, 64] as const) {
  run(`hidden ${size}: golden vectors within ${TOLERANCE}, and the bits of this engine`, () => {
    const script = writeScript(readGolden(size));
    const { code, output } = interpret(script);
    assert.is(code, 0, output);
    assert.match(output, new RegExp(`${script.commandCount}/${script.commandCount} tests passed`));
  });
}

run("a wrong number is noticed by the interpreter, and only that", () => {
  const script = writeScript(readGolden(32), true);
  const { code, output } = interpret(script);
  assert.is.not(code, 0);
  assert.match(
    output,
    new RegExp(`${script.commandCount - 1}/${script.commandCount} tests passed`),
  );
});

test("the bits that the interpreter is held to are within the golden vectors' tolerance", () => {
  const golden = readGolden(32);
  const known = fromTiles(nodeAnswers(golden).quantiles, QUANTILE_ROWS, golden.batchSize);
  const flat = known.flatMap((row) => Array.from(row));
  assert.ok(worstDifference(flat, golden.values("expect.quantiles")) <= TOLERANCE);
});

test.run();
