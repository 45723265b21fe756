/** The slope that the soak judges memory by. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Prng } from "../../host/lib/prng.js";

interface Slope {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** Benches are nobody's library, so it is loaded as a file. */
const file = new URL("../../bench/service/slope.js", import.meta.url).href;
const { slopeOf } = (await import(file)) as {
  readonly slopeOf: (readings: readonly (readonly [number, number])[]) => Slope;
};

/** Twelve readings in each unit of time. */
const times = (units: number) => Array.from({ length: units * 12 }, (_, n) => n / 12);

test("a straight line has its slope, without doubt", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: -1_000, max: 1_000 }),
      fc.integer({ min: 3, max: 70 }),
      (slope, start, units) => {
        const found = slopeOf(times(units).map((time) => [time, start + slope * time]));
        for (const value of Object.values(found)) assert.ok(Math.abs(value - slope) < 1e-6);
      },
    ),
  ));

test("fewer than three blocks say nothing, however many readings", () => {
  for (const readings of [[], times(1), times(2)]) {
    const { slope, low, high } = slopeOf(readings.map((time) => [time, time]));
    assert.ok([slope, low, high].every(Number.isNaN));
  }
});

test("the interval is that of the textbook", () => {
  // One reading a block, so least squares by hand: slope .6, residuals .2 -.4 .6 -.8 .4,
  // standard error sqrt(1.36 / 3 / 10) and Student's 3.18 for three degrees of freedom.
  const values = [1, 1, 2.6, 1.8, 3.6];
  const { slope, low, high } = slopeOf(values.map((value, time) => [time, value]));
  assert.ok(Math.abs(slope - 0.6) < 1e-12, `${slope}`);
  const half = Math.sqrt(1.36 / 3 / 10) * 3.18;
  assert.ok(Math.abs(high - slope - half) < 1e-12 && Math.abs(slope - low - half) < 1e-12);
});

test("of noise without a trend the interval holds zero 19 times of 20", () => {
  const prng = new Prng(11);
  const noise = () => Array.from({ length: 12 }, () => prng.uniform()).reduce((a, b) => a + b, -6);
  let held = 0;
  for (let turn = 0; turn < 400; turn++) {
    const { low, high } = slopeOf(times(20).map((time) => [time, 100 + noise()]));
    if (low <= 0 && high >= 0) held++;
  }
  // Of 400 with .95: 380, give or take four standard errors.
  assert.ok(held > 362 && held < 398, `${held} of 400`);
});

test.run();
