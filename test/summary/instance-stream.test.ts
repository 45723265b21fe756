import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import { InstanceStream } from "../../host/profiler/instance-stream.js";
import { Profiler } from "../../host/profiler/profiler.js";
import type { Sample } from "../../host/sources/sample.js";

const shipped = () => readWeights(present(shippedWeightsFile(), "the shipped weights"));
const START_MS = 1_380_000_000_000;
const LIMITS = { cpu: 4, memory: 16 };

/** Samples of a day, some values missing, sampled at uneven times. */
function samples(seed: number): Sample[] {
  const prng = new Prng(seed);
  let timeMs = START_MS;
  return Array.from({ length: 300 }, () => {
    timeMs += 60_000 + prng.below(10) * 60_000;
    const known = { cpuCores: prng.uniform() * 4, networkMbps: prng.uniform() * 50 };
    const memory = prng.below(10) === 0 ? {} : { memoryGiB: 2 + prng.uniform() };
    return { instanceId: "vm", timeMs, ...known, ...memory, disk: prng.uniform() };
  });
}

const test = suite("instance stream");

for (const withNetwork of [true, false]) {
  test(`answers as the profiler does, ${withNetwork ? "with" : "without"} a network`, async () => {
    const weights = withNetwork ? shipped() : null;
    const clock = new VirtualClock(START_MS);
    // What the profiler learns from its own cuts is no part of the path that both share.
    const shadowCutsPerTick = 0;
    const profiler = Profiler.open({
      maxInstances: 8,
      weights,
      workers: 0,
      clock,
      shadowCutsPerTick,
    });
    const stream = new InstanceStream(weights);
    const registration = { instanceId: "vm", groupId: "g", nodeId: "n", priority: 0 };
    profiler.register({ ...registration, interruptible: true, limits: LIMITS });
    stream.setLimits(LIMITS);
    for (const [index, sample] of samples(3).entries()) {
      clock.advanceTo(sample.timeMs);
      if (index === 200) {
        profiler.restarted("vm", sample.timeMs - 30_000);
        stream.restarted(sample.timeMs - 30_000);
      }
      profiler.offer(sample);
      stream.push(sample);
      await profiler.tick();
      if (index % 20 !== 19) continue;
      const wanted = profiler.profile("vm", { outageMinutes: 15 });
      const got = stream.answer(sample.timeMs / 1_000, 15);
      assert.is(got.rung, wanted.rung);
      assert.equal([...got.envelope], [...wanted.envelope], `sample ${index}`);
      assert.equal([...got.keepNeed], [...wanted.keepNeed], `sample ${index}`);
    }
    await profiler.close();
  });
}

test("asking changes nothing, and time does", () => {
  const stream = new InstanceStream(shipped());
  const twin = new InstanceStream(shipped());
  let last = 0;
  for (const sample of samples(5)) {
    stream.push(sample);
    twin.push(sample);
    last = sample.timeMs / 1_000;
    stream.answer(last + 17, 5);
  }
  assert.equal(stream.answer(last + 100, 10), twin.answer(last + 100, 10));
  assert.not.equal(stream.answer(last + 40_000, 10), twin.answer(last + 100, 10));
});

test("a sample or a question from the past is refused and changes nothing", () => {
  const stream = new InstanceStream(null);
  const [first, second] = samples(6) as [Sample, Sample];
  stream.push(second);
  const before = stream.answer(second.timeMs / 1_000, 5);
  const refused = (call: () => unknown, code: string) => {
    try {
      call();
    } catch (error) {
      assert.is(isRepriseError(error) && error.code, code);
      return;
    }
    assert.unreachable("accepted");
  };
  refused(() => stream.push(first), "ERR_SAMPLE");
  refused(() => stream.push(second), "ERR_SAMPLE");
  refused(() => stream.push({ ...second, timeMs: Number.NaN }), "ERR_SAMPLE");
  refused(() => stream.answer(first.timeMs / 1_000, 5), "ERR_ARGUMENT");
  refused(() => stream.answer(second.timeMs / 1_000, Number.NaN), "ERR_ARGUMENT");
  refused(() => stream.answer(second.timeMs / 1_000, 1e9), "ERR_ARGUMENT");
  refused(() => stream.answer(Number.POSITIVE_INFINITY, 5), "ERR_ARGUMENT");
  assert.equal(stream.answer(second.timeMs / 1_000, 5), before);
});

test.run();
