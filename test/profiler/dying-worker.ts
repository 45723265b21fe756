/**
 * A tick worker that stops for ever in the middle of a tile, or throws there, a limited number of
 * times over all threads. The pool's deadline then ends the thread for real.
 */
import { threadId, workerData } from "node:worker_threads";
import { CoreViews } from "../../host/core/views.js";
import { Prng } from "../../host/lib/prng.js";
import { openTileRunner } from "../../host/profiler/open-runner.js";
import type { TileStep } from "../../host/profiler/tile-runner.js";
import type { TickTask, WorkerSetup } from "../../host/profiler/workers.js";

const HANGS_MAX = 4;
const THROWS_MAX = 30;
/** Deaths in a row without a tile done; one more and the tick may rightly give up. */
const ROW_MAX = 2;
/** Words of the control region that the profiler leaves alone, counted over all threads. */
const ROW_WORD = 13;
const HANGS_WORD = 14;
const THROWS_WORD = 15;

const setup = workerData as WorkerSetup;
const { i32 } = new CoreViews(setup.memory);
const control = setup.plan.control.ptr / 4;
const prng = new Prng(threadId);

/** Takes one of `max` permits. */
function take(word: number, max: number): boolean {
  return Atomics.add(i32, control + word, 1) < max;
}

function mayDie(step: TileStep): void {
  if (step === "done") Atomics.store(i32, control + ROW_WORD, 0);
  const draw = prng.below(400);
  const hangs = draw < 2;
  if (!hangs && draw < 380) return;
  if (
    !take(ROW_WORD, ROW_MAX) ||
    !take(hangs ? HANGS_WORD : THROWS_WORD, hangs ? HANGS_MAX : THROWS_MAX)
  ) {
    return;
  }
  if (hangs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("died in the middle of a tile");
}

const runner = openTileRunner(setup, mayDie);

export default function runTick(task: TickTask): number {
  return runner.run(task);
}
