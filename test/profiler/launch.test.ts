import { test } from "uvu";
import * as assert from "uvu/assert";
import { ENVELOPE_ROWS, envelopeRow, NEED_COLUMNS, QUANTILES } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { LaunchTrackers } from "../../host/profiler/launch-trackers.js";
import {
  parsePopulationPrior,
  shippedPopulationPrior,
} from "../../host/profiler/population-prior.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(3);

function open(): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 30 * 86_400_000);
  return Profiler.open({ maxInstances: 8, weights, workers: 0, clock });
}

test("before its first sample an instance has what others needed: of its limit, else amounts", async () => {
  const profiler = open();
  const prior = shippedPopulationPrior();
  profiler.register({ ...registrationOf(1), limits: { cpu: 8 } });
  const { rung, envelope, unknown } = profiler.profile("i1");
  assert.is(rung, 3);
  assert.is(envelope[2], (prior.ofLimit.cpu?.[2] ?? 0) * 8);
  assert.is(envelope[envelopeRow(1, 1, 2)], prior.amounts.memory[6]);
  assert.is(envelope[envelopeRow(3, 2, 0)], prior.amounts.disk[8]);
  assert.equal(unknown, ["memory", "network", "disk"], "nothing of them is known here");
  await profiler.close();
});

test("the job type's own history comes before the shipped population", async () => {
  const profiler = open();
  profiler.register({ ...registrationOf(1), jobType: "web" });
  for (let step = 0; step < 12; step++) profiler.offer(sampleOf(1, step));
  await profiler.tick();
  profiler.register({ ...registrationOf(2), jobType: "web" });
  const { rung, envelope, unknown } = profiler.profile("i2");
  assert.is(rung, 3);
  assert.is(unknown, undefined);
  assert.ok((envelope[envelopeRow(1, 0, 3)] ?? 9) < 2.5, "memory of the type is 1 to 2");
  await profiler.close();
});

test("cold launches, restarts and cuts move their own trackers and no other's", async () => {
  const profiler = open();
  for (const index of [1, 2]) profiler.register({ ...registrationOf(index), jobType: "web" });
  for (let step = 0; step < 12; step++) profiler.offer(sampleOf(1, step));
  await profiler.tick();
  const outcome = {
    instanceId: "i2",
    restartedMs: FLEET_START_MS,
    peaks: new Array<number>(NEED_COLUMNS).fill(1_000),
    predicted: new Array<number>(ENVELOPE_ROWS).fill(1),
  };
  const [warm, cold] = ["i1", "i2"].map((id) => profiler.profile(id));
  assert.equal([warm?.rung, cold?.rung], [0, 3]);
  profiler.outcome({ ...outcome, rung: 3 });
  assert.equal(profiler.profile("i1").envelope, warm?.envelope, "no launch moves a restart");
  const raised = profiler.profile("i2");
  assert.ok((raised.envelope[0] ?? 0) > (cold?.envelope[0] ?? 9));
  const counts = raised.trackers;
  assert.equal([counts?.launches, counts?.typeLaunches, counts?.restarts], [1, 1, 0]);
  profiler.outcome({ ...outcome, instanceId: "i1", rung: 0 });
  assert.equal(profiler.profile("i2").envelope, raised.envelope, "no restart moves a launch");
  profiler.outcome({ ...outcome, rung: 4 });
  assert.is(profiler.profile("i2").trackers?.launches, 1, "a limit teaches nothing");
  await profiler.close();
});

test("the offsets of launches make the stated share of a stream covered", () => {
  const prng = new Prng(4);
  const trackers = new LaunchTrackers();
  const misses = [0, 0, 0, 0];
  const count = 2_000;
  const base = new Float64Array(ENVELOPE_ROWS).fill(1);
  for (let launch = 0; launch < count; launch++) {
    const predicted = trackers.apply(base, undefined);
    const peak = 0.5 + 2 * prng.uniform();
    QUANTILES.forEach((_, k) => {
      if (peak > (predicted[k] ?? 0)) misses[k] = (misses[k] ?? 0) + 1;
    });
    trackers.learn(undefined, { peaks: new Array<number>(NEED_COLUMNS).fill(peak), predicted });
  }
  QUANTILES.forEach((level, k) => {
    assert.ok(Math.abs((misses[k] ?? 0) / count - (1 - level)) < 0.02, `${level}`);
  });
});

test("a damaged population prior is refused", () => {
  assert.throws(() => parsePopulationPrior('{"format":"other"}'), isRepriseError);
  const rows = new Array<number>(12).fill(1);
  const amounts = { cpu: rows, memory: rows, network: rows, disk: [2, ...rows.slice(1)] };
  const text = JSON.stringify({ format: "reprise population prior 1", ofLimit: {}, amounts });
  assert.throws(() => parsePopulationPrior(text), isRepriseError);
});

test.run();
