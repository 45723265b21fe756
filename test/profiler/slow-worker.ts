/** A tick worker that takes a twentieth of a second for each tile. */
import { workerData } from "node:worker_threads";
import { openTileRunner } from "../../host/profiler/open-runner.js";
import type { TickTask, WorkerSetup } from "../../host/profiler/workers.js";

const TILE_MS = 50;
const nobody = new Int32Array(new SharedArrayBuffer(4));

const runner = openTileRunner(workerData as WorkerSetup, (step) => {
  if (step === "journaled") Atomics.wait(nobody, 0, 0, TILE_MS);
});

export default function runTick(task: TickTask): number {
  return runner.run(task);
}
