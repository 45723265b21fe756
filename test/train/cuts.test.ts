import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { drawCuts, SET_DAYS, TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { planRounds } from "../../host/model/training/rounds.js";
import { syntheticSeries, truncated } from "./synthetic-series.js";

const test = suite("cuts and rounds");

const PLAN = { seed: 3, train: 200, validate: 50, validateAll: 0, test: 50 };

test("sets never share a day, come in time order, and repeat for a seed", () => {
  const cuts = drawCuts(PLAN, 5);
  assert.is(cuts.length, 200 + 20 + 50 + 50);
  assert.equal(drawCuts(PLAN, 5), cuts);
  assert.not.equal(drawCuts(PLAN, 6), cuts);
  cuts.forEach((cut, index) => {
    assert.ok(cut.at >= (cuts[index - 1]?.at ?? 0));
    const day = (cut.at - TRACE_START_SECONDS) / 86_400;
    const [from, until] = SET_DAYS[cut.set];
    assert.ok(day < until && (cut.set === "train" || day >= from), `${cut.set} on day ${day}`);
  });
  // The longest outage and the last phase still end before the next set begins.
  const { train, validate, test: tested } = SET_DAYS;
  assert.ok(train[1] <= validate[0] && validate[1] < tested[0]);
});

test("outages of 0 are well represented and all cuts of tests use the scored outages", () => {
  const cuts = drawCuts({ ...PLAN, train: 1000 }, 1);
  const outages = cuts.filter(({ set }) => set === "train").flatMap((cut) => cut.outages);
  const none = outages.filter((minutes) => minutes === 0).length / outages.length;
  assert.ok(none > 0.2 && none < 0.4, `${none}`);
  for (const { set, outages: own } of cuts) {
    if (set !== "train") assert.ok(own.every((minutes) => minutes <= 60));
  }
});

test("rounds take every sample once, in order, and none after a cut before it", () => {
  const offsets = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 8 });
  const lengths = fc.integer({ min: 0, max: 40 });
  fc.assert(
    fc.property(offsets, lengths, fc.integer(), (shifts, length, seed) => {
      const series = shifts.map((shift, index) => {
        const one = truncated(syntheticSeries(`${index}`, index, 1), length + (index % 3));
        return { ...one, times: one.times.map((time) => time + shift) };
      });
      const cuts = drawCuts({ seed, train: 40, validate: 0, validateAll: 0, test: 0 }, 0).map(
        (cut, index) => ({
          ...cut,
          at: TRACE_START_SECONDS + index * 337,
        }),
      );
      const { lanes, before } = planRounds(series, cuts);
      assert.is(before.length, cuts.length);
      series.forEach(({ times }, lane) => {
        const rounds = [...lanes.keys()].filter((round) => (lanes[round] ?? 0) & (1 << lane));
        assert.is(rounds.length, times.length);
        cuts.forEach((cut, index) => {
          const taken = rounds.filter((round) => round < (before[index] ?? 0)).length;
          assert.is(taken, [...times].filter((time) => time <= cut.at).length);
        });
      });
    }),
    { numRuns: 60 },
  );
});

test.run();
