/**
 * What does one answer cost when nobody prepared it?
 *
 *     node build/js/bench/cold-answer.js [INSTANCES] [ANSWERS]
 *
 * Goals: `Profiler.profile` of single instances in random order, each for an outage that the tick did
 * not assume, so that the features for that outage, the head and the envelope are computed for it
 * alone; the fleet is larger than the caches. Beside it the published answer, which is only read. The
 * target is 20 us. Non-goals: the tick.
 */
import { VirtualClock } from "../host/lib/clock.js";
import { Prng } from "../host/lib/prng.js";
import { shippedWeightsFile } from "../host/model/shipped-weights.js";
import { readWeights } from "../host/model/weights.js";
import { Profiler } from "../host/profiler/profiler.js";
import { drawnSamples, drawnWeights, FLEET_LIMITS, FLEET_START_MS } from "./support/fleet.js";

const [, , first = "10000", second = "20000"] = process.argv;
const STEPS = 24;
const STEP_MS = 300_000;
/** Answers timed together: a clock read is dear beside one. */
const BLOCK = 20;
/** Other than the default of the tick. */
const OUTAGE_MINUTES = 17;

async function openFleet(count: number): Promise<Profiler> {
  const clock = new VirtualClock(FLEET_START_MS + 2 * STEPS * STEP_MS);
  const file = shippedWeightsFile();
  const weights = file === undefined ? drawnWeights() : readWeights(file);
  const profiler = Profiler.open({ maxInstances: count, weights, workers: 0, clock });
  const samples = drawnSamples(count);
  for (const { instanceId } of samples) {
    const place = { groupId: "g", nodeId: "n", priority: 0, interruptible: true };
    profiler.register({ instanceId, ...place, limits: FLEET_LIMITS });
  }
  for (let step = 0; step < STEPS; step++) {
    for (const sample of samples) {
      profiler.offer({ ...sample, timeMs: sample.timeMs + step * STEP_MS });
    }
    await profiler.tick();
  }
  return profiler;
}

/** Microseconds an answer, one a block, sorted. */
function time(profiler: Profiler, ids: readonly string[], outageMinutes?: number): Float64Array {
  const options = outageMinutes === undefined ? {} : { outageMinutes };
  const blocks = new Float64Array(Math.floor(ids.length / BLOCK));
  for (let block = 0; block < blocks.length; block++) {
    const started = performance.now();
    for (let index = 0; index < BLOCK; index++) {
      profiler.profile(ids[block * BLOCK + index] ?? "", options);
    }
    blocks[block] = ((performance.now() - started) * 1_000) / BLOCK;
  }
  return blocks.sort();
}

const prng = new Prng(3);
const count = Number(first);
const ids = Array.from({ length: Number(second) }, () => `instance-${prng.below(count)}`);
const profiler = await openFleet(count);
const rung = profiler.profile(ids[0] ?? "", { outageMinutes: OUTAGE_MINUTES }).rung;
console.log(`${count} instances, ${ids.length} answers at rung ${rung}, us an answer`);
for (const [name, outage] of [
  ["published", undefined],
  ["another outage", OUTAGE_MINUTES],
] as const) {
  time(profiler, ids.slice(0, 2_000), outage);
  const blocks = time(profiler, ids, outage);
  const at = (share: number) => (blocks[Math.floor(share * (blocks.length - 1))] ?? 0).toFixed(1);
  console.log(`${name}: least ${at(0)}, median ${at(0.5)}, .9 ${at(0.9)}, .99 ${at(0.99)}`);
}
await profiler.close();
