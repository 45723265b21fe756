import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BinaryName, supportsRelaxed } from "../../host/core/binary.js";
import { Prng } from "../../host/lib/prng.js";
import { type GruWeights, gruStepReference } from "../../host/model/reference.js";
import { worstDifference } from "../support/golden.js";
import { fromTiles, KernelBed, sameBits, toTiles } from "../support/kernel-bed.js";
import { packGruInto, packGruOneInto, randomFloats, randomGru } from "../support/net.js";

const test = suite("gru");

interface StepCase {
  readonly gru: GruWeights;
  readonly x: readonly Float32Array[];
  readonly h: readonly Float32Array[];
  readonly mask?: readonly number[];
}

/** Runs one batched step, canaries checked; returns the new states [batch][H]. */
function step(binary: BinaryName, { gru, x, h, mask }: StepCase): Float32Array[] {
  const { inputSize, hiddenSize } = gru;
  const bed = new KernelBed(binary, 32);
  const packed = packGruInto(bed, gru);
  const tiles = Math.ceil(x.length / 8);
  const xAt = bed.put(toTiles(x, inputSize));
  const hAt = bed.put(toTiles(h, hiddenSize));
  const out = bed.alloc(hAt.bytes);
  const maskAt = bed.alloc(tiles * 32);
  bed.words(maskAt).fill(0xffffffff);
  mask?.forEach((value, index) => {
    bed.words(maskAt)[index] = value;
  });
  const scratch = bed.alloc(hiddenSize * 32);
  bed.run([out, scratch], (kernel) =>
    kernel.gruStep(
      packed.ptr,
      xAt.ptr,
      inputSize * 32,
      hAt.ptr,
      out.ptr,
      hiddenSize * 32,
      mask === undefined ? 0 : maskAt.ptr,
      32,
      tiles,
      inputSize,
      hiddenSize,
      scratch.ptr,
    ),
  );
  return fromTiles(bed.floats(out), hiddenSize, x.length);
}

function stepOne(binary: BinaryName, gru: GruWeights, x: Float32Array, h: Float32Array) {
  const bed = new KernelBed(binary, 32);
  const packed = packGruOneInto(bed, gru);
  const xAt = bed.put(x);
  const hAt = bed.put(h);
  const out = bed.alloc(hAt.bytes);
  const scratch = bed.alloc(Math.ceil(gru.hiddenSize / 8) * 128);
  const { inputSize, hiddenSize } = gru;
  bed.run([out, scratch], ({ gruStepOne }) =>
    gruStepOne(packed.ptr, xAt.ptr, hAt.ptr, out.ptr, inputSize, hiddenSize, scratch.ptr),
  );
  return bed.floats(out).slice();
}

function randomCase(seed: number, inputSize: number, hiddenSize: number, batch: number): StepCase {
  const prng = new Prng(seed);
  return {
    gru: randomGru(seed, inputSize, hiddenSize),
    x: Array.from({ length: batch }, () => randomFloats(prng, inputSize, 6)),
    h: Array.from({ length: batch }, () => randomFloats(prng, hiddenSize, 1)),
  };
}

function worstError(binary: BinaryName, one: StepCase): number {
  const found = step(binary, one);
  let worst = 0;
  found.forEach((state, index) => {
    const expected = gruStepReference(one.gru, one.x[index] ?? [], one.h[index] ?? []);
    expected.forEach((value, unit) => {
      worst = Math.max(worst, Math.abs(value - (state[unit] ?? Number.NaN)));
    });
  });
  return worst;
}

const shapes = fc.record({
  seed: fc.integer({ min: 1, max: 1 << 30 }),
  inputSize: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 12, 16, 17),
  hiddenSize: fc.constantFrom(4, 8, 12, 32, 36, 64, 128),
  batch: fc.constantFrom(0, 1, 7, 8, 9, 15, 16, 17, 31),
});

for (const binary of ["release", "shared", "debug"] as const) {
  test(`${binary}: any shape within 2e-6 of the float64 reference`, () => {
    fc.assert(
      fc.property(shapes, ({ seed, inputSize, hiddenSize, batch }) => {
        const error = worstError(binary, randomCase(seed, inputSize, hiddenSize, batch));
        assert.ok(error <= 2e-6, `error ${error}`);
      }),
      { numRuns: 25 },
    );
  });
}

if (supportsRelaxed()) {
  test("relaxed: within 4e-6 of the float64 reference", () => {
    const error = worstError("relaxed", randomCase(7, 16, 32, 17));
    assert.ok(error <= 4e-6, `error ${error}`);
  });
}

test("release, shared and debug give the same bits", () => {
  fc.assert(
    fc.property(shapes, ({ seed, inputSize, hiddenSize, batch }) => {
      const one = randomCase(seed, inputSize, hiddenSize, batch);
      const release = step("release", one);
      for (const other of ["shared", "debug"] as const) {
        step(other, one).forEach((state, index) => {
          assert.ok(sameBits(state, release[index] ?? new Float32Array()), `${other} ${index}`);
        });
      }
    }),
    { numRuns: 15 },
  );
});

test("permuting a batch permutes its outputs, and a batch of one gives the same bits", () => {
  fc.assert(
    fc.property(shapes, ({ seed, inputSize, hiddenSize, batch }) => {
      const one = randomCase(seed, inputSize, hiddenSize, batch);
      const order = new Prng(seed).shuffle(Array.from({ length: batch }, (_, index) => index));
      const pick = (rows: readonly Float32Array[]) =>
        order.map((index) => rows[index] ?? new Float32Array());
      const straight = step("shared", one);
      const permuted = step("shared", { gru: one.gru, x: pick(one.x), h: pick(one.h) });
      order.forEach((from, to) => {
        assert.ok(sameBits(permuted[to] ?? new Float32Array(), straight[from] as Float32Array));
      });
      if (batch > 0) {
        const last = batch - 1;
        const alone = step("shared", {
          gru: one.gru,
          x: one.x.slice(last),
          h: one.h.slice(last),
        });
        assert.ok(sameBits(alone[0] ?? new Float32Array(), straight[last] ?? new Float32Array()));
      }
    }),
    { numRuns: 25 },
  );
});

test("a masked lane keeps the bits of its state, -0 and NaN among them; the others step", () => {
  const one = randomCase(11, 16, 32, 21);
  const odd = one.h[2] as Float32Array;
  odd[0] = -0;
  odd[1] = 1e-42;
  odd[2] = Number.NaN;
  const mask = Array.from({ length: 24 }, (_, index) => (index % 3 === 2 ? 0 : 0xffffffff));
  const all = step("release", { ...one });
  const some = step("release", { ...one, mask });
  some.forEach((state, index) => {
    const expected = mask[index] === 0 ? one.h[index] : all[index];
    assert.ok(sameBits(state, expected as Float32Array), `lane ${index}`);
  });
});

test("a NaN stays in its lane", () => {
  const one = randomCase(12, 5, 12, 9);
  const clean = step("release", one);
  (one.x[4] as Float32Array)[3] = Number.NaN;
  const spoilt = step("release", one);
  spoilt.forEach((state, index) => {
    if (index === 4) assert.ok(state.every((value) => Number.isNaN(value)));
    else assert.ok(sameBits(state, clean[index] as Float32Array), `lane ${index}`);
  });
});

test("infinite inputs saturate the gates and never trap", () => {
  const one = randomCase(13, 3, 8, 1);
  (one.x[0] as Float32Array)[0] = Number.POSITIVE_INFINITY;
  for (const value of step("release", one)[0] as Float32Array) {
    assert.ok(Math.abs(value) <= 1, `${value}`);
  }
});

test("one instance at a time: within 1e-6 of the batch in any shape, the same bits everywhere", () => {
  fc.assert(
    fc.property(shapes, ({ seed, inputSize, hiddenSize }) => {
      const one = randomCase(seed, inputSize, hiddenSize, 1);
      const [x, h] = [one.x[0] as Float32Array, one.h[0] as Float32Array];
      const alone = stepOne("release", one.gru, x, h);
      assert.ok(worstDifference(alone, step("release", one)[0] as Float32Array) <= 1e-6);
      for (const other of ["shared", "debug"] as const) {
        assert.ok(sameBits(alone, stepOne(other, one.gru, x, h)), other);
      }
    }),
    { numRuns: 25 },
  );
});

test.run();
