import { test } from "uvu";
import * as assert from "uvu/assert";
import { envelopeRow, RESOURCES } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Profiler, type ProfilerOptions } from "../../host/profiler/profiler.js";
import type { InstanceRegistration } from "../../host/sources/sample.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(4);
const LEVELS = { cpu: 2, memory: 3, network: 2, disk: 2 } as const;

function open(options: Partial<ProfilerOptions> = {}): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 30 * 86_400_000);
  return Profiler.open({ maxInstances: 16, weights, workers: 0, clock, ...options });
}

async function feed(profiler: Profiler, index: number, steps: readonly [number, number]) {
  for (let step = steps[0]; step < steps[1]; step++) {
    assert.is(profiler.offer(sampleOf(index, step)), "accepted");
  }
  await profiler.tick();
}

function registered(profiler: Profiler, index: number, change: Partial<InstanceRegistration> = {}) {
  profiler.register({ ...registrationOf(index), ...change });
  return `i${index}`;
}

test("an instance climbs the ladder: limit, population, network; a restart keeps it there", async () => {
  const profiler = open({ populationPrior: null });
  const first = registered(profiler, 1);
  const unknown = profiler.profile(first);
  assert.is(unknown.rung, 4);
  assert.is(unknown.lastUpdatedMs, null);
  assert.is(unknown.predictedCpuCores, registrationOf(1).limits?.cpu);
  assert.is(unknown.samplesInIncarnation, 0);
  await feed(profiler, 1, [0, 12]);
  const known = profiler.profile(first);
  assert.is(known.rung, 0);
  assert.is(known.lastUpdatedMs, sampleOf(1, 11).timeMs);
  assert.is(known.modelVersion, "untrained@4");
  assert.is(known.samplesInIncarnation, 12);
  const second = registered(profiler, 2);
  await feed(profiler, 2, [0, 3]);
  assert.is(profiler.profile(second).rung, 3);

  profiler.stopped(first, sampleOf(1, 11).timeMs + 1, "interrupted");
  profiler.restarted(first, sampleOf(1, 20).timeMs);
  assert.is(profiler.profile(first).incarnation, 1);
  await feed(profiler, 1, [21, 22]);
  const back = profiler.profile(first);
  assert.equal([back.rung, back.incarnation, back.samplesInIncarnation], [0, 2, 1]);
  await profiler.close();
});

test("without a network the instance's own statistics answer", async () => {
  const profiler = open({ weights: null });
  const id = registered(profiler, 0);
  await feed(profiler, 0, [0, 40]);
  const profile = profiler.profile(id);
  assert.is(profile.rung, 2);
  assert.is(profile.modelVersion, "none");
  assert.is(profile.trackerCount, 0);
  assert.is(profiler.networkAnswer(id, 10), null);
  assert.ok(profile.predictedCpuCores > 0.2 && profile.predictedMemoryGiB > 1);
  await profiler.close();
});

test("the single numbers are the highest phase at the level of the grant", async () => {
  const profiler = open();
  const id = registered(profiler, 1);
  await feed(profiler, 1, [0, 30]);
  const profile = profiler.profile(id);
  const found = [
    profile.predictedCpuCores,
    profile.predictedMemoryGiB,
    profile.predictedNetworkMbps,
    profile.predictedDiskIops,
  ];
  const expected = RESOURCES.map((resource, index) =>
    Math.max(
      ...[0, 1, 2].map(
        (phase) => profile.envelope[envelopeRow(index, phase, LEVELS[resource])] ?? 0,
      ),
    ),
  );
  assert.equal(found, expected);
  await profiler.close();
});

test("an outage asked for on demand gives the bits that a tick for it publishes", async () => {
  const published = open();
  const asked = open();
  for (let index = 0; index < 8; index++) {
    registered(published, index, { typicalOutageMinutes: 25 });
    registered(asked, index, { typicalOutageMinutes: 5 });
    await feed(published, index, [0, 20]);
    await feed(asked, index, [0, 20]);
  }
  for (let index = 0; index < 8; index++) {
    const id = `i${index}`;
    const onDemand = asked.profile(id, { outageMinutes: 25 });
    assert.equal(onDemand, published.profile(id));
    assert.not.equal(onDemand.envelope, asked.profile(id).envelope);
    assert.is(asked.profile(id).outageMinutes, 5);
  }
  await published.close();
  await asked.close();
});

test("new limits and a new outage hold at once, before the next tick", async () => {
  const profiler = open();
  const id = registered(profiler, 1);
  await feed(profiler, 1, [0, 20]);
  const before = profiler.profile(id);
  registered(profiler, 1, { limits: { cpu: 0.125 }, typicalOutageMinutes: 60 });
  const after = profiler.profile(id);
  assert.is(after.outageMinutes, 60);
  assert.is(after.predictedCpuCores, 0.125);
  assert.ok(before.predictedCpuCores > 0.125);
  assert.equal(after.lastUpdatedMs, before.lastUpdatedMs);
  await profiler.close();
});

test("only outcomes of the network count for its trackers", async () => {
  const profiler = open();
  const id = registered(profiler, 1);
  await feed(profiler, 1, [0, 20]);
  const predicted = [...profiler.profile(id).envelope];
  const outcome = {
    instanceId: id,
    restartedMs: 1,
    peaks: new Array<number>(12).fill(0),
    predicted,
  };
  profiler.outcome({ ...outcome, rung: 2 });
  assert.is(profiler.profile(id).trackerCount, 0);
  profiler.outcome({ ...outcome, rung: 0 });
  profiler.outcome(outcome);
  assert.is(profiler.profile(id).trackerCount, 2);
  await profiler.close();
});

test("unknown ids and impossible outages are typed errors", async () => {
  const profiler = open();
  registered(profiler, 0);
  const codes = [
    () => profiler.profile("nobody"),
    () => profiler.profile("i0", { outageMinutes: -1 }),
    () => profiler.profile("i0", { outageMinutes: Number.NaN }),
  ].map((body) => {
    try {
      body();
    } catch (error) {
      return isRepriseError(error) ? error.code : String(error);
    }
    return "no error";
  });
  assert.equal(codes, ["ERR_UNKNOWN_ID", "ERR_ARGUMENT", "ERR_ARGUMENT"]);
  await profiler.close();
});

test.run();
