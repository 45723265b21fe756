import { openKernel } from "../core/kernel.js";
import { CoreViews } from "../core/views.js";
import { TileRunner, type TileRunnerParts } from "./tile-runner.js";
import type { WorkerSetup } from "./workers.js";

/** Opens the core over a shared memory on the calling thread. */
export function openTileRunner(setup: WorkerSetup, onStep?: TileRunnerParts["onStep"]): TileRunner {
  return new TileRunner({
    kernel: openKernel(setup.module, setup.memory),
    views: new CoreViews(setup.memory),
    plan: setup.plan,
    network: setup.network,
    refresh: setup.refresh,
    ...(onStep === undefined ? {} : { onStep }),
  });
}
