/**
 * A tick worker that stops for ever in the middle of a tile, or throws there, a limited number of
 * times over all threads. The pool's deadline then ends the thread for real.
 */
import { threadId, workerData } from "node:worker_threads";
import { CoreViews } from "../../host/core/views.js";
import { Prng } from "../../host/lib/prng.js";
import { openTileRunner } from "../../host/profiler/open-runner.js";
import type { TickTask, WorkerSetup } from "../../host/profiler/workers.js";

const HANGS_MAX = 4;
const THROWS_MAX = 30;
/** Words of the control region that the profiler leaves alone: deaths so far, over all threads. */
const HANGS_WORD = 14;
const THROWS_WORD = 15;

const setup = workerData as WorkerSetup;
const { i32 } = new CoreViews(setup.memory);
const control = setup.plan.control.ptr / 4;
const prng = new Prng(threadId);

function mayDie(): void {
  const draw = prng.below(400);
  if (draw < 2 && Atomics.add(i32, control + HANGS_WORD, 1) < HANGS_MAX) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  if (draw > 380 && Atomics.add(i32, control + THROWS_WORD, 1) < THROWS_MAX) {
    throw new Error("died in the middle of a tile");
  }
}

const runner = openTileRunner(setup, mayDie);

export default function runTick(task: TickTask): number {
  return runner.run(task);
}
