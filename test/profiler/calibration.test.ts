import { test } from "uvu";
import * as assert from "uvu/assert";
import { ENVELOPE_ROWS, NEED_COLUMNS, QUANTILES } from "../../host/core/abi.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { RestartCalibration } from "../../host/profiler/calibration.js";
import type { RestartOutcome } from "../../host/profiler/profile.js";

function outcome(peak: number, predicted: (row: number) => number): RestartOutcome {
  return {
    instanceId: "a",
    restartedMs: 1,
    peaks: new Array<number>(NEED_COLUMNS).fill(peak),
    predicted: Array.from({ length: ENVELOPE_ROWS }, (_, row) => predicted(row)),
  };
}

test("one truth moves each quantile by eta (miss - (1 - level))", () => {
  const calibration = new RestartCalibration();
  calibration.learn(outcome(2, (row) => (row % 4 < 2 ? 1 : 3)));
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const level = QUANTILES[row % 4] ?? 0;
    const miss = row % 4 < 2 ? 1 : 0;
    assert.ok(Math.abs((calibration.offsets[row] ?? 0) - 0.05 * (miss - (1 - level))) < 1e-15);
  }
  assert.is(calibration.trackerCount, 1);
});

test("a truth equal to the quantile is no miss, and unseen columns teach nothing", () => {
  const calibration = new RestartCalibration();
  calibration.learn(outcome(Number.NaN, () => 1));
  assert.is(calibration.trackerCount, 0);
  assert.ok(calibration.offsets.every((offset) => offset === 0));
  calibration.learn(outcome(1, () => 1));
  assert.ok(calibration.offsets.every((offset) => offset < 0));
});

test("offsets stay within 2 and settle where the coverage is right", () => {
  const calibration = new RestartCalibration();
  for (let count = 0; count < 2_000; count++) calibration.learn(outcome(9, () => 1));
  assert.ok(calibration.offsets.every((offset) => offset > 1.99 && offset <= 2));

  const tracked = new RestartCalibration();
  const prng = new Prng(7);
  const misses = [0, 0, 0, 0];
  const count = 8_000;
  for (let index = 0; index < count; index++) {
    const truth = prng.uniform() * 3;
    tracked.learn(outcome(truth, (row) => Math.max(0, 1 + (tracked.offsets[row] ?? 0))));
    for (let quantile = 0; quantile < 4; quantile++) {
      if (truth > 1 + (tracked.offsets[quantile] ?? 0))
        misses[quantile] = (misses[quantile] ?? 0) + 1;
    }
  }
  for (const [index, level] of QUANTILES.entries()) {
    const rate = (misses[index] ?? 0) / count;
    assert.ok(Math.abs(rate - (1 - level)) < 0.02, `level ${level}: missed ${rate}`);
  }
});

test("a wrong outcome is refused and moves nothing", () => {
  const calibration = new RestartCalibration();
  const bad: RestartOutcome[] = [
    { ...outcome(1, () => 1), peaks: [1] },
    { ...outcome(1, () => 1), predicted: new Array<number>(NEED_COLUMNS).fill(1) },
    outcome(-1, () => 1),
    outcome(1, (row) => (row === 47 ? -1 : 1)),
  ];
  for (const each of bad) {
    assert.throws(() => calibration.learn(each), isRepriseError);
  }
  assert.ok(calibration.offsets.every((offset) => offset === 0));
  assert.is(calibration.trackerCount, 0);
});

test.run();
