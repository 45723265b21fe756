import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import { Prng } from "../../host/lib/prng.js";
import { lives, SummaryBed } from "../summary/summary-bed.js";
import { sameBits, toTiles } from "../support/kernel-bed.js";
import { packHeadInto, randomFloats, randomHead } from "../support/net.js";

const asked = fc.record({
  seed: fc.integer({ min: 1, max: 1 << 30 }),
  hiddenSize: fc.constantFrom(4, 32, 64),
  summarySize: fc.constantFrom(1, 44, 45, 64, 77, 96, 112),
  lane: fc.integer({ min: 0, max: 7 }),
  calibrated: fc.boolean(),
  wait: fc.constantFrom(Number.NaN, 0, 5_000),
  outage: fc.constantFrom(Number.NaN, 0, 17, 600),
  caps: fc.array(fc.constantFrom(Number.NaN, 0, 1e-40, 0.5, 64, Number.POSITIVE_INFINITY), {
    minLength: 4,
    maxLength: 4,
  }),
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

/** Envelope of the lane by the kernels of a tile, and by `laneAnswer`. */
function both(
  bed: SummaryBed,
  one: Asked,
  atSeconds: number,
): readonly [Float32Array, Float32Array] {
  const { hiddenSize, summarySize, lane, outage } = one;
  const prng = new Prng(one.seed);
  const { bed: kernels, rows } = bed;
  const layers = randomHead(one.seed, hiddenSize + summarySize);
  const packed = packHeadInto(kernels, layers, hiddenSize, summarySize);
  const states = Array.from({ length: 8 }, () => randomFloats(prng, hiddenSize, 1));
  const hidden = kernels.put(toTiles(states, hiddenSize));
  const offsets = kernels.put(randomFloats(prng, abi.ENVELOPE_ROWS, 0.5));
  const offset = one.calibrated ? offsets.ptr : 0;
  const out = kernels.alloc(abi.ENVELOPE_ROWS * 32);
  const alone = kernels.alloc(abi.ENVELOPE_ROWS * 4);
  const scratch = kernels.alloc(kernels.kernel.headScratchBytes());
  const [scale, cap] = [bed.state.ptr + abi.TILE_SCALE, bed.state.ptr + abi.TILE_CAP];
  bed.features(atSeconds, outage);
  const [h, s] = [hidden.ptr, rows.ptr];
  const head = [
    packed.ptr,
    h,
    0,
    s,
    0,
    out.ptr,
    0,
    1,
    hiddenSize,
    summarySize,
    scratch.ptr,
  ] as const;
  kernels.run([out, scratch], (kernel) => {
    kernel.head(...head);
    kernel.envelope(out.ptr, 0, scale, 0, cap, 0, offset, out.ptr, 0, 1);
  });
  const column = Float32Array.from(bed.column(out, abi.ENVELOPE_ROWS, lane));
  kernels.run([alone, scratch], (kernel) =>
    kernel.laneAnswer(
      packed.ptr,
      bed.state.ptr,
      h,
      lane,
      atSeconds,
      outage,
      offset,
      alone.ptr,
      hiddenSize,
      summarySize,
      scratch.ptr,
    ),
  );
  return [column, Float32Array.from(kernels.floats(alone))];
}

for (const [binary, numRuns] of [
  ["debug", 15],
  ["release", 20],
  ["shared", 150],
] as const) {
  const test = suite(`answer of one lane, ${binary}`);
  test("has the bits of the same lane of a tile", () => {
    fc.assert(
      fc.property(lives(40), lives(12), asked, (samples, others, one) => {
        const bed = new SummaryBed(binary, 1, 12);
        bed.setCaps(one.lane, one.caps.map(Math.fround));
        for (const sample of samples) {
          bed.offer(one.lane, sample);
          bed.ingest();
        }
        for (const sample of others) {
          bed.offer((one.lane + 1) & 7, sample);
          bed.ingest();
        }
        const last = samples.at(-1)?.timeSeconds ?? 0;
        const [tile, alone] = both(bed, one, last + one.wait);
        const isNothing = one.caps.every((cap) => cap < 1e-30);
        assert.is(isNothing || alone.some((value) => value !== 0), true, "an answer");
        assert.ok(sameBits(tile, alone), `${tile} is not ${alone}`);
      }),
      { numRuns },
    );
  });
  test("of a lane without samples too", () => {
    const bed = new SummaryBed(binary, 1, 12);
    const one = fc.sample(asked, { seed: 5, numRuns: 1 })[0];
    const [tile, alone] = both(bed, present(one), Number.NaN);
    assert.ok(sameBits(tile, alone));
  });
  test.run();
}

function present(one: Asked | undefined): Asked {
  if (one === undefined) throw new Error("no case was drawn");
  return one;
}
