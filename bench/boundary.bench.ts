/**
 * What does it cost to cross into the core, and to hand a task to a worker thread?
 *
 * Goals: the price of one empty call, with the loader's wrapper and without; of one piscina round
 * trip with an integer task, awake and over shared memory. Non-goals: the price of any work.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { compileBinary } from "../host/core/binary.js";
import { openKernel } from "../host/core/kernel.js";
import { VirtualClock } from "../host/lib/clock.js";
import { openCoreMemory } from "../host/profiler/core-memory.js";
import { Profiler } from "../host/profiler/profiler.js";
import { TickControl } from "../host/profiler/tick-control.js";
import { PiscinaWorkers } from "../host/profiler/workers.js";
import { type BenchCase, benchMain } from "./support/harness.js";

const CALLS = 1_000;

await benchMain({
  name: "boundary",
  question: "What does it cost to cross into the core, and to hand a task to a worker thread?",
  binaries: ["shared"],
  cases: () => [emptyCall(), roundTrip(), emptyTick()],
});

/** As the loader gives it, which wraps each export. */
type Wrapped = { abiVersion(): number };

function emptyCall(): BenchCase {
  return {
    name: `${CALLS} empty calls`,
    unit: "calls",
    unitsPerCall: CALLS,
    tolerance: 0,
    rival: "plain JavaScript function",
    open: () => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const module = compileBinary("shared");
      const raw = openKernel(module, memory).abiVersion;
      const wrapped = instantiateSync<Wrapped>(module, { env: { memory } }).exports.abiVersion;
      let plainVersion = 1;
      const plain = () => plainVersion;
      const variant = (name: string, target: () => number) => {
        let sum = 0;
        const call = () => {
          sum = 0;
          for (let count = 0; count < CALLS; count++) sum += target();
        };
        return { name, call, output: () => [sum] };
      };
      plainVersion = wrapped();
      return {
        variants: [
          variant("export through the loader's wrapper", wrapped),
          variant("raw export", raw),
          variant("plain JavaScript function", plain),
        ],
      };
    },
  };
}

function roundTrip(): BenchCase {
  return {
    name: "task round trip",
    unit: "tasks",
    unitsPerCall: 1,
    tolerance: 0,
    rival: "resolved promise",
    open: () => {
      const core = openCoreMemory({ maxInstances: 8, workers: 2, weights: null });
      const { module, memory, plan, network, refresh } = core;
      const setup = { module, memory, plan, network, refresh };
      const pool = new PiscinaWorkers({ threadCount: 2, setup, taskMsMax: 60_000 });
      // No more slices come: a task ends at once.
      new TickControl(core.views, plan).end();
      const watch = { patience: 1, progress: () => Number.NaN, onLost: () => {} };
      let failures = 0;
      const run = (count: number) => async () => {
        const tasks = Array.from({ length: count }, (_, index) => ({
          tick: 0,
          from: 0,
          scratchIndex: index,
        }));
        failures = (await pool.run(tasks, watch)).length;
      };
      const output = () => [failures];
      return {
        variants: [
          { name: "one integer task", call: run(1), async: true, output },
          { name: "two integer tasks", call: run(2), async: true, output },
          { name: "resolved promise", call: () => Promise.resolve(), async: true, output },
        ],
        close: () => pool.close(),
      };
    },
  };
}

function emptyTick(): BenchCase {
  return {
    name: "tick without news",
    unit: "ticks",
    unitsPerCall: 1,
    tolerance: 0,
    rival: "1,000,000 slots",
    open: () => {
      const clock = new VirtualClock(1);
      const openOver = (maxInstances: number) =>
        Profiler.open({ maxInstances, workers: 0, weights: null, clock });
      const small = openOver(8);
      const large = openOver(1_000_000);
      let samples = 0;
      const tick = (profiler: Profiler) => async () => {
        samples = (await profiler.tick()).sampleCount;
      };
      const output = () => [samples];
      return {
        variants: [
          { name: "8 slots", call: tick(small), async: true, output },
          { name: "1,000,000 slots", call: tick(large), async: true, output },
        ],
        close: async () => {
          await small.close();
          await large.close();
        },
      };
    },
  };
}
