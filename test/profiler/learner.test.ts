import { test } from "uvu";
import * as assert from "uvu/assert";
import { envelopeRow, NEED_COLUMNS } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler, type ProfilerOptions } from "../../host/profiler/profiler.js";
import type { ScoredCut } from "../../host/profiler/shadow-cuts.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(3);
const STEP_MS = 300_000;
const INSTANCES = 20;

function open(options: Partial<ProfilerOptions>): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 1_000 * STEP_MS);
  return Profiler.open({ maxInstances: 32, weights, workers: 0, clock, ...options });
}

async function feed(profiler: Profiler, from: number, until: number): Promise<void> {
  for (let step = from; step < until; step++) {
    for (let index = 0; index < INSTANCES; index++) profiler.offer(sampleOf(index, step));
    await profiler.tick();
  }
}

function registerAll(profiler: Profiler): string[] {
  return Array.from({ length: INSTANCES }, (_, index) => {
    const registration = { ...registrationOf(index), jobType: index % 2 === 0 ? "web" : "batch" };
    profiler.register(registration);
    return registration.instanceId;
  });
}

async function learn(options: Partial<ProfilerOptions>) {
  const cuts: ScoredCut[] = [];
  const profiler = open({ ...options, onShadowCut: (cut) => cuts.push(cut) });
  try {
    const ids = registerAll(profiler);
    await feed(profiler, 0, 60);
    const [first = ""] = ids;
    const { envelope } = profiler.profile(first);
    const stopMs = FLEET_START_MS + 60 * STEP_MS;
    profiler.stopped(first, stopMs, "interrupted");
    profiler.restarted(first, stopMs + 1);
    await feed(profiler, 61, 74);
    profiler.outcome({
      instanceId: first,
      restartedMs: stopMs + 1,
      peaks: new Array<number>(NEED_COLUMNS).fill(1_000),
      predicted: [...envelope],
    });
    await feed(profiler, 74, 80);
    return { cuts, profiles: ids.map((id) => profiler.profile(id)) };
  } finally {
    await profiler.close();
  }
}

test("shadow cuts and restarts teach the same whatever the number of workers", async () => {
  const [alone, two] = [await learn({}), await learn({ workers: 2 })];
  assert.ok(alone.cuts.length > INSTANCES * 2, `${alone.cuts.length} cuts`);
  // As text: NaN equals itself there.
  assert.is(JSON.stringify(two.cuts), JSON.stringify(alone.cuts));
  assert.equal(two.profiles, alone.profiles);
});

test("an answer carries what it was taught by", async () => {
  const { profiles, cuts } = await learn({});
  const [first, second, third] = profiles.map(({ trackers }) => trackers);
  assert.is(first?.cuts, cuts.length);
  assert.is(first?.restarts, 1);
  assert.is(first?.typeRestarts, 1);
  assert.is(first?.surges, 1);
  assert.is(third?.surges, 1, "the same job type");
  assert.is(second?.surges, 0, "another job type");
  assert.ok((second?.instanceCuts ?? 0) > (first?.instanceCuts ?? 0), "a stop ended a cut");
});

test("a surge raises the envelope of its job type and leaves the keep-need alone", async () => {
  const size = { size: new Array<number>(16).fill(2), decayMinutes: [10, 10, 10, 10] };
  const prior = { added: size, scaled: size };
  const bare = await learn({ shadowCutsTeach: false });
  const taught = await learn({ shadowCutsTeach: false, surgePrior: prior });
  // Of the network, which has no limit.
  const at = envelopeRow(2, 0, 2);
  assert.ok((taught.profiles[2]?.envelope[at] ?? 0) > (bare.profiles[2]?.envelope[at] ?? 0));
  assert.ok((taught.profiles[2]?.settledAfterMinutes ?? 0) > 0);
  assert.is(taught.profiles[1]?.settledAfterMinutes, 0, "another job type");
  assert.equal(taught.profiles[2]?.keepNeed, bare.profiles[2]?.keepNeed);
  assert.equal(taught.profiles[1]?.envelope, bare.profiles[1]?.envelope);
});

test("without shadow cuts, and with cuts that only watch, answers keep their bits", async () => {
  const none = await learn({ shadowCutsPerTick: 0 });
  const watch = await learn({ shadowCutsTeach: false });
  assert.is(none.cuts.length, 0);
  assert.ok(watch.cuts.length > 0);
  assert.equal(watch.profiles, none.profiles);
});

/** Until the untrained network is demoted; then one of "web" and one of "batch" restarts. */
async function demote(options: Partial<ProfilerOptions>, surge: number) {
  const profiler = open(options);
  try {
    const ids = registerAll(profiler);
    const until = 220;
    await feed(profiler, 0, until);
    const [first = "", second = ""] = ids;
    const stopMs = FLEET_START_MS + until * STEP_MS;
    for (const [id, factor] of [
      [first, surge],
      [second, 1],
    ] as const) {
      const { envelope, rung } = profiler.profile(id);
      profiler.stopped(id, stopMs, "interrupted");
      profiler.restarted(id, stopMs + 1);
      const peaks = Array.from(
        { length: NEED_COLUMNS },
        (_, column) => factor * (envelope[4 * column] ?? 0),
      );
      profiler.outcome({
        instanceId: id,
        restartedMs: stopMs + 1,
        peaks,
        predicted: [...envelope],
        rung,
      });
    }
    return ids.map((id) => profiler.profile(id));
  } finally {
    await profiler.close();
  }
}

test("while the network is demoted restarts still teach, and raise what the statistics say", async () => {
  const [calm, surged] = [await demote({}, 1), await demote({}, 50)];
  const at = envelopeRow(2, 0, 2);
  for (const [index, profile] of surged.entries()) {
    assert.is(profile.rung, 2);
    assert.ok(profile.trackers?.demoted);
    assert.is(profile.trackers?.surges, 1, "both types");
    assert.is(profile.trackerCount, 2);
    const bare = calm[index];
    const raise = (profile.envelope[at] ?? 0) - (bare?.envelope[at] ?? 0);
    // The offset that all restarts share moves both types, the surge its own.
    assert.ok(index % 2 === 0 ? raise > 10 : raise > 0 && raise < 10, `${index}: ${raise}`);
    assert.equal(profile.keepNeed, bare?.keepNeed);
    if (index % 2 === 0) assert.ok((profile.settledAfterMinutes ?? 0) > 0);
    const cap = registrationOf(index).limits?.cpu ?? Infinity;
    assert.ok(profile.envelope.subarray(0, 12).every((value) => value <= cap));
  }
});

test("a predictor that was chosen is not moved, demoted network or not", async () => {
  const options = { predictor: "vpa" } as const;
  const [calm, surged] = [await demote(options, 1), await demote(options, 50)];
  assert.is(surged[0]?.rung, 2);
  assert.is(surged[0]?.trackers?.surges, 0);
  assert.is(surged[0]?.trackerCount, 0);
  assert.equal(
    surged.map(({ envelope }) => envelope),
    calm.map(({ envelope }) => envelope),
  );
});

/** What an instance that runs on is told after `count` others restarted, at once or in turn. */
async function afterRestarts(count: number, together: boolean): Promise<Float64Array> {
  const profiler = open({ shadowCutsPerTick: 0 });
  try {
    for (let index = 0; index < INSTANCES; index++) profiler.register(registrationOf(index));
    await feed(profiler, 0, 20);
    const stopMs = FLEET_START_MS + 20 * STEP_MS;
    const ids = Array.from({ length: count }, (_, index) => `i${index}`);
    const restart = (id: string) => {
      profiler.stopped(id, stopMs, "interrupted");
      profiler.restarted(id, stopMs + 1);
    };
    if (together) ids.forEach(restart);
    for (const instanceId of ids) {
      const { envelope } = profiler.profile(instanceId);
      if (!together) restart(instanceId);
      const peaks = new Array<number>(NEED_COLUMNS).fill(1_000);
      profiler.outcome({ instanceId, restartedMs: stopMs + 1, peaks, predicted: [...envelope] });
    }
    await feed(profiler, 20, 22);
    return profiler.profile(`i${INSTANCES - 1}`).envelope;
  } finally {
    await profiler.close();
  }
}

test("restarts whose hours overlap move what all share by eight steps at most", async () => {
  const at = envelopeRow(2, 0, 2);
  const told = async (count: number, together: boolean) =>
    (await afterRestarts(count, together))[at] ?? Number.NaN;
  const [none, eight] = [await told(0, true), await told(8, false)];
  assert.ok(eight > 1.2 * none, `${none}, ${eight}`);
  assert.is(await told(8, true), eight, "few take whole steps");
  const many = await told(INSTANCES - 1, true);
  assert.ok(Math.abs(many / eight - 1) < 1e-5, `${many}, ${eight}`);
  assert.ok((await told(INSTANCES - 1, false)) > 1.2 * eight);
});

test.run();
