import { suite } from "uvu";
import * as assert from "uvu/assert";
import { needColumn, RESOURCE_COUNT } from "../../host/core/abi.js";
import {
  COMPARED,
  type ComparedName,
  InstanceBaselines,
} from "../../host/model/baselines/instance-baselines.js";
import { ewmaPlusSigmas, meanPlusSigmas } from "../../host/model/baselines/moments.js";
import { percentile } from "../../host/model/baselines/percentile.js";
import {
  AUTOPILOT,
  CRANE_PERCENTILE,
  KOORDINATOR,
  type Recommender,
  RecommenderState,
  VPA,
} from "../../host/model/baselines/recommenders.js";
import { seasonalPeak } from "../../host/model/baselines/season.js";
import { windowValues } from "../../host/model/baselines/window.js";
import type { Series } from "../../host/model/training/series.js";

const test = suite("compared predictors");

const STEP = 300;
const DAY = 86_400;

/** Five-minute samples from `STEP` on; all four resources the same. */
function seriesOf(count: number, value: (index: number) => number): Series {
  const values = new Float32Array(count * RESOURCE_COUNT);
  for (let index = 0; index < values.length; index++) {
    values[index] = value(Math.floor(index / RESOURCE_COUNT));
  }
  return {
    name: "by hand",
    times: Float64Array.from({ length: count }, (_, index) => (index + 1) * STEP),
    values,
    launches: new Uint8Array(count),
    caps: [],
  };
}

function near(got: number | undefined, expected: number, within = 1e-9): void {
  const error = Math.abs((got ?? Number.NaN) - expected);
  assert.ok(error <= within * Math.abs(expected), `got ${got}, expected ${expected}`);
}

/** What one resource is said to need in the first phase. */
function said(series: Series, at: number, name: ComparedName, column = 0): number | undefined {
  return new InstanceBaselines(series).predict(at, 0)[COMPARED.indexOf(name)]?.[column];
}

test("moments by hand", () => {
  const values = Float64Array.of(1, 2, 3, 6);
  // Mean 3, squares 4 + 1 + 0 + 9 = 14.
  near(meanPlusSigmas(values, 5, 1), 3 + 5 * Math.sqrt(14 / 3));
  near(meanPlusSigmas(values, 3, 0), 3 + 3 * Math.sqrt(14 / 4));
  near(meanPlusSigmas(Float64Array.of(7), 5, 1), 7);
  // 1, then 1 + .2 (2 - 1) = 1.2, 1.56, 2.448.
  near(ewmaPlusSigmas(values, 3, 0.2), 2.448 + 3 * Math.sqrt(14 / 4));
  assert.ok(Number.isNaN(meanPlusSigmas(new Float64Array(), 5, 1)));
  assert.ok(Number.isNaN(ewmaPlusSigmas(new Float64Array(), 3, 0.2)));
});

test("percentiles by nearest rank, of values in any order", () => {
  const values = Float64Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
  assert.is(percentile(values, 0.95), 95);
  assert.is(percentile(values, 0.99), 99);
  assert.is(percentile(Float64Array.of(4), 0.5), 4);
  assert.ok(Number.isNaN(percentile(new Float64Array(), 0.5)));
});

test("a window is open on the left, closed on the right, and without what is missing", () => {
  const series = seriesOf(6, (index) => (index === 3 ? Number.NaN : index + 1));
  assert.equal([...windowValues(series, 0, STEP, 5 * STEP)], [2, 3, 5]);
  assert.is(windowValues(series, 0, 9 * STEP, 20 * STEP).length, 0);
});

test("the same stretch of the days before, never what is not yet known", () => {
  // Day d, slot s of 288: value 1000 d + s.
  const series = seriesOf(3 * 288, (index) => 1000 * Math.floor(index / 288) + (index % 288));
  const at = 2 * DAY + 10 * STEP;
  const ahead = { at, from: at + STEP, until: at + 3 * STEP };
  // Samples 2 and 3 steps after `at` a day ago: slots 11 and 12 of day 1.
  assert.is(seasonalPeak(series, 0, ahead, 1), 1012);
  assert.is(seasonalPeak(series, 0, { ...ahead, at: at - DAY + 2 * STEP }, 1), 1011);
  const rising = seriesOf(3 * 288, (index) => 9000 - 1000 * Math.floor(index / 288));
  assert.is(seasonalPeak(rising, 0, ahead, 1), 8000);
  assert.is(seasonalPeak(rising, 0, ahead, 7), 9000);
  assert.ok(Number.isNaN(seasonalPeak(series, 0, { at: 0, from: 0, until: STEP }, 7)));
});

/** End of the exponential bucket that holds a value. */
function bucketEnd(first: number, value: number): number {
  let [start, end] = [0, first];
  while (end <= value) [start, end] = [end, end * 1.05 + first];
  return start <= value ? end : Number.NaN;
}

function steady(recommender: Recommender, value: number): number[] {
  const state = new RecommenderState(recommender);
  for (let sample = 1; sample <= 288; sample++) {
    state.observe(sample * STEP, [value, value, value, value]);
  }
  return [0, 1, 2, 3].map((resource) => state.recommend(resource));
}

test("recommenders on a steady load: the bucket's end and the published margin", () => {
  const gib = 2 ** 30;
  const vpa = steady(VPA, 1);
  near(vpa[0], 1.15 * bucketEnd(0.01, 1));
  near(vpa[1], 1.15 * bucketEnd(1e7 / gib, 1));
  near(steady(VPA, 0)[0], 0.025);
  near(steady(VPA, 0)[1], 250e6 / gib);
  const koordinator = steady(KOORDINATOR, 1);
  near(koordinator[0], 1.1 * bucketEnd(0.025, 1));
  near(koordinator[1], 1.1 * bucketEnd(5 / 1024, 1));
  near(steady(AUTOPILOT, 1)[0], 1.15 * bucketEnd(0.01, 1));
  const crane = steady(CRANE_PERCENTILE, 1.05);
  near(crane[0], 1.15 * 1.1);
  near(crane[1], 1.15 * 11 * (100 / 1024));
  assert.ok(Number.isNaN(new RecommenderState(VPA).recommend(0)));
});

test("recommenders forget by their half-lives", () => {
  // A day at 4, then 12 h at 1: the old day weighs (2^-.5 - 2^-1.5) / (1 - 2^-.5) = 1.207 of the
  // new half-day by a half-life of 24 h, and (2^-1 - 2^-3) / (1 - 2^-1) = .75 by one of 12 h.
  const twice = (recommender: Recommender, hoursAfter: number) => {
    const state = new RecommenderState(recommender);
    const after = 288 + hoursAfter * 12;
    for (let sample = 1; sample <= after; sample++) {
      const value = sample <= 288 ? 4 : 1;
      state.observe(sample * STEP, [value, value, value, value]);
    }
    return state.recommend(0);
  };
  const high = bucketEnd(0.01, 4);
  const low = bucketEnd(0.01, 1);
  near(twice(VPA, 12), 1.15 * high);
  // After 80 h the old day weighs (1 - .5) 2^-3.33 / (1 - 2^-3.33) = 5.5 %: under the upper tenth.
  near(twice(VPA, 80), 1.15 * low);
  // By 12 h it weighs 2^-6.67 (1 - .25) / (1 - 2^-6.67) = .7 %; P95 has long forgotten it.
  near(twice(AUTOPILOT, 80), 1.15 * low);
  near(twice(AUTOPILOT, 24), 1.15 * high);
});

test("VPA's memory counts each day's largest value once", () => {
  const gib = 2 ** 30;
  const state = new RecommenderState(VPA);
  const observe = (sample: number) => state.observe(sample * STEP, [1, sample === 100 ? 8 : 1]);
  for (let sample = 1; sample <= 3 * 288; sample++) observe(sample);
  near(state.recommend(1), 1.15 * bucketEnd(1e7 / gib, 8));
  near(state.recommend(0), 1.15 * bucketEnd(0.01, 1));
});

test("an instance's predictions, all by hand on a ramp", () => {
  const count = 9 * 288;
  const series = seriesOf(count, (index) => index + 1);
  const at = count * STEP;
  assert.is(said(series, at, "last"), count);
  assert.is(said(series, at, "max 1 h"), count);
  assert.is(said(series, at, "max 7 d"), count);
  // 2016 samples, the last of them `count`: rank 1916 of 2016 and 1996.
  assert.is(said(series, at, "P95 7 d"), count - 2016 + 1916);
  assert.is(said(series, at, "P99 7 d"), count - 2016 + 1996);
  // n consecutive whole numbers: variance (n n - 1) / 12 of the population.
  const sample = Math.sqrt((24 * 24 - 1) / 12) * Math.sqrt(24 / 23);
  near(said(series, at, "N-sigma 2 h"), count - 11.5 + 5 * sample);
  near(said(series, at, "mean + 3 sigma 24 h"), count - 143.5 + 3 * Math.sqrt((288 ** 2 - 1) / 12));
  near(
    said(series, at, "max(N-sigma, P95)"),
    Math.max(count - 11.5 + 5 * sample, count - 2016 + 1916),
  );
  // Two samples of the first phase, a day before.
  assert.is(said(series, at, "seasonal naive"), count + 2 - 288);
  assert.is(said(series, at, "seasonal naive", needColumn(0, 2)), count + 12 - 288);
  assert.is(said(series, at, "Crane 7-day window"), count + 2 - 288);
  near(said(series, at, "Autopilot-like", needColumn(1, 0)), 1.15 * count);
});

test("seasons fall back on the last value, and nothing comes of nothing", () => {
  const series = seriesOf(20, () => 3);
  assert.is(said(series, 20 * STEP, "seasonal naive"), 3);
  assert.is(said(series, 20 * STEP, "Crane 7-day window"), 3);
  const rows = new InstanceBaselines(series).predict(0, 0);
  assert.ok(rows.every((row) => row.every(Number.isNaN)));
});

test("questions do not look ahead", () => {
  const series = seriesOf(4 * 288, (index) => 1 + (index % 7));
  const changed = seriesOf(4 * 288, (index) => (index < 3 * 288 ? 1 + (index % 7) : 1e6));
  const ask = (of: Series) => {
    const baselines = new InstanceBaselines(of);
    return [2 * DAY, 2.5 * DAY, 3 * DAY].map((at) => baselines.predict(at, 10));
  };
  assert.equal(ask(changed), ask(series));
});

test.run();
