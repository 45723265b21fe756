/** A tick worker that throws in the second tick whenever it is given a task of the first slice. */
import { workerData } from "node:worker_threads";
import { openTileRunner } from "../../host/profiler/open-runner.js";
import type { TickTask, WorkerSetup } from "../../host/profiler/workers.js";

const runner = openTileRunner(workerData as WorkerSetup);

export default function runTick(task: TickTask): number {
  if (task.tick === 2 && task.slice === 0) throw new Error("refuses the first slice");
  return runner.run(task);
}
