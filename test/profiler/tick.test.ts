import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { Profiler, type ProfilerOptions } from "../../host/profiler/profiler.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(1);
const clock = new VirtualClock(FLEET_START_MS + 30 * 86_400_000);

function open(options: Partial<ProfilerOptions> = {}): Profiler {
  return Profiler.open({ maxInstances: 64, weights, workers: 0, clock, ...options });
}

/** Digests of the instances, by id. */
function digests(profiler: Profiler): Map<string, string> {
  const ids = [...profiler.instanceIds()].sort();
  return new Map(ids.map((id) => [id, profiler.stateDigest(id)]));
}

interface Run {
  readonly options?: Partial<ProfilerOptions>;
  readonly instances: readonly number[];
  readonly steps: number;
  /** Whether a tick follows after this step. */
  readonly ticksAfter?: (step: number) => boolean;
}

async function run(plan: Run): Promise<{ digests: Map<string, string>; repeats: number }> {
  const profiler = open(plan.options);
  for (const index of plan.instances) profiler.register(registrationOf(index));
  let repeats = 0;
  for (let step = 0; step < plan.steps; step++) {
    for (const index of plan.instances) {
      if ((index + step) % 9 === 0) continue;
      assert.is(profiler.offer(sampleOf(index, step)), "accepted");
    }
    const isLast = step === plan.steps - 1;
    if (!isLast && plan.ticksAfter?.(step) === false) continue;
    repeats += (await profiler.tick()).repeatCount;
  }
  const result = { digests: digests(profiler), repeats };
  await profiler.close();
  return result;
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

test("the number of workers does not change a bit", async () => {
  const inline = await run({ instances: range(50), steps: 12 });
  for (const workers of [1, 2, 3]) {
    // One slice, and several of which two are under way.
    for (const journalTiles of [8, 1 + (workers % 2)]) {
      const options = { workers, journalTiles };
      const threaded = await run({ instances: range(50), steps: 12, options });
      assert.equal(threaded.digests, inline.digests, `${workers} workers, ${journalTiles} tiles`);
    }
  }
});

test("neither do the other instances, their order, slices, or the split into ticks", async () => {
  const whole = await run({ instances: range(40), steps: 14 });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 0x7fffffff }),
      fc.integer({ min: 1, max: 5 }),
      async (seed, journalTiles) => {
        const prng = new Prng(seed);
        const instances = prng.shuffle(range(40)).slice(0, 1 + prng.below(40));
        const part = await run({
          instances,
          steps: 14,
          options: { journalTiles },
          ticksAfter: () => prng.below(3) === 0,
        });
        for (const [id, digest] of part.digests) assert.is(digest, whole.digests.get(id), id);
      },
    ),
    { numRuns: 12 },
  );
});

test("workers that die in the middle of tiles are replaced and nothing is lost", async () => {
  const plan = { instances: range(60), steps: 10, ticksAfter: (step: number) => step % 2 === 0 };
  const calm = await run(plan);
  for (const journalTiles of [8, 2]) {
    const stormy = await run({
      ...plan,
      options: {
        workers: 2,
        taskMsMax: 500,
        journalTiles,
        workerUrl: new URL("./dying-worker.js", import.meta.url),
      },
    });
    assert.ok(stormy.repeats >= 5, `only ${stormy.repeats} repeats`);
    assert.equal(stormy.digests, calm.digests);
  }
});

test("workers that are slow, and those that wait for the host, are not taken for lost", async () => {
  const plan = { instances: range(64), steps: 1 };
  const calm = await run(plan);
  const workerUrl = new URL("./slow-worker.js", import.meta.url);
  // A tick takes longer than the time after which somebody who gets nothing done is lost.
  const options = { workers: 1, journalTiles: 1, taskMsMax: 300, workerUrl };
  const slow = await run({ ...plan, options });
  assert.is(slow.repeats, 0);
  assert.equal(slow.digests, calm.digests);
  const profiler = open({ workers: 2, journalTiles: 1, taskMsMax: 300 });
  for (const index of range(64)) profiler.register(registrationOf(index));
  for (const index of range(64)) profiler.offer(sampleOf(index, 0));
  const ticking = profiler.tick();
  // The threads are there by then; the host is away for longer than any of them may be.
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(nobody, 0, 0, 400);
  }
  assert.is((await ticking).repeatCount, 0);
  await profiler.close();
});

test("a slice that fails takes back what was computed after it, and the next tick does it all", async () => {
  const calm = await run({ instances: range(64), steps: 2 });
  const workerUrl = new URL("./refusing-worker.js", import.meta.url);
  const profiler = open({ workers: 2, journalTiles: 3, workerUrl });
  for (const index of range(64)) profiler.register(registrationOf(index));
  const offer = (step: number) => {
    for (const index of range(64)) {
      if ((index + step) % 9 !== 0) profiler.offer(sampleOf(index, step));
    }
  };
  offer(0);
  await profiler.tick();
  const before = digests(profiler);
  offer(1);
  const waiting = profiler.pendingSampleCount;
  const code = await profiler.tick().catch((error) => (isRepriseError(error) ? error.code : error));
  assert.is(code, "ERR_WORKER_LOST");
  assert.is(profiler.pendingSampleCount, waiting);
  assert.equal(digests(profiler), before);
  const report = await profiler.tick();
  assert.is(report.sampleCount, waiting);
  assert.is(report.sliceCount, 3);
  assert.equal(digests(profiler), calm.digests);
  await profiler.close();
});

test("a recycled slot starts as if it had never been used", async () => {
  const fresh = await run({ instances: [3], steps: 6 });
  const profiler = open();
  for (const index of range(8)) profiler.register(registrationOf(index));
  for (let step = 0; step < 6; step++) {
    for (const index of range(8)) profiler.offer(sampleOf(index, step + 50));
    await profiler.tick();
  }
  profiler.unregister("i3");
  profiler.unregister("i5");
  profiler.register(registrationOf(3));
  for (let step = 0; step < 6; step++) {
    if ((3 + step) % 9 !== 0) profiler.offer(sampleOf(3, step));
    await profiler.tick();
  }
  assert.is(profiler.stateDigest("i3"), fresh.digests.get("i3"));
  await profiler.close();
});

test("readers see the last published tick until the next one is published", async () => {
  const profiler = open({ workers: 2 });
  for (const index of range(64)) profiler.register(registrationOf(index));
  for (let step = 0; step < 16; step++) {
    for (const index of range(64)) profiler.offer(sampleOf(index, step));
    const answers = () =>
      range(64).map((index) => [
        profiler.profile(`i${index}`),
        profiler.profile(`i${index}`, { outageMinutes: 33 }),
        profiler.networkAnswer(`i${index}`, 44),
      ]);
    const before = answers();
    const ticking = profiler.tick();
    let reads = 0;
    let isOver = false;
    void ticking.then(() => {
      isOver = true;
    });
    while (!isOver) {
      assert.equal(answers(), before);
      reads++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ticking;
    assert.ok(reads > 0);
    if (step > 0) assert.not.equal(answers(), before);
  }
  await profiler.close();
});

test.run();
