import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BinaryName, supportsRelaxed } from "../../host/core/binary.js";
import { Prng } from "../../host/lib/prng.js";
import {
  headReference,
  type LinearWeights,
  quantilesReference,
} from "../../host/model/reference.js";
import { worstDifference } from "../support/golden.js";
import { fromTiles, KernelBed, sameBits, toTiles } from "../support/kernel-bed.js";
import { packHeadInto, randomFloats, randomHead } from "../support/net.js";

const test = suite("head");

interface HeadCase {
  readonly layers: readonly LinearWeights[];
  readonly h: readonly Float32Array[];
  readonly summary: readonly Float32Array[];
  readonly hiddenSize: number;
  readonly summarySize: number;
}

function randomCase(seed: number, sizes: readonly [number, number], batch: number): HeadCase {
  const prng = new Prng(seed);
  const [hiddenSize, summarySize] = sizes;
  return {
    hiddenSize,
    summarySize,
    layers: randomHead(seed, hiddenSize + summarySize),
    h: Array.from({ length: batch }, () => randomFloats(prng, hiddenSize, 1)),
    summary: Array.from({ length: batch }, () => randomFloats(prng, summarySize, 6)),
  };
}

function runHead(binary: BinaryName, one: HeadCase, name: "head" | "headRaw"): Float32Array[] {
  const { hiddenSize, summarySize } = one;
  const bed = new KernelBed(binary, 16);
  const packed = packHeadInto(bed, one.layers, hiddenSize, summarySize);
  const h = bed.put(toTiles(one.h, hiddenSize));
  const summary = bed.put(toTiles(one.summary, summarySize));
  const tiles = Math.ceil(one.h.length / 8);
  const out = bed.alloc(tiles * 48 * 32);
  const scratch = bed.alloc(bed.kernel.headScratchBytes());
  bed.run([out, scratch], (kernel) =>
    kernel[name](
      packed.ptr,
      h.ptr,
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
  return fromTiles(bed.floats(out), 48, one.h.length);
}

const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1 << 30 }),
  hiddenSize: fc.constantFrom(4, 12, 32, 64, 128),
  summarySize: fc.constantFrom(1, 7, 9, 24, 44, 45, 64, 65, 74, 77, 81, 96),
  batch: fc.constantFrom(0, 1, 7, 8, 9, 17),
});

for (const binary of ["release", "shared", "debug"] as const) {
  test(`${binary}: any shape, raw and quantiles within 4e-6 of the float64 reference`, () => {
    fc.assert(
      fc.property(cases, ({ seed, hiddenSize, summarySize, batch }) => {
        const one = randomCase(seed, [hiddenSize, summarySize], batch);
        const raw = runHead(binary, one, "headRaw");
        const quantiles = runHead(binary, one, "head");
        one.h.forEach((h, index) => {
          const expected = headReference(one.layers, h, one.summary[index] ?? []);
          const scale = 1 + Math.max(...expected.map(Math.abs));
          assert.ok(worstDifference(raw[index] ?? [], expected) <= 4e-6 * scale, "raw");
          const worst = worstDifference(quantiles[index] ?? [], quantilesReference(expected));
          assert.ok(worst <= 8e-6 * scale, `quantiles off by ${worst}`);
        });
      }),
      { numRuns: 15 },
    );
  });
}

if (supportsRelaxed()) {
  test("relaxed: within 1e-5 of the float64 reference", () => {
    const one = randomCase(3, [32, 96], 9);
    runHead("relaxed", one, "headRaw").forEach((raw, index) => {
      const expected = headReference(one.layers, one.h[index] ?? [], one.summary[index] ?? []);
      assert.ok(worstDifference(raw, expected) <= 1e-5);
    });
  });
}

/** Rows of the summary that an answer for another outage may change, as docs/abi.md lists them. */
const OUTAGE_ROWS = [
  ...Array.from({ length: 20 }, (_, row) => 44 + row),
  ...Array.from({ length: 6 }, (_, row) => 74 + row),
];

for (const binary of ["release", "shared", "debug"] as const) {
  test(`${binary}: a pair of answers has the bits of two calls`, () => {
    const pairs = fc.record({
      seed: fc.integer({ min: 1, max: 1 << 30 }),
      hiddenSize: fc.constantFrom(4, 32, 64),
      summarySize: fc.constantFrom(96, 112),
      batch: fc.constantFrom(0, 1, 7, 8, 9, 17),
    });
    fc.assert(
      fc.property(pairs, ({ seed, hiddenSize, summarySize, batch }) => {
        const one = randomCase(seed, [hiddenSize, summarySize], batch);
        const prng = new Prng(seed + 1);
        const summary = one.summary.map((row) => {
          const other = row.slice();
          for (const at of OUTAGE_ROWS) other[at] = prng.uniform() * 6;
          return other;
        });
        const apart = [runHead(binary, one, "head"), runHead(binary, { ...one, summary }, "head")];
        runPair(binary, one, summary).forEach((rows, which) => {
          rows.forEach((row, index) => {
            assert.ok(sameBits(row, apart[which]?.[index] as Float32Array), `${which} ${index}`);
          });
        });
      }),
      { numRuns: 10 },
    );
  });
}

function runPair(
  binary: BinaryName,
  one: HeadCase,
  otherSummary: readonly Float32Array[],
): readonly Float32Array[][] {
  const { hiddenSize, summarySize } = one;
  const bed = new KernelBed(binary, 16);
  const packed = packHeadInto(bed, one.layers, hiddenSize, summarySize);
  const h = bed.put(toTiles(one.h, hiddenSize));
  const summary = bed.put(toTiles(one.summary, summarySize));
  const other = bed.put(toTiles(otherSummary, summarySize));
  const tiles = Math.ceil(one.h.length / 8);
  const out = bed.alloc(tiles * 48 * 32);
  const otherOut = bed.alloc(tiles * 48 * 32);
  const scratch = bed.alloc(bed.kernel.headScratchBytes());
  bed.run([out, otherOut, scratch], (kernel) => {
    for (let tile = 0; tile < tiles; tile++) {
      kernel.headPair(
        packed.ptr,
        h.ptr + tile * hiddenSize * 32,
        summary.ptr + tile * summarySize * 32,
        other.ptr + tile * summarySize * 32,
        out.ptr + tile * 48 * 32,
        otherOut.ptr + tile * 48 * 32,
        hiddenSize,
        summarySize,
        scratch.ptr,
      );
    }
  });
  return [out, otherOut].map((at) => fromTiles(bed.floats(at), 48, one.h.length));
}

test("permuting a batch permutes its outputs, and quantiles never cross", () => {
  fc.assert(
    fc.property(cases, ({ seed, hiddenSize, summarySize, batch }) => {
      const one = randomCase(seed, [hiddenSize, summarySize], batch);
      const straight = runHead("shared", one, "head");
      const order = new Prng(seed).shuffle(Array.from({ length: batch }, (_, index) => index));
      const pick = (rows: readonly Float32Array[]) =>
        order.map((index) => rows[index] as Float32Array);
      const permuted = runHead(
        "shared",
        { ...one, h: pick(one.h), summary: pick(one.summary) },
        "head",
      );
      order.forEach((from, to) => {
        assert.ok(sameBits(permuted[to] as Float32Array, straight[from] as Float32Array));
      });
      for (const row of straight) {
        row.forEach((value, at) => {
          if (at % 4 !== 0) assert.ok(value >= (row[at - 1] as number));
        });
      }
    }),
    { numRuns: 20 },
  );
});

test("release, shared and debug give the same bits", () => {
  const one = randomCase(5, [32, 96], 17);
  const release = runHead("release", one, "head");
  for (const other of ["shared", "debug"] as const) {
    runHead(other, one, "head").forEach((row, index) => {
      assert.ok(sameBits(row, release[index] as Float32Array), `${other} ${index}`);
    });
  }
});

test("a NaN stays in its lane", () => {
  const one = randomCase(6, [32, 96], 9);
  const clean = runHead("release", one, "head");
  (one.summary[3] as Float32Array)[5] = Number.NaN;
  runHead("release", one, "head").forEach((row, index) => {
    if (index === 3) assert.ok(row.every((value) => Number.isNaN(value)));
    else assert.ok(sameBits(row, clean[index] as Float32Array), `lane ${index}`);
  });
});

test("quantiles: extreme raw values stay ordered and finite, in place and apart", () => {
  const raw = Float32Array.from({ length: 48 }, (_, row) =>
    row % 4 === 0 ? 5 : ([-200, 200, -0][(row % 4) - 1] ?? 0),
  );
  const bed = new KernelBed("release", 4);
  const at = bed.put(toTiles([raw], 48));
  const out = bed.alloc(at.bytes);
  bed.run([out], (kernel) => kernel.quantiles(at.ptr, 48 * 32, out.ptr, 48 * 32, 1));
  const apart = bed.floats(out).slice();
  bed.run([at], (kernel) => kernel.quantiles(at.ptr, 48 * 32, at.ptr, 48 * 32, 1));
  assert.ok(sameBits(bed.floats(at), apart));
  const row = fromTiles(apart, 48, 1)[0] as Float32Array;
  assert.ok(worstDifference(row, quantilesReference(raw)) <= 2e-5);
});

test.run();
