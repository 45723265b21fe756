import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SET_DAYS, TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { interrupted, uninterrupted } from "../../host/model/training/interruptions.js";
import { syntheticSeries } from "./synthetic-series.js";

const test = suite("interruptions put into training series");

const SERIES = {
  ...syntheticSeries("a", 1, 60),
  caps: [
    { sample: 0, values: [2, 2, Number.NaN, Number.NaN] },
    { sample: 5000, values: [4, 4, Number.NaN, Number.NaN] },
  ],
};

test("samples stay what they were; an outage opens an incarnation", () => {
  const touching = fc
    .integer()
    .filter((seed) => interrupted(SERIES, seed).interruptions.length > 0);
  fc.assert(
    fc.property(touching, (seed) => {
      const stream = interrupted(SERIES, seed);
      const original = new Map([...SERIES.times].map((time, index) => [time, index]));
      stream.times.forEach((time, index) => {
        const sample = original.get(time) ?? -1;
        assert.ok(sample >= 0 && time > (stream.times[index - 1] ?? 0));
        for (let resource = 0; resource < 4; resource++) {
          assert.is(stream.values[index * 4 + resource], SERIES.values[sample * 4 + resource]);
        }
        const before = stream.times[index - 1] ?? -Infinity;
        const broken = stream.interruptions.some((from) => from >= before && from < time);
        assert.is(stream.launches[index], broken || index === 0 ? 1 : 0);
      });
      const end = TRACE_START_SECONDS + SET_DAYS.train[1] * 86_400 + 4 * 3600;
      const late = (times: Float64Array) => times.filter((time) => time > end).length;
      assert.is(late(stream.times), late(SERIES.times));
      assert.equal(
        stream.caps.map(({ values }) => values),
        SERIES.caps.map(({ values }) => values),
      );
    }),
    { numRuns: 6 },
  );
});

test("about half of the instances are left alone, and the same seed does the same", () => {
  const streams = Array.from({ length: 100 }, (_, seed) => interrupted(SERIES, seed));
  const alone = streams.filter(({ interruptions }) => interruptions.length === 0).length;
  assert.ok(alone > 30 && alone < 70, `${alone}`);
  assert.equal(interrupted(SERIES, 3), interrupted(SERIES, 3));
  assert.equal(uninterrupted(SERIES).times, SERIES.times);
});

test.run();
