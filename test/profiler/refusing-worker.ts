/** A tick worker that throws in the second tick whenever it takes an item of the first slice. */
import { workerData } from "node:worker_threads";
import { openTileRunner } from "../../host/profiler/open-runner.js";
import type { TickTask, WorkerSetup } from "../../host/profiler/workers.js";

const setup = workerData as WorkerSetup;
let tick = 0;

const runner = openTileRunner(setup, (_step, item) => {
  if (tick === 2 && item < setup.plan.journalTiles) throw new Error("refuses the first slice");
});

export default function runTick(task: TickTask): number {
  tick = task.tick;
  return runner.run(task);
}
