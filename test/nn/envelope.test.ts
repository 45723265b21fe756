import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BinaryName } from "../../host/core/binary.js";
import { Prng } from "../../host/lib/prng.js";
import { envelopeReference, keepNeedReference } from "../../host/model/reference.js";
import { fromTiles, KernelBed, sameBits, toTiles } from "../support/kernel-bed.js";
import { randomFloats } from "../support/net.js";

const test = suite("envelope");
const CANONICAL_NAN = 0x7fc00000;

interface EnvelopeCase {
  /** [batch][48] */
  readonly quantiles: readonly Float32Array[];
  /** [batch][4] */
  readonly scale: readonly Float32Array[];
  readonly cap: readonly Float32Array[];
  readonly offset?: Float32Array;
}

function randomCase(seed: number, batch: number, withOffset: boolean): EnvelopeCase {
  const prng = new Prng(seed);
  const many = (make: () => Float32Array) => Array.from({ length: batch }, make);
  return {
    quantiles: many(() => {
      const steps = randomFloats(prng, 48, 2);
      let at = 0;
      return steps.map((step, row) => {
        at = row % 4 === 0 ? step : at + Math.abs(step);
        return at;
      });
    }),
    scale: many(() => randomFloats(prng, 4, 50).map(Math.abs)),
    cap: many(() => randomFloats(prng, 4, 400).map((cap) => (cap < 0 ? Number.NaN : cap))),
    ...(withOffset ? { offset: randomFloats(prng, 48, 2) } : {}),
  };
}

function resourceRows(batch: readonly Float32Array[], missing: number): Float32Array {
  const out = new Float32Array(Math.ceil(batch.length / 8) * 32).fill(missing);
  batch.forEach((values, index) => {
    out.set(values, index * 4);
  });
  return out;
}

function runEnvelope(binary: BinaryName, one: EnvelopeCase, inPlace = false): Float32Array[] {
  const bed = new KernelBed(binary, 4);
  const quantiles = bed.put(toTiles(one.quantiles, 48));
  const scale = bed.put(resourceRows(one.scale, 1));
  const cap = bed.put(resourceRows(one.cap, Number.NaN));
  const offset = one.offset === undefined ? { ptr: 0 } : bed.put(one.offset);
  const out = inPlace ? quantiles : bed.alloc(quantiles.bytes);
  const tiles = Math.ceil(one.quantiles.length / 8);
  bed.run([out], (kernel) =>
    kernel.envelope(
      quantiles.ptr,
      48 * 32,
      scale.ptr,
      128,
      cap.ptr,
      128,
      offset.ptr,
      out.ptr,
      48 * 32,
      tiles,
    ),
  );
  return fromTiles(bed.floats(out), 48, one.quantiles.length);
}

function expectedOf(one: EnvelopeCase, index: number): Float64Array {
  // f32 rounding of q + offset belongs to the definition.
  const quantiles = (one.quantiles[index] as Float32Array).map(
    (q, row) => q + (one.offset?.[row] ?? 0),
  );
  return envelopeReference({
    quantiles,
    scale: one.scale[index] as Float32Array,
    cap: one.cap[index] as Float32Array,
  });
}

const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1 << 30 }),
  batch: fc.constantFrom(0, 1, 7, 8, 9, 17),
  withOffset: fc.boolean(),
});

for (const binary of ["release", "shared", "debug"] as const) {
  test(`${binary}: within 5e-7 relative of the float64 reference`, () => {
    fc.assert(
      fc.property(cases, ({ seed, batch, withOffset }) => {
        const one = randomCase(seed, batch, withOffset);
        runEnvelope(binary, one).forEach((row, index) => {
          expectedOf(one, index).forEach((expected, at) => {
            const error = Math.abs((row[at] as number) - expected);
            assert.ok(error <= 5e-7 * expected, `row ${at}: ${row[at]}, expected ${expected}`);
          });
        });
      }),
      { numRuns: 40 },
    );
  });
}

test("monotone in the quantile, never negative, never above the cap", () => {
  fc.assert(
    fc.property(cases, ({ seed, batch, withOffset }) => {
      const one = randomCase(seed, batch, withOffset);
      runEnvelope("shared", one).forEach((row, index) => {
        row.forEach((value, at) => {
          assert.ok(value >= 0 && !Object.is(value, -0));
          if (at % 4 !== 0) assert.ok(value >= (row[at - 1] as number));
          const cap = (one.cap[index] as Float32Array)[Math.floor(at / 12)] as number;
          if (!Number.isNaN(cap)) assert.ok(value <= cap);
        });
      });
    }),
    { numRuns: 40 },
  );
});

test("release, shared and debug give the same bits, in place too", () => {
  const one = randomCase(9, 17, true);
  const release = runEnvelope("release", one);
  for (const binary of ["shared", "debug"] as const) {
    for (const inPlace of [false, true]) {
      runEnvelope(binary, one, inPlace).forEach((row, index) => {
        assert.ok(sameBits(row, release[index] as Float32Array), `${binary} ${index}`);
      });
    }
  }
});

test("NaN comes out canonical and does not reach other phases or lanes", () => {
  const one = randomCase(4, 3, false);
  const clean = runEnvelope("release", one);
  const bits = new Uint32Array((one.quantiles[1] as Float32Array).buffer);
  bits[5] = 0xffc12345; // resource 0, phase 1, quantile 1: a NaN with sign and payload
  const spoilt = runEnvelope("release", one);
  spoilt.forEach((row, index) => {
    const words = new Uint32Array(row.buffer);
    row.forEach((value, at) => {
      const where = `lane ${index} row ${at}`;
      if (index === 1 && at >= 5 && at < 8) assert.is(words[at], CANONICAL_NAN, where);
      else assert.is(value, (clean[index] as Float32Array)[at], where);
    });
  });
});

test("an absurd quantile saturates at the cap, infinity included", () => {
  const one: EnvelopeCase = {
    quantiles: [new Float32Array(48).fill(Number.POSITIVE_INFINITY)],
    scale: [Float32Array.from([1, 1, 1, 1])],
    cap: [Float32Array.from([8, 16, 1000, 100])],
  };
  const row = runEnvelope("release", one)[0] as Float32Array;
  row.forEach((value, at) => {
    assert.is(value, [8, 16, 1000, 100][Math.floor(at / 12)]);
  });
});

test("keepNeed is the highest phase; NaN anywhere in it shows", () => {
  fc.assert(
    fc.property(cases, ({ seed, batch }) => {
      const rows = runEnvelope("release", randomCase(seed, batch, false));
      const first = rows[0];
      if (first !== undefined) first[4] = Number.NaN;
      const bed = new KernelBed("release", 4);
      const at = bed.put(toTiles(rows, 48));
      const tiles = Math.ceil(batch / 8);
      const out = bed.alloc(tiles * 16 * 32);
      bed.run([out], (kernel) => kernel.keepNeed(at.ptr, 48 * 32, out.ptr, 16 * 32, tiles));
      fromTiles(bed.floats(out), 16, batch).forEach((found, index) => {
        const expected = keepNeedReference(rows[index] as Float32Array);
        const words = new Uint32Array(found.buffer);
        expected.forEach((value, at) => {
          if (Number.isNaN(value)) assert.is(words[at], CANONICAL_NAN, `lane ${index} row ${at}`);
          else assert.is(found[at], value, `lane ${index} row ${at}`);
        });
      });
    }),
    { numRuns: 20 },
  );
});

test.run();
