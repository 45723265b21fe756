/**
 * One fleet, one profiler: what do ticks cost in time, memory, garbage and pauses?
 *
 *     node --expose-gc build/js/bench/fleet.js [INSTANCES] [WORKERS] [tick|demand] [TICKS] [JOURNAL_TILES]
 *
 * Goals: the figures that `tick.bench.ts` cannot give, since it holds several fleets at once: a
 * million instances, bytes of the whole process, the coordinator thread's pauses while workers
 * compute, garbage a sample. Non-goals: comparing variants within one run.
 *
 * A pause is how much later than asked a timer of 1 ms comes. Every figure is the middle one of the
 * ticks after the first two, with the best tick's beside it: other load only makes it worse. The
 * processor's time of all threads hardly counts what other programs take.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { present } from "../host/lib/assert.js";
import { VirtualClock } from "../host/lib/clock.js";
import { Profiler } from "../host/profiler/profiler.js";
import { drawnSamples, drawnWeights, FLEET_LIMITS, FLEET_START_MS } from "./support/fleet.js";

const STEP_MS = 300_000;
const MIB = 1_048_576;

const [, , instances = "10000", workers = "2", refresh = "tick", ticks = "12", journal] =
  process.argv;
const count = Number(instances);
const clock = new VirtualClock(FLEET_START_MS + 3_650 * 86_400_000);
globalThis.gc?.();
const unused = process.memoryUsage().heapUsed;
const samples = drawnSamples(count);
globalThis.gc?.();
const before = process.memoryUsage();
/** The samples are the bench's, not the profiler's. */
const ownBytes = before.heapUsed - unused;
const profiler = Profiler.open({
  maxInstances: count,
  weights: drawnWeights(),
  workers: Number(workers),
  clock,
  refresh: refresh === "demand" ? "demand" : "tick",
  ...(journal === undefined ? {} : { journalTiles: Number(journal) }),
});
for (const { instanceId } of samples) {
  const identity = { instanceId, groupId: "g", nodeId: "n", priority: 1, interruptible: true };
  profiler.register({ ...identity, limits: FLEET_LIMITS, typicalOutageMinutes: 10 });
}

const offerMs: number[] = [];
const tickMs: number[] = [];
const cpuMs: number[] = [];
const garbage: number[] = [];
const pauseP99Ms: number[] = [];
const pauseMaxMs: number[] = [];
for (let tick = 0; tick < Number(ticks); tick++) {
  for (const sample of samples) sample.timeMs += STEP_MS;
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const started = performance.now();
  // An iterator would be garbage of the bench's own.
  for (let index = 0; index < count; index++) profiler.offer(present(samples[index], "a sample"));
  const offered = performance.now();
  const used = process.cpuUsage();
  // A monitor that was stopped counts the time until it goes on as a pause: one a tick.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await profiler.tick();
  const ended = performance.now();
  const { user, system } = process.cpuUsage(used);
  delay.disable();
  pauseP99Ms.push(delay.percentile(99) / 1e6 - 1);
  pauseMaxMs.push(delay.max / 1e6 - 1);
  garbage.push((process.memoryUsage().heapUsed - heap) / count);
  offerMs.push(offered - started);
  tickMs.push(ended - offered);
  cpuMs.push((user + system) / 1_000);
}
const after = process.memoryUsage();
await profiler.close();

const fastest = (values: readonly number[]) => Math.min(...values.slice(2)).toFixed(1);
const middle = (values: readonly number[]) => {
  const sorted = values.slice(2).sort((a, b) => a - b);
  return (sorted[sorted.length >> 1] ?? Number.NaN).toFixed(1);
};
console.log(
  [
    `${count} instances, ${workers} workers, answers by ${refresh}`,
    `offer ${middle(offerMs)} ms (fastest ${fastest(offerMs)})`,
    `tick ${middle(tickMs)} ms (fastest ${fastest(tickMs)})`,
    `its threads' time ${middle(cpuMs)} ms (least ${fastest(cpuMs)})`,
    `resident ${Math.round(after.rss / MIB)} MiB with ${Math.round(ownBytes / MIB)} of the bench`,
    `${Math.round((after.rss - before.rss) / count)} bytes an instance`,
    `heap grew ${middle(garbage)} bytes an instance and tick`,
    `pause p99 ${middle(pauseP99Ms)} ms (best tick ${fastest(pauseP99Ms)})`,
    `longest pause ${middle(pauseMaxMs)} ms (best tick ${fastest(pauseMaxMs)})`,
  ].join("; "),
);
