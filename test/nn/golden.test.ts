import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BinaryName, supportsRelaxed } from "../../host/core/binary.js";
import {
  gruStepReference,
  headReference,
  lossReference,
  quantilesReference,
} from "../../host/model/reference.js";
import { GOLDEN_SIZES, type Golden, readGolden, worstDifference } from "../support/golden.js";
import { fromTiles, KernelBed, sameBits, toTiles } from "../support/kernel-bed.js";
import { packGruInto, packGruOneInto, packHeadInto } from "../support/net.js";

const test = suite("golden");
const TOLERANCE = 2e-6;
/** Fused multiply-add may round once where two roundings were. */
const TOLERANCE_RELAXED = 4e-6;

const goldens = new Map(GOLDEN_SIZES.map((size) => [size, readGolden(size)]));

function goldenOf(size: (typeof GOLDEN_SIZES)[number]): Golden {
  return goldens.get(size) as Golden;
}

function inputsAt(golden: Golden, step: number): Float32Array[] {
  return Array.from({ length: golden.batchSize }, (_, index) =>
    golden.row("input.x", step * golden.batchSize + index, golden.gru.inputSize),
  );
}

function rows(golden: Golden, name: string, width: number): Float32Array[] {
  return Array.from({ length: golden.batchSize }, (_, index) => golden.row(name, index, width));
}

interface NetOutput {
  readonly states: readonly Float32Array[];
  readonly raw: Float32Array;
  readonly quantiles: Float32Array;
}

/** All steps, then the head; canaries checked at each call. */
function runNet(binary: BinaryName, golden: Golden, splitAfter = golden.stepCount): NetOutput {
  const { gru, batchSize, stepCount, summarySize } = golden;
  const { inputSize, hiddenSize } = gru;
  const bed = new KernelBed(binary, 24);
  const tiles = Math.ceil(batchSize / 8);
  const packed = packGruInto(bed, gru);
  const headPacked = packHeadInto(bed, golden.head, hiddenSize, summarySize);
  const x = bed.alloc(tiles * inputSize * 32);
  const stepScratch = bed.alloc(hiddenSize * 32);
  let now = bed.put(toTiles(rows(golden, "input.h0", hiddenSize), hiddenSize));
  let next = bed.alloc(now.bytes);
  const states: Float32Array[] = [];
  for (let step = 0; step < stepCount; step++) {
    if (step === splitAfter) {
      // Carry the state through a copy, as a checkpoint would.
      const carried = bed.floats(now).slice();
      now = bed.put(carried);
      next = bed.alloc(now.bytes);
    }
    bed.floats(x).set(toTiles(inputsAt(golden, step), inputSize));
    bed.run([next, stepScratch], (kernel) =>
      kernel.gruStep(
        packed.ptr,
        x.ptr,
        inputSize * 32,
        now.ptr,
        next.ptr,
        hiddenSize * 32,
        0,
        0,
        tiles,
        inputSize,
        hiddenSize,
        stepScratch.ptr,
      ),
    );
    [now, next] = [next, now];
    states.push(...fromTiles(bed.floats(now), hiddenSize, batchSize));
  }
  const summary = bed.put(toTiles(rows(golden, "input.summary", summarySize), summarySize));
  const scratch = bed.alloc(bed.kernel.headScratchBytes());
  const out = bed.alloc(tiles * 48 * 32);
  const call = (name: "head" | "headRaw") => {
    bed.run([out, scratch], (kernel) =>
      kernel[name](
        headPacked.ptr,
        now.ptr,
        hiddenSize * 32,
        summary.ptr,
        summarySize * 32,
        out.ptr,
        48 * 32,
        tiles,
        hiddenSize,
        summarySize,
        scratch.ptr,
      ),
    );
    return flatten(fromTiles(bed.floats(out), 48, batchSize));
  };
  return { states, raw: call("headRaw"), quantiles: call("head") };
}

function flatten(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}

function compare(golden: Golden, found: NetOutput, tolerance: number): void {
  for (const [name, values] of [
    ["expect.output", flatten(found.states)],
    ["expect.raw", found.raw],
    ["expect.quantiles", found.quantiles],
  ] as const) {
    const worst = worstDifference(values, golden.values(name));
    assert.ok(worst <= tolerance, `${name}: off by ${worst}`);
  }
}

for (const size of GOLDEN_SIZES) {
  for (const binary of ["release", "shared", "debug"] as const) {
    test(`${binary}, hidden ${size}: states, raw and quantiles within ${TOLERANCE}`, () => {
      compare(goldenOf(size), runNet(binary, goldenOf(size)), TOLERANCE);
    });
  }

  if (supportsRelaxed()) {
    test(`relaxed, hidden ${size}: within ${TOLERANCE_RELAXED}`, () => {
      compare(goldenOf(size), runNet("relaxed", goldenOf(size)), TOLERANCE_RELAXED);
    });
  }

  test(`hidden ${size}: release, shared and debug agree to the bit`, () => {
    const golden = goldenOf(size);
    const release = runNet("release", golden);
    for (const other of ["shared", "debug"] as const) {
      const found = runNet(other, golden);
      assert.ok(sameBits(flatten(found.states), flatten(release.states)), `${other} states`);
      assert.ok(sameBits(found.raw, release.raw), `${other} raw`);
      assert.ok(sameBits(found.quantiles, release.quantiles), `${other} quantiles`);
    }
  });

  test(`hidden ${size}: one instance at a time within ${TOLERANCE}`, () => {
    const golden = goldenOf(size);
    const { inputSize } = golden.gru;
    const bed = new KernelBed("release", 24);
    const packed = packGruOneInto(bed, golden.gru);
    const scratch = bed.alloc(size * 16);
    for (let index = 0; index < golden.batchSize; index++) {
      const x = bed.alloc(inputSize * 4);
      let now = bed.put(golden.row("input.h0", index, size));
      let next = bed.alloc(now.bytes);
      for (let step = 0; step < golden.stepCount; step++) {
        const at = step * golden.batchSize + index;
        bed.floats(x).set(golden.row("input.x", at, inputSize));
        bed.run([next, scratch], (kernel) =>
          kernel.gruStepOne(packed.ptr, x.ptr, now.ptr, next.ptr, inputSize, size, scratch.ptr),
        );
        [now, next] = [next, now];
        const expected = golden.values("expect.output").slice(at * size, (at + 1) * size);
        const worst = worstDifference(bed.floats(now), expected);
        assert.ok(worst <= TOLERANCE, `instance ${index} step ${step}: off by ${worst}`);
      }
    }
  });

  test(`hidden ${size}: the float64 reference agrees within 1e-12, the loss too`, () => {
    const golden = goldenOf(size);
    let states: ArrayLike<number>[] = rows(golden, "input.h0", size);
    for (let step = 0; step < golden.stepCount; step++) {
      const x = inputsAt(golden, step);
      states = states.map((h, index) => gruStepReference(golden.gru, x[index] ?? [], h));
    }
    const summary = rows(golden, "input.summary", golden.summarySize);
    const raw = states.map((h, index) => headReference(golden.head, h, summary[index] ?? []));
    const quantiles = raw.map((row) => quantilesReference(row));
    const flat = (parts: readonly ArrayLike<number>[]) => parts.flatMap((part) => Array.from(part));
    assert.ok(worstDifference(flat(states), golden.values("expect.h_n")) <= 1e-12);
    assert.ok(worstDifference(flat(raw), golden.values("expect.raw")) <= 1e-12);
    assert.ok(worstDifference(flat(quantiles), golden.values("expect.quantiles")) <= 1e-12);
    const loss = lossReference(quantiles, rows(golden, "input.target", 12));
    assert.ok(worstDifference([loss], golden.values("expect.loss")) <= 1e-12);
  });
}

test("splitting a sequence anywhere and carrying the state gives the same bits", () => {
  const golden = goldenOf(32);
  const whole = runNet("shared", golden);
  for (let split = 1; split < golden.stepCount; split++) {
    const parts = runNet("shared", golden, split);
    assert.ok(sameBits(flatten(parts.states), flatten(whole.states)), `split after ${split}`);
    assert.ok(sameBits(parts.quantiles, whole.quantiles), `split after ${split}`);
  }
});

test.run();
