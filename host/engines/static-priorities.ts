/** Priorities that are told once and changed by hand; the simplest provider. */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { PriorityProvider } from "./engine.js";

export class StaticPriorities implements PriorityProvider {
  readonly #priorities = new Map<string, number>();

  /** @throws ERR_ARGUMENT when a priority is not a finite number, ERR_LIMIT when there are too many */
  constructor(priorities: Iterable<readonly [string, number]> = []) {
    for (const [instanceId, priority] of priorities) this.set(instanceId, priority);
  }

  set(instanceId: string, priority: number): void {
    if (!Number.isFinite(priority)) {
      throw new RepriseError("ERR_ARGUMENT", `the priority of ${instanceId}`, {
        got: priority,
        expected: "a finite number",
      });
    }
    if (!this.#priorities.has(instanceId) && this.#priorities.size >= LIMITS.instancesMax) {
      throw new RepriseError("ERR_LIMIT", "priorities", {
        got: this.#priorities.size + 1,
        expected: `at most ${LIMITS.instancesMax}`,
      });
    }
    this.#priorities.set(instanceId, priority);
  }

  remove(instanceId: string): void {
    this.#priorities.delete(instanceId);
  }

  priorityOf(instanceId: string): number | undefined {
    return this.#priorities.get(instanceId);
  }
}
