import type { CoreMemory } from "./core-memory.js";
import { openTileRunner } from "./open-runner.js";
import type { ProfilerOptions } from "./profiler-options.js";
import { InlineWorkers, PiscinaWorkers, type Workers } from "./workers.js";

const TASK_MS_MAX = 15_000;

/** The threads of a profiler, or the calling thread in their place. */
export function openWorkers(options: ProfilerOptions, core: CoreMemory): Workers {
  const { module, memory, plan, network, refresh } = core;
  const setup = { module, memory, plan, network, refresh };
  if (options.workers === 0) {
    const runner = openTileRunner(setup);
    return new InlineWorkers((task) => runner.run(task));
  }
  return new PiscinaWorkers({
    threadCount: options.workers,
    setup,
    taskMsMax: options.taskMsMax ?? TASK_MS_MAX,
    ...(options.workerUrl === undefined ? {} : { workerUrl: options.workerUrl }),
  });
}
