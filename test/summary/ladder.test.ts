import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ENVELOPE_ROWS, KEEP_ROWS, QUANTILES } from "../../host/core/abi.js";
import {
  climbLadder,
  isSound,
  type LadderFacts,
  STATISTIC_SPREAD,
} from "../../host/profiler/ladder.js";
import { Population } from "../../host/profiler/population.js";

const NOTHING = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
const UNSEEN = { statistic: NOTHING, middle: NOTHING, largest: NOTHING };
const SEEN = { statistic: [4, 8, 2, 1], middle: [2, 4, 1, 1], largest: [5, 9, 3, 2] };

function facts(changes: Partial<LadderFacts>): LadderFacts {
  return {
    network: null,
    statistics: UNSEEN,
    population: null,
    samplesInIncarnation: 0,
    samplesInTotal: 0,
    caps: NOTHING,
    requested: NOTHING,
    ...changes,
  };
}

/** A network's answer in which quantile k of everything is `base` + k. */
function network(base: number) {
  const table = (rows: number) => Float64Array.from({ length: rows }, (_, i) => base + (i % 4));
  return { envelope: table(ENVELOPE_ROWS), keepNeed: table(KEEP_ROWS) };
}

const test = suite("ladder");

test("the network answers once twelve samples are known, here or of an earlier life", () => {
  const known = { network: network(1), statistics: SEEN };
  const rungAt = (samplesInIncarnation: number, samplesInTotal: number) =>
    climbLadder(facts({ ...known, samplesInIncarnation, samplesInTotal })).rung;
  assert.is(rungAt(12, 12), 0);
  assert.is(rungAt(11, 11), 4);
  assert.is(rungAt(1, 13), 0);
  assert.is(rungAt(6, 12), 4);
});

test("an unsound network is not believed", () => {
  const known = { statistics: SEEN, samplesInIncarnation: 50, samplesInTotal: 50 };
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5]) {
    const answer = network(1);
    answer.envelope[7] = bad;
    assert.is(climbLadder(facts({ ...known, network: answer })).rung, 2, `${bad}`);
  }
  assert.is(climbLadder(facts({ ...known, network: network(1) })).rung, 0);
});

test("statistics are spread by phase between their middle and their statistic", () => {
  const answer = climbLadder(
    facts({ statistics: SEEN, samplesInIncarnation: 20, samplesInTotal: 20 }),
  );
  assert.is(answer.rung, 2);
  // cpu: middle 2, statistic 4, largest 5.
  const rows = [0, 4, 8].map((from) => [...answer.envelope.subarray(from, from + 4)]);
  rows.forEach((row, phase) => {
    const wanted = [...(STATISTIC_SPREAD[phase] ?? []).map((k) => 2 + k * 2), 5];
    assert.ok(row.every((value, level) => Math.abs(value - (wanted[level] ?? 0)) < 1e-12));
  });
  assert.equal([...answer.keepNeed.subarray(0, 4)], rows[2], "the widest phase");
});

test("caps bind, quantiles stay in order", () => {
  const answer = climbLadder(
    facts({
      network: network(1),
      samplesInIncarnation: 20,
      samplesInTotal: 20,
      caps: [2.5, Number.NaN, 0, Number.NaN],
    }),
  );
  assert.equal([...answer.envelope.subarray(0, 4)], [1, 2, 2.5, 2.5]);
  assert.equal([...answer.envelope.subarray(12, 16)], [1, 2, 3, 4]);
  assert.equal([...answer.envelope.subarray(24, 28)], [0, 0, 0, 0]);
});

test("an unknown instance gets its limit, what it asked for, or the largest value seen", () => {
  const limits = { caps: [8, Number.NaN, Number.NaN, Number.NaN] };
  const answer = climbLadder(
    facts({
      ...limits,
      requested: [2, 16, Number.NaN, Number.NaN],
      statistics: { ...UNSEEN, largest: [1, 1, 7, Number.NaN] },
    }),
  );
  assert.is(answer.rung, 4);
  assert.equal([...answer.keepNeed], [8, 8, 8, 8, 16, 16, 16, 16, 7, 7, 7, 7, 0, 0, 0, 0]);
});

test("the population answers for its type, never below what the instance showed", () => {
  const population = new Population();
  for (let index = 0; index < 1_000; index++) {
    population.observe(population.indexOf("web"), [1 + index / 1_000, 4, Number.NaN, 0]);
    population.observe(population.indexOf("batch"), [30, 4, 1, 0]);
  }
  assert.is(new Population().quantiles("web"), null);
  const [q50 = 0, , q95 = 0] = population.quantiles("web") ?? [];
  assert.ok(q50 > 1.4 && q50 < 1.6, `${q50}`);
  assert.ok(q95 > 1.85 && q95 < 2.1, `${q95}`);
  const all = population.quantiles("unheard of") ?? new Float64Array();
  assert.ok((all[2] ?? 0) > 25);
  const answer = climbLadder(
    facts({
      population: population.quantiles("web"),
      statistics: { ...UNSEEN, middle: [1, 1, 1, 1], largest: [3, 1, 2, 1] },
    }),
  );
  assert.is(answer.rung, 3);
  assert.is(answer.keepNeed[2], 3);
  assert.is(answer.keepNeed[10], 2, "no network values in the type: the largest seen");
});

test("quantiles of a population lie within a quarter octave of the true ones", () => {
  const values = fc.array(fc.double({ min: 0.001, max: 1e5, noNaN: true }), {
    minLength: 12,
    maxLength: 200,
  });
  fc.assert(
    fc.property(values, (list) => {
      const population = new Population();
      const type = population.indexOf("t");
      for (const value of list) population.observe(type, [value, value, value, value]);
      const sorted = [...list].sort((a, b) => a - b);
      QUANTILES.forEach((level, index) => {
        const got = population.quantiles("t")?.[index] ?? Number.NaN;
        const exact = sorted[Math.ceil(level * list.length - 1e-9) - 1] ?? 0;
        assert.ok(got <= exact * 1.1893 && got >= exact / 1.1893, `${level}: ${got} ${exact}`);
      });
    }),
    { numRuns: 50 },
  );
});

test("a value on an edge begins its bucket, the float32 before it ends the one before", () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  const middle = (value: number) => {
    const population = new Population();
    for (let count = 0; count < 12; count++) population.observe(-1, [value, value, value, value]);
    return population.quantiles(undefined)?.[0] ?? Number.NaN;
  };
  for (let octave = -12; octave < 24; octave++) {
    for (const quarter of [1, 2 ** 0.25, Math.SQRT2, 2 ** 0.75]) {
      float[0] = 2 ** octave * quarter;
      // Rounded to the nearest it may lie below the edge.
      if ((float[0] ?? 0) < 2 ** octave * quarter) bits[0] = (bits[0] ?? 0) + 1;
      const edge = float[0] ?? 0;
      bits[0] = (bits[0] ?? 0) - 1;
      const below = float[0] ?? 0;
      assert.ok(middle(edge) > edge, `${edge}`);
      assert.ok(middle(below) < below, `${below}`);
    }
  }
  for (const none of [Number.NaN, -1, Number.POSITIVE_INFINITY])
    assert.ok(Number.isNaN(middle(none)));
  assert.ok(middle(-0) < 2 ** -12 && middle(2 ** -140) < 2 ** -12);
  assert.is(middle(2 ** 24), 2 ** 24);
});

test("whatever is known, the answer is sound and within the caps", () => {
  const wild = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300),
  );
  const four = fc.array(wild, { minLength: 4, maxLength: 4 });
  const table = (length: number) =>
    fc.array(wild, { minLength: length, maxLength: length }).map((v) => Float64Array.from(v));
  const any = fc.record({
    network: fc.option(fc.record({ envelope: table(48), keepNeed: table(16) })),
    statistics: fc.record({ statistic: four, middle: four, largest: four }),
    population: fc.option(table(16)),
    samplesInIncarnation: fc.integer({ min: 0, max: 30 }),
    samplesInTotal: fc.integer({ min: 30, max: 60 }),
    caps: four,
    requested: four,
  });
  fc.assert(
    fc.property(any, (known) => {
      const answer = climbLadder(known);
      assert.ok(isSound(answer));
      answer.envelope.forEach((value, index) => {
        const cap = known.caps[Math.floor(index / 12)] ?? Number.NaN;
        assert.not.ok(cap >= 0 && value > cap);
      });
    }),
    { numRuns: 300 },
  );
});

test.run();
