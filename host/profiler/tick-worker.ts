/** Entry of a worker thread: opens the core over the shared memory once, then runs tasks. */
import { workerData } from "node:worker_threads";
import { openTileRunner } from "./open-runner.js";
import type { TileRunner } from "./tile-runner.js";
import type { TickTask, WorkerSetup } from "./workers.js";

let runner: TileRunner | undefined;

export default function runTick(task: TickTask): number {
  runner ??= openTileRunner(workerData as WorkerSetup);
  try {
    return runner.run(task);
  } catch (cause) {
    // After a trap the instance is not to be used again.
    runner = undefined;
    throw cause;
  }
}
