import { suite } from "uvu";
import * as assert from "uvu/assert";
import { QUANTILE_COUNT, RESOURCE_COUNT } from "../../host/core/abi.js";
import { exp2 } from "../../host/lib/arithmetic.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { InstanceStream } from "../../host/profiler/instance-stream.js";
import {
  BASELINE_NAMES,
  type BaselineName,
  PREDICTOR_NAMES,
} from "../../host/profiler/predictors/predictors.js";
import { VpaPredictor } from "../../host/profiler/predictors/vpa.js";
import { Profiler } from "../../host/profiler/profiler.js";
import type { Sample } from "../../host/sources/sample.js";
import { untrainedWeights } from "../support/fleet.js";

const test = suite("predictors");
const START_MS = 1_380_585_600_000;
const STEP_MS = 300_000;
const LIMITS = { cpu: 64, memory: 256 };

/** Samples every five minutes; the value of each is asked for by its number. */
function samples(count: number, value: (index: number) => number): Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const amount = value(index);
    const timeMs = START_MS + (index + 1) * STEP_MS;
    const other = { networkMbps: amount, disk: amount };
    return { instanceId: "vm", timeMs, cpuCores: amount, memoryGiB: amount, ...other };
  });
}

function streamOf(predictor: BaselineName, given: readonly Sample[]): InstanceStream {
  const stream = new InstanceStream(null, { predictor });
  for (const sample of given) stream.push(sample);
  return stream;
}

/** The .95 of each resource in the first phase. */
function amounts(predictor: BaselineName, given: readonly Sample[]): number[] {
  const { rung, envelope } = streamOf(predictor, given).answer(lastSeconds(given), 10);
  assert.is(rung, 2);
  return Array.from({ length: RESOURCE_COUNT }, (_, resource) => envelope[resource * 12 + 2] ?? 0);
}

function lastSeconds(given: readonly Sample[]): number {
  return (given.at(-1)?.timeMs ?? 0) / 1_000;
}

function near(got: number, wanted: number, share: number): void {
  assert.ok(Math.abs(got - wanted) <= share * wanted, `${got}, not ${wanted}`);
}

test("on a constant load every predictor says that load", () => {
  const given = samples(600, () => 2);
  for (const name of BASELINE_NAMES) {
    // VPA adds 15 % to the end of a bucket of 5 %; maxima go in steps of at most 8 %.
    const [low, high] = name === "vpa" ? [2 * 1.15, 2 * 1.15 * 1.05] : [2 / 1.2, 2 * 1.2];
    for (const amount of amounts(name, given)) {
      assert.ok(amount >= low && amount <= high, `${name}: ${amount}`);
    }
  }
});

test("maxima look back as far as they say", () => {
  // 40 four days ago, 20 ten hours ago, 10 half an hour ago, 1 else.
  const count = 12 * 24 * 5;
  const at = new Map([
    [count - 1 - 12 * 96, 40],
    [count - 1 - 12 * 10, 20],
    [count - 7, 10],
  ]);
  const given = samples(count, (index) => at.get(index) ?? 1);
  for (const amount of amounts("last", given)) near(amount, 1, 1e-6);
  for (const amount of amounts("max1h", given)) near(amount, 10, 0.05);
  for (const amount of amounts("max24h", given)) near(amount, 20, 0.05);
  for (const amount of amounts("max7d", given)) near(amount, 40, 0.05);
});

test("sigma predictors are mean + n sigma of their windows", () => {
  // 1 and 3 in turns: mean 2, sigma 1, in any window of many samples.
  const given = samples(288 * 4, (index) => 1 + 2 * (index % 2));
  for (const amount of amounts("nsigma", given)) near(amount, 2 + 5, 0.03);
  for (const amount of amounts("mean3sigma", given)) near(amount, 2 + 3, 0.01);
  // EWMA .2 of +-1 ends at 1 / 9 above the mean; its variance is that of its own recursion.
  for (const amount of amounts("ewma3sigma", given)) near(amount, 2 + 3, 0.1);
});

test("quantiles of the history are quantiles, and P95 and P99 are two of them", () => {
  const prng = new Prng(5);
  const given = samples(288 * 6, () => 1 + prng.uniform());
  const { envelope } = streamOf("quantiles", given).answer(lastSeconds(given), 10);
  [1.5, 1.9, 1.95, 1.99].forEach((wanted, level) => {
    near(envelope[level] ?? 0, wanted, 0.03);
  });
  near(amounts("p95", given)[0] ?? 0, envelope[2] ?? 0, 1e-12);
  near(amounts("p99", given)[0] ?? 0, envelope[3] ?? 0, 1e-12);
  const [sigma = 0, p95 = 0] = [amounts("nsigma", given)[0], amounts("p95", given)[0]];
  near(amounts("nsigma-p95", given)[0] ?? 0, Math.max(sigma, p95), 1e-12);
});

test("the clock predictors look at the hours of the restart", () => {
  // At 9 o'clock UTC the load is 5 plus the number of the day, else 1; the cut is at 8:59:59.
  const count = 288 * 9 + 9 * 12 - 1;
  const given = samples(count, (index) => {
    const hour = Math.floor((index + 1) / 12);
    return hour % 24 === 9 ? 5 + Math.floor(hour / 24) : 1;
  });
  const answer = (name: BaselineName) =>
    streamOf(name, given).answer(lastSeconds(given), 10).envelope[0] ?? 0;
  near(answer("yesterday"), 5 + 8, 0.05);
  near(answer("clock-week"), 5 + 8, 0.05);
  near(answer("max1h"), 1, 0.05);
});

test("2 to the power of x is exact at whole numbers and within 2 ULP between", () => {
  const prng = new Prng(9);
  for (let n = -60; n <= 60; n++) assert.is(exp2(n), 2 ** n);
  for (let draw = 0; draw < 2_000; draw++) {
    const x = 220 * (prng.uniform() - 0.5);
    near(exp2(x), 2 ** x, 4.5e-16);
  }
});

/** VPA's cpu and memory targets from all samples at once, straight from its definition. */
function vpaTarget(
  given: readonly (readonly [seconds: number, value: number])[],
  first: number,
): number {
  const weights = new Map<number, number>();
  const start = given[0]?.[0] ?? 0;
  for (const [seconds, value] of given) {
    const bucket = Math.floor(Math.log((value * 0.05) / first + 1) / Math.log(1.05));
    weights.set(bucket, (weights.get(bucket) ?? 0) + 2 ** ((seconds - start) / 86_400));
  }
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  let below = 0;
  for (const bucket of [...weights.keys()].sort((a, b) => a - b)) {
    below += weights.get(bucket) ?? 0;
    if (below >= 0.9 * total) return ((first * (1.05 ** (bucket + 1) - 1)) / 0.05) * 1.15;
  }
  return Number.NaN;
}

test("VPA: P90 of decayed cpu, of decayed daily peaks of memory, + 15 %, end of the bucket", () => {
  const prng = new Prng(4);
  const vpa = new VpaPredictor(3);
  const cpu: [number, number][] = [];
  const memory: [number, number][] = [];
  const day = 86_400;
  // 130 days, so that the reference time moves once on the way.
  for (let index = 0; index < 130 * 48; index++) {
    const seconds = 1_000_000 + index * 1_800;
    const load = 0.5 + 3 * prng.uniform() ** 2 + Math.floor(index / 480) * 0.1;
    const used = 1 + 6 * prng.uniform() ** 4;
    vpa.observe(1, seconds, [load, used, Number.NaN, 0]);
    cpu.push([seconds, load]);
    const end = 1_000_000 + (Math.floor((seconds - 1_000_000) / day) + 1) * day;
    const peak = memory.at(-1);
    if (peak === undefined || peak[0] !== end) memory.push([end, used]);
    else peak[1] = Math.max(peak[1], used);
    if (index % 700 !== 699) continue;
    const rows = vpa.predict(1);
    near(rows[2] ?? 0, vpaTarget(cpu, 0.01), 1e-9);
    near(rows[QUANTILE_COUNT] ?? 0, vpaTarget(memory, 1e7 / 2 ** 30), 1e-9);
    assert.ok(Number.isNaN(rows[2 * QUANTILE_COUNT]), "network was never seen");
  }
  assert.ok(vpa.predict(0).every(Number.isNaN));
  vpa.reset(1);
  assert.ok(vpa.predict(1).every(Number.isNaN));
});

test("the profiler answers with the chosen predictor and names it, as the stream does", async () => {
  const prng = new Prng(8);
  const given = samples(120, () => 4 * prng.uniform());
  const weights = untrainedWeights(4);
  for (const predictor of PREDICTOR_NAMES) {
    const clock = new VirtualClock(START_MS + 86_400_000);
    const options = { maxInstances: 8, weights, workers: 0, clock, predictor };
    const profiler = Profiler.open({ ...options, beside: ["vpa"] });
    const stream = new InstanceStream(weights, { predictor });
    stream.setLimits(LIMITS);
    const who = { instanceId: "vm", groupId: "g", nodeId: "n", priority: 0, interruptible: true };
    profiler.register({ ...who, limits: LIMITS });
    for (const sample of given) {
      profiler.offer(sample);
      stream.push(sample);
    }
    await profiler.tick();
    const profile = profiler.profile("vm", { outageMinutes: 30, beside: "vpa" });
    const answer = stream.answer(lastSeconds(given), 30);
    assert.is(profile.rung, predictor === "network" ? 0 : 2, predictor);
    assert.is(profile.modelVersion, predictor === "network" ? weights.version : predictor);
    assert.equal([...profile.envelope], [...answer.envelope], predictor);
    assert.equal([...profile.keepNeed], [...answer.keepNeed], predictor);
    assert.is(profile.beside?.predictor, "vpa");
    if (predictor === "vpa") assert.equal(profile.beside?.envelope, profile.envelope);
    else assert.not.equal(profile.beside?.envelope, profile.envelope);
    await profiler.close();
  }
});

test("a predictor beside takes nothing from the answer; one that needs its own state says so", async () => {
  const clock = new VirtualClock(START_MS + 86_400_000);
  const profiler = Profiler.open({
    maxInstances: 8,
    weights: untrainedWeights(4),
    workers: 0,
    clock,
  });
  const who = { instanceId: "vm", groupId: "g", nodeId: "n", priority: 0, interruptible: true };
  profiler.register(who);
  for (const sample of samples(40, (index) => index)) profiler.offer(sample);
  await profiler.tick();
  const { beside, ...profile } = profiler.profile("vm", { beside: "max24h" });
  assert.equal(profile, profiler.profile("vm"));
  assert.is(beside?.rung, 2);
  near(beside?.envelope[0] ?? 0, 39, 0.05);
  const code = (call: () => unknown) => {
    try {
      call();
    } catch (error) {
      return isRepriseError(error) ? error.code : String(error);
    }
    return "accepted";
  };
  assert.is(
    code(() => profiler.profile("vm", { beside: "vpa" })),
    "ERR_STATE",
  );
  const unknown = "oracle" as "vpa";
  assert.is(
    code(() => profiler.profile("vm", { beside: unknown })),
    "ERR_ARGUMENT",
  );
  assert.is(
    code(() => new InstanceStream(null, { predictor: unknown })),
    "ERR_ARGUMENT",
  );
  await profiler.close();
});

test("a slot's next tenant inherits nothing, and little history falls down the ladder", async () => {
  const clock = new VirtualClock(START_MS + 86_400_000);
  const options = { maxInstances: 1, weights: null, workers: 0, clock };
  const profiler = Profiler.open({ ...options, predictor: "vpa" });
  const who = { groupId: "g", nodeId: "n", priority: 0, interruptible: true };
  profiler.register({ ...who, instanceId: "vm" });
  for (const sample of samples(40, () => 50)) profiler.offer(sample);
  await profiler.tick();
  assert.ok(profiler.profile("vm").predictedCpuCores > 50);
  profiler.unregister("vm");
  profiler.register({ ...who, instanceId: "new", requested: { cpu: 3 } });
  for (const sample of samples(11, () => 1)) profiler.offer({ ...sample, instanceId: "new" });
  await profiler.tick();
  assert.is(profiler.profile("new").rung, 3);
  assert.is(profiler.profile("new").modelVersion, "vpa");
  const more = { ...samples(12, () => 1)[11], instanceId: "new" } as Sample;
  profiler.offer(more);
  await profiler.tick();
  const { rung, predictedCpuCores } = profiler.profile("new");
  assert.is(rung, 2);
  near(predictedCpuCores, 1.15 * 1.025, 0.03);
  await profiler.close();
});

test.run();
