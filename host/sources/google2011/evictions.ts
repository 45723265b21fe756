import type { TraceInput } from "../text/table-source.js";
import { readTaskEvents, type TaskEvent } from "./task-events.js";

/** One eviction and, where the trace shows it, the restart that followed. */
export interface Eviction {
  readonly taskId: string;
  readonly priority: number;
  readonly machineId: string | null;
  readonly evictedMs: number;
  /** From the eviction to the next schedule; null when the task never came back in this part. */
  readonly restartDelayMs: number | null;
  readonly restartMachineId: string | null;
}

/**
 * Evictions with their restart delays, each yielded when its task is scheduled again, those that
 * stayed down at the end. Memory grows with the tasks that are down, not with the trace.
 */
export async function* readEvictions(input: TraceInput): AsyncGenerator<Eviction> {
  const down = new Map<string, TaskEvent>();
  for await (const event of readTaskEvents(input)) {
    const evicted = down.get(event.taskId);
    if (event.kind === "evict") {
      if (evicted === undefined) down.set(event.taskId, event);
    } else if (evicted !== undefined && event.kind === "schedule") {
      down.delete(event.taskId);
      yield describe(evicted, event);
    } else if (evicted !== undefined && (event.kind === "kill" || event.kind === "finish")) {
      down.delete(event.taskId);
      yield describe(evicted, null);
    }
  }
  for (const evicted of down.values()) yield describe(evicted, null);
}

function describe(evicted: TaskEvent, restart: TaskEvent | null): Eviction {
  return {
    taskId: evicted.taskId,
    priority: evicted.priority,
    machineId: evicted.machineId,
    evictedMs: evicted.timeMs,
    restartDelayMs: restart === null ? null : restart.timeMs - evicted.timeMs,
    restartMachineId: restart?.machineId ?? null,
  };
}
