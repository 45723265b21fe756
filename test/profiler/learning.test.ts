import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ENVELOPE_ROWS, NEED_COLUMNS, QUANTILES } from "../../host/core/abi.js";
import { exponential, exponentials, logarithm } from "../../host/lib/elementary.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import { CutCalibration } from "../../host/profiler/cut-calibration.js";
import { DriftWatch, WINDOW } from "../../host/profiler/drift.js";
import { type ScoredCut, ShadowCuts } from "../../host/profiler/shadow-cuts.js";
import { distance, shifted } from "../../host/profiler/shift.js";
import { SurgeBook } from "../../host/profiler/surge.js";
import { fitDecay, phaseShares } from "../../host/profiler/surge-decay.js";
import { parseSurgePrior, shippedSurgePrior } from "../../host/profiler/surge-prior.js";
import { upperQuantile } from "../../host/profiler/surge-table.js";

const LEVEL_95 = 2;

function scored(peak: number, predicted: number, statistics = predicted): ScoredCut {
  return {
    slot: 0,
    underWay: 1,
    atSeconds: 0,
    peaks: new Array<number>(NEED_COLUMNS).fill(peak),
    predicted: new Array<number>(ENVELOPE_ROWS).fill(predicted),
    statistics: new Array<number>(ENVELOPE_ROWS).fill(statistics),
    scale: [1, 1, 1, 1],
  };
}

function offsetOf(cuts: CutCalibration, slot: number, row: number): number {
  const offsets = new Float64Array(ENVELOPE_ROWS);
  cuts.offsetsInto(offsets, { slot, jobType: undefined });
  return offsets[row] ?? Number.NaN;
}

test("four exponentials at a time have the bits of one", () => {
  const values = Float64Array.from({ length: 64 }, (_, index) => (index - 30) / 7.3);
  const together = Float64Array.from(values);
  exponentials(together, 61);
  assert.equal(together, Float64Array.from(values, exponential));
});

test("exp, ln and the shift agree with the host's own within rounding", () => {
  fc.assert(
    fc.property(fc.double({ min: -16, max: 16, noNaN: true }), (x) => {
      assert.ok(Math.abs(exponential(x) / Math.exp(x) - 1) < 1e-13);
      assert.ok(Math.abs(logarithm(exponential(x)) - x) < 1e-12);
    }),
  );
  const amount = fc.double({ min: 0, max: 1e6, noNaN: true });
  const scale = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  const offset = fc.double({ min: -2, max: 6, noNaN: true });
  fc.assert(
    fc.property(amount, scale, offset, (value, s, a) => {
      const expected = Math.max(0, s * Math.sinh(Math.asinh(value / s) + a));
      const bound = 1e-9 * (Math.abs(expected) + value + s);
      assert.ok(Math.abs(shifted(value, s, a) - expected) <= bound);
      const far = Math.asinh(value / s) - Math.asinh(1 / s);
      assert.ok(Math.abs(distance(value, 1, s) - far) < 1e-9);
    }),
  );
  assert.ok(Object.is(shifted(0.1, 3, 0), 0.1));
  assert.ok(Number.isNaN(logarithm(0)) && Number.isNaN(logarithm(-1)));
});

test("stated coverage holds on any stream: misses stay within (bound + step) / (step n)", () => {
  const count = 400;
  const streams: [string, (index: number, prng: Prng) => number][] = [
    ["steady", (_, prng) => prng.uniform()],
    ["drifting", (index, prng) => prng.uniform() + index / 100],
    ["falling", (index, prng) => Math.max(0, 6 - index / 60 + prng.uniform())],
    ["jumping", (index, prng) => prng.uniform() * (Math.floor(index / 50) % 2 === 0 ? 1 : 5)],
  ];
  for (const [name, truthAt] of streams) {
    const prng = new Prng(11);
    const cuts = new CutCalibration(1);
    const misses = [0, 0, 0, 0];
    let clamped = false;
    for (let index = 0; index < count; index++) {
      const truth = truthAt(index, prng);
      const offsets = QUANTILES.map((_, k) => offsetOf(cuts, 0, k));
      clamped ||= offsets.some((offset) => Math.abs(offset) > 1.99);
      const rows = Array.from({ length: ENVELOPE_ROWS }, (_, row) =>
        shifted(2, 1, offsetOf(cuts, 0, row)),
      );
      QUANTILES.forEach((_, k) => {
        if (truth > (rows[k] ?? 0)) misses[k] = (misses[k] ?? 0) + 1;
      });
      cuts.learn({ slot: 0, jobType: undefined }, { ...scored(truth, 2), predicted: rows }, 1);
    }
    assert.not(clamped, `${name}: the offsets reached their bound, so nothing is promised`);
    QUANTILES.forEach((level, k) => {
      const rate = (misses[k] ?? 0) / count;
      assert.ok(Math.abs(rate - (1 - level)) <= (2 + 0.05) / (0.05 * count), `${name} ${level}`);
    });
  }
});

test("an instance's own offset weighs n / (n + 20), and other instances never see it", () => {
  const cuts = new CutCalibration(2);
  const owner = { slot: 0, jobType: undefined };
  cuts.learn(owner, scored(9, 1), 1);
  const alone = offsetOf(cuts, 1, LEVEL_95);
  assert.ok(Math.abs(alone - 0.05 * 0.95) < 1e-15, "the shared step");
  const own = offsetOf(cuts, 0, LEVEL_95) - alone;
  assert.ok(Math.abs(own - (1 / 21) * 0.1 * 0.95) < 1e-4, `${own}`);
  for (let count = 0; count < 4_000; count++) cuts.learn(owner, scored(9, 1), 1);
  assert.is(offsetOf(cuts, 0, LEVEL_95), 2);
  cuts.reset(0);
  assert.is(cuts.countOf(0), 0);
  assert.is(offsetOf(cuts, 0, LEVEL_95), offsetOf(cuts, 1, LEVEL_95));
});

test("cuts under way together move the shared offsets by no more than eight steps", () => {
  const cuts = new CutCalibration(1);
  for (let count = 0; count < 1_000; count++) {
    cuts.learn({ slot: 0, jobType: undefined }, { ...scored(9, 1), underWay: 1_000 }, 1);
  }
  cuts.reset(0);
  assert.ok(Math.abs(offsetOf(cuts, 0, LEVEL_95) - 8 * 0.05 * 0.95) < 1e-9);
});

test("a shadow cut is scored with the peak of each phase, once its hour is over", () => {
  const done: ScoredCut[] = [];
  const cuts = new ShadowCuts(2, (cut) => done.push(cut));
  const { predicted, statistics, scale } = scored(0, 1);
  cuts.begin(1, { atSeconds: 1_000, predicted, statistics, scale });
  assert.ok(cuts.isUnderWay(1));
  for (let minute = 5; minute <= 60; minute += 5) {
    assert.is(done.length, 0);
    cuts.observe(1, 1_000 + minute * 60, [minute, 100 - minute, minute === 30 ? Number.NaN : 1, 0]);
  }
  assert.is(done.length, 1);
  const peaks = Array.from(done[0]?.peaks ?? []);
  assert.equal(peaks, [10, 30, 60, 95, 85, 65, 1, Number.NaN, 1, 0, 0, 0]);
  assert.not(cuts.isUnderWay(1));
});

test("a gap, or a stop, ends a shadow cut without a verdict", () => {
  const done: ScoredCut[] = [];
  const cuts = new ShadowCuts(1, (cut) => done.push(cut));
  const { predicted, statistics, scale } = scored(0, 1);
  const cut = { atSeconds: 0, predicted, statistics, scale };
  cuts.begin(0, cut);
  cuts.observe(0, 901, [1, 1, 1, 1]);
  assert.not(cuts.isUnderWay(0));
  cuts.begin(0, cut);
  cuts.cancel(0);
  for (let minute = 5; minute <= 70; minute += 5) cuts.observe(0, minute * 60, [1, 1, 1, 1]);
  assert.is(done.length, 0);
  assert.ok(cuts.hasRoom);
});

test("the network is demoted when 5 % worse over the window, and promoted when no worse", () => {
  const watch = new DriftWatch();
  for (let count = 0; count < WINDOW - 1; count++) watch.observe(scored(1, 3, 1.1));
  assert.not(watch.isDemoted, "one short of the window");
  watch.observe(scored(1, 3, 1.1));
  assert.ok(watch.isDemoted);
  for (let count = 0; count < WINDOW; count++) watch.observe(scored(1, 1.1, 3));
  assert.not(watch.isDemoted);
});

test("a long run of misses raises the alarm and quickens 50 cuts; stated coverage does not", () => {
  const watch = new DriftWatch();
  for (let count = 0; count < 2_000; count++) watch.observe(scored(count % 20 === 0 ? 2 : 1, 1.5));
  assert.is(watch.alarmCount, 0);
  let count = 0;
  for (; watch.alarmCount === 0 && count < 100; count++) watch.observe(scored(2, 1.5));
  assert.ok(count > 20 && count < 40, `${count}`);
  assert.is(watch.boost, 4);
  for (let after = 0; after < 50; after++) watch.observe(scored(1, 1.5));
  assert.is(watch.boost, 1);
});

const priorOf = (value: number) => {
  const one = { size: new Array<number>(16).fill(value), decayMinutes: [10, 10, 10, 10] };
  return { added: one, scaled: one };
};
/** What the surge adds, in either measure. */
const sizeOf = (book: SurgeBook, jobType: string | undefined, row: number) => {
  const { scaled, added } = book.shift(jobType, row);
  return scaled + added;
};
const still = { envelope: new Array<number>(ENVELOPE_ROWS).fill(1), scale: [1, 1, 1, 1] };

test("no restart of the type, no surge; whatever the prior and other types", () => {
  const book = new SurgeBook(priorOf(3));
  book.learn("web", new Array<number>(NEED_COLUMNS).fill(50), still);
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    assert.is(sizeOf(book, "batch", row), 0);
    assert.is(sizeOf(book, undefined, row), 0);
    assert.ok(sizeOf(book, "web", row) > 0);
  }
  assert.is(book.count("web"), 1);
});

test("a surge that always comes is learnt, falls from phase to phase and is forgotten", () => {
  const book = new SurgeBook();
  // e-fold in 20 minutes: 1, e^-.5 and e^-1.5 of it where the phases begin.
  const full = 3;
  const burst = Array.from(
    { length: NEED_COLUMNS },
    (_, column) => 1 + full * Math.exp(-([0, 10, 30][column % 3] ?? 0) / 20),
  );
  for (let count = 0; count < 64; count++) book.learn("web", burst, still);
  const weight = 64 / 69;
  const expected = weight * full;
  assert.ok(Math.abs(sizeOf(book, "web", LEVEL_95) - expected) < 1e-6);
  assert.ok(Math.abs((book.decayMinutes("web", 0) ?? 0) / 20 - 1) < 0.1, "of 20 minutes");
  const later = sizeOf(book, "web", 8 + LEVEL_95);
  assert.ok(Math.abs(later / expected - Math.exp(-1.5)) < 0.03, `${later / expected}`);
  const settled = book.settledAfterMinutes("web");
  assert.ok(Math.abs(settled / (20 * Math.log(20)) - 1) < 0.1, `${settled}`);
  const calm = new Array<number>(NEED_COLUMNS).fill(0.5);
  for (let count = 0; count < 64; count++) book.learn("web", calm, still);
  assert.is(sizeOf(book, "web", LEVEL_95), 0);
  assert.is(book.settledAfterMinutes("web"), 0);
});

test("a surge is added where it is always the same, and scales where it grows with the load", () => {
  const prng = new Prng(9);
  const book = new SurgeBook();
  for (let count = 0; count < 40; count++) {
    const load = 0.1 + 10 * prng.uniform() ** 2;
    const answer = {
      envelope: new Array<number>(ENVELOPE_ROWS).fill(load),
      scale: new Array<number>(4).fill(load / 2),
    };
    const onlyFirst = (peak: number) =>
      Array.from({ length: NEED_COLUMNS }, (_, column) => (column % 3 === 0 ? peak : Number.NaN));
    book.learn("boot", onlyFirst(load + 2), answer);
    book.learn("grows", onlyFirst(load * 3), answer);
  }
  const boot = book.shift("boot", LEVEL_95);
  const grows = book.shift("grows", LEVEL_95);
  assert.is(boot.scaled, 0);
  assert.ok(Math.abs(boot.added - (40 / 45) * 2) < 1e-5, `${boot.added}`);
  assert.is(grows.added, 0);
  const expected = Math.asinh(6) - Math.asinh(2);
  assert.ok(Math.abs(grows.scaled - (40 / 45) * expected) < 1e-5, `${grows.scaled}`);
});

test("whatever restarts do, a surge never rises from phase to phase", () => {
  const peaks = fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), {
    minLength: NEED_COLUMNS,
    maxLength: NEED_COLUMNS,
  });
  fc.assert(
    fc.property(fc.array(peaks, { minLength: 1, maxLength: 6 }), (restarts) => {
      const book = new SurgeBook(priorOf(1));
      for (const each of restarts) book.learn("web", each, still);
      for (let row = 0; row < ENVELOPE_ROWS; row++) {
        if (row % 12 < 4) continue;
        assert.ok(sizeOf(book, "web", row) <= sizeOf(book, "web", row - 4));
      }
    }),
  );
});

test("the decay that made the excess is found within an eighth of an octave", () => {
  fc.assert(
    fc.property(fc.double({ min: 3, max: 150, noNaN: true }), (minutes) => {
      const first = [0.5, 1, 1.5, 2];
      const excess = [0, 10, 30].flatMap((t) => first.map((size) => size * Math.exp(-t / minutes)));
      const ratio = (fitDecay(excess) ?? Number.NaN) / minutes;
      assert.ok(ratio > 2 ** -0.15 && ratio < 2 ** 0.15, `${ratio}`);
    }),
  );
  assert.is(fitDecay(new Array<number>(12).fill(-1)), undefined, "no excess");
  assert.is(fitDecay([1, 1, 1, 1, ...new Array<number>(8).fill(Number.NaN)]), undefined);
  assert.is(fitDecay([1, 1, 1, 1, ...new Array<number>(8).fill(-2)]), 2.5, "over at once");
  assert.equal(phaseShares(1e-9), [1, 0, 0]);
});

test("restarts that need what was stated teach hardly any surge", () => {
  const book = new SurgeBook();
  const prng = new Prng(5);
  const envelope = Array.from({ length: ENVELOPE_ROWS }, (_, row) => QUANTILES[row % 4] ?? 0);
  for (let count = 0; count < 64; count++) {
    const peaks = Array.from({ length: NEED_COLUMNS }, () => prng.uniform());
    book.learn("web", peaks, { envelope, scale: [1, 1, 1, 1] });
  }
  for (let row = 0; row < ENVELOPE_ROWS; row++) assert.ok(sizeOf(book, "web", row) < 0.1);
});

test("a resource that was not seen teaches nothing about it", () => {
  const book = new SurgeBook();
  const peaks = Array.from({ length: NEED_COLUMNS }, (_, column) => (column < 3 ? 5 : Number.NaN));
  book.learn("web", peaks, still);
  assert.ok(sizeOf(book, "web", LEVEL_95) > 0);
  assert.is(sizeOf(book, "web", 12 + LEVEL_95), 0);
});

test("the shipped prior belongs to the shipped weights, and to no others", () => {
  const file = shippedWeightsFile();
  assert.ok(file !== undefined);
  const prior = shippedSurgePrior(readWeights(file).version);
  for (const size of [prior?.added, prior?.scaled]) {
    assert.is(size?.size.length, 16);
    assert.ok(size?.decayMinutes.every((minutes) => minutes >= 2.5 && minutes <= 160));
  }
  assert.is(shippedSurgePrior("others@1"), undefined);
  assert.throws(() => parseSurgePrior('{"format":"other"}'), isRepriseError);
});

test("a prior never makes a surge where a type's own restarts show none", () => {
  const book = new SurgeBook(priorOf(5));
  const calm = new Array<number>(NEED_COLUMNS).fill(1);
  for (let count = 0; count < 3; count++) book.learn("web", calm, still);
  for (let row = 0; row < ENVELOPE_ROWS; row++) assert.is(sizeOf(book, "web", row), 0);
});

test("the quantile of few values is their largest", () => {
  assert.is(upperQuantile([3, 1, 2], 0.95), 3);
  assert.is(upperQuantile([3, 1, 2], 0.5), 2);
  assert.is(upperQuantile([], 0.5), 0);
});

test.run();
