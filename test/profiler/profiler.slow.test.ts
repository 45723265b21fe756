import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(8);
const clock = new VirtualClock(FLEET_START_MS + 30 * 86_400_000);

test("a million instances fit, and those above 2 GiB have the bits of those below", async () => {
  const maxInstances = 1_048_576;
  const large = Profiler.open({ maxInstances, weights, workers: 2, clock });
  const small = Profiler.open({ maxInstances: 8, weights, workers: 0, clock });
  for (let index = 0; index < maxInstances; index++) {
    large.register({ ...registrationOf(index % 5), instanceId: `i${index}` });
  }
  const picked = [0, 7, 8, 500_000, 700_001, 1_048_568, 1_048_575];
  for (const [row, index] of picked.entries()) {
    const instanceId = `i${index}`;
    small.register({ ...registrationOf(index % 5), instanceId });
    for (let step = 0; step < 20; step++) {
      const sample = { ...sampleOf(row, step), instanceId };
      assert.is(large.offer(sample), "accepted");
      assert.is(small.offer(sample), "accepted");
    }
  }
  assert.is((await large.tick()).sampleCount, picked.length * 20);
  await small.tick();
  for (const index of picked) {
    const id = `i${index}`;
    assert.is(large.stateDigest(id), small.stateDigest(id), id);
    assert.equal(large.profile(id), small.profile(id));
    const other = { outageMinutes: 33 };
    assert.equal(large.profile(id, other), small.profile(id, other));
  }
  await large.close();
  await small.close();
});

test("forty storms of dying workers change no bit", async () => {
  const count = 48;
  const run = async (workers: number) => {
    const profiler = Profiler.open({
      maxInstances: count,
      weights,
      workers,
      clock,
      taskMsMax: 500,
      workerUrl: new URL("./dying-worker.js", import.meta.url),
    });
    let repeats = 0;
    for (let index = 0; index < count; index++) profiler.register(registrationOf(index));
    for (let step = 0; step < 8; step++) {
      for (let index = 0; index < count; index++) profiler.offer(sampleOf(index, step));
      repeats += (await profiler.tick()).repeatCount;
    }
    const digests = [...profiler.instanceIds()].map((id) => profiler.stateDigest(id));
    await profiler.close();
    return { digests, repeats };
  };
  const calm = await run(0);
  assert.is(calm.repeats, 0);
  let repeats = 0;
  for (let storm = 0; storm < 40; storm++) {
    const stormy = await run(1 + (storm % 3));
    assert.equal(stormy.digests, calm.digests, `storm ${storm}`);
    repeats += stormy.repeats;
  }
  assert.ok(repeats > 200, `only ${repeats} repeats`);
});

test.run();
