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

test.run();
