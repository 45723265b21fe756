import { test } from "uvu";
import * as assert from "uvu/assert";
import { ENVELOPE_ROWS, QUANTILES, RESOURCES } from "../../host/core/abi.js";
import { present } from "../../host/lib/assert.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler } from "../../host/profiler/profiler.js";
import {
  type ReferenceAnswer,
  ReferenceInstance,
  referenceSample,
} from "../../host/profiler/reference-instance.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(2);
const clock = new VirtualClock(FLEET_START_MS + 30 * 86_400_000);
const COUNT = 13;

interface Pair {
  readonly id: string;
  readonly reference: ReferenceInstance;
  readonly outageMinutes: number;
}

/** A profiler and float64 references that took the same samples. */
async function feed(steps: number): Promise<{ profiler: Profiler; pairs: Pair[] }> {
  const profiler = Profiler.open({ maxInstances: COUNT, weights, workers: 0, clock });
  const pairs: Pair[] = [];
  for (let index = 0; index < COUNT; index++) {
    const registration = registrationOf(index);
    profiler.register(registration);
    const caps = RESOURCES.map((resource) => registration.limits?.[resource] ?? Number.NaN);
    const reference = new ReferenceInstance(weights, caps, registration.jobType);
    for (let step = 0; step < steps; step++) {
      const sample = sampleOf(index, step);
      profiler.offer(sample);
      reference.take(referenceSample(sample, step === 0));
    }
    const outageMinutes = registration.typicalOutageMinutes ?? 0;
    pairs.push({ id: registration.instanceId, reference, outageMinutes });
  }
  await profiler.tick();
  return { profiler, pairs };
}

function network(profiler: Profiler, id: string, outageMinutes: number): ReferenceAnswer {
  return present(profiler.networkAnswer(id, outageMinutes), "the network's answer");
}

/** Largest difference, relative above 1. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < a.length; index++) {
    const [x, y] = [a[index] ?? Number.NaN, b[index] ?? Number.NaN];
    const each = Math.abs(x - y) / Math.max(1, Math.abs(y));
    if (!(each <= largest)) largest = each;
  }
  return largest;
}

function compare(found: ReferenceAnswer, expected: ReferenceAnswer, what: string): void {
  const envelope = difference(found.envelope, expected.envelope);
  const keepNeed = difference(found.keepNeed, expected.keepNeed);
  assert.ok(envelope < 2e-3, `${what}: envelope differs by ${envelope}`);
  assert.ok(keepNeed < 2e-3, `${what}: keep-need differs by ${keepNeed}`);
}

for (const steps of [1, 2, 30, 300]) {
  test(`after ${steps} samples the answers agree with float64, for any outage`, async () => {
    const { profiler, pairs } = await feed(steps);
    for (const { id, reference, outageMinutes } of pairs) {
      compare(
        network(profiler, id, outageMinutes),
        reference.answer(outageMinutes),
        `${id} published`,
      );
      for (const outage of [0, 5, 47.5, 1_440]) {
        const found = network(profiler, id, outage);
        compare(found, reference.answer(outage), `${id} outage ${outage}`);
      }
    }
    await profiler.close();
  });
}

test("outcomes shift the quantiles of the next tick, keep-need stays", async () => {
  const { profiler, pairs } = await feed(20);
  const predicted = new Array<number>(ENVELOPE_ROWS).fill(1);
  const peaks = new Array<number>(12).fill(2);
  const offsets = new Float64Array(ENVELOPE_ROWS);
  for (let count = 0; count < 20; count++) {
    profiler.outcome({ instanceId: "i1", restartedMs: FLEET_START_MS, peaks, predicted });
    for (const [row, level] of offsets.entries()) {
      offsets[row] = level + 0.05 * (QUANTILES[row % 4] ?? 0);
    }
  }
  const before = network(profiler, "i1", 15);
  for (const [index, { reference }] of pairs.entries()) {
    const sample = sampleOf(index, 20);
    profiler.offer(sample);
    reference.take(referenceSample(sample, false));
  }
  assert.equal(network(profiler, "i1", 15), before);
  await profiler.tick();
  for (const { id, reference, outageMinutes } of pairs) {
    const expected = reference.answer(outageMinutes, offsets.map(Math.fround));
    compare(network(profiler, id, outageMinutes), expected, id);
  }
  await profiler.close();
});

test("answers on demand have the bits of those of the tick", async () => {
  const profilers = (["tick", "demand"] as const).map((refresh) =>
    Profiler.open({ maxInstances: COUNT, weights, workers: 0, clock, refresh }),
  );
  for (const profiler of profilers) {
    for (let index = 0; index < COUNT; index++) profiler.register(registrationOf(index));
  }
  for (let step = 0; step < 20; step++) {
    for (const profiler of profilers) {
      // Every third instance is left out now and then: a tile has lanes without news.
      for (let index = 0; index < COUNT; index++) {
        if ((index + step) % 3 > 0) profiler.offer(sampleOf(index, step));
      }
      await profiler.tick();
    }
    for (let index = 0; index < COUNT; index++) {
      const { instanceId, typicalOutageMinutes = 10 } = registrationOf(index);
      for (const outage of [typicalOutageMinutes, 0, 90]) {
        const [ticked, asked] = profilers.map((each) => each.networkAnswer(instanceId, outage));
        assert.equal(asked, ticked, `${instanceId}, step ${step}, outage ${outage}`);
      }
    }
  }
  for (const profiler of profilers) await profiler.close();
});

test("another way to refresh is refused", () => {
  const options = { maxInstances: 8, weights, workers: 0, clock, refresh: "never" as "tick" };
  assert.throws(() => Profiler.open(options), /refresh/);
});

test.run();
