import { afterArrivals } from "../lib/clock.js";
import type { TickSlices } from "./tick.js";
import { type TickTask, type Workers, workerLost } from "./workers.js";

/** Starts in a row without a single tile done before the tick is given up. */
const STUCK_MAX = 3;

export interface TickCrewParts {
  readonly workers: Workers;
  readonly slices: TickSlices;
  readonly tick: number;
  /** More threads than tiles would have nothing to do. */
  readonly tileCount: number;
}

/**
 * The workers of one tick: one task each, from the first slice to the last. When one is lost the
 * others stop, tiles that are half written are put back, and all start again.
 */
export class TickCrew {
  readonly #parts: TickCrewParts;
  /** Of the tasks that run; undefined while none do. */
  #running: Promise<void> | undefined;
  /** Why the last tasks ended before their work did. */
  #failures: readonly unknown[] | undefined;
  #stuck = 0;
  /** Items that were done when workers were lost the last time. */
  #done = 0;
  repeatCount = 0;

  constructor(parts: TickCrewParts) {
    this.#parts = parts;
  }

  /** A slice was placed. */
  announce(isLast: boolean): void {
    const { workers, slices } = this.#parts;
    const { control } = slices;
    const first = control.opened;
    control.announce();
    // The calling thread cannot wait for what it has to place itself.
    if (isLast || workers.threadCount === 0) control.end();
    if (workers.threadCount === 0 || this.#running === undefined) this.#start(first);
  }

  /**
   * Resolves when every item of a slice is done.
   *
   * @throws ERR_WORKER_LOST, ERR_KERNEL_TRAP; then no worker is at work, and every tile of the
   *   slices under way is as it was before
   */
  async computed(place: number): Promise<void> {
    const { workers, slices } = this.#parts;
    const { control } = slices;
    // Whatever else waits on this thread gets its turn between two slices.
    if (workers.threadCount > 0 && control.isReady(place)) await afterArrivals();
    while (!control.isReady(place)) {
      if (this.#failures !== undefined) await this.#recover(this.#failures);
      else if (workers.threadCount === 0) await this.#running;
      else await control.ready(place);
    }
  }

  /** Resolves when no task runs any more. */
  async close(): Promise<void> {
    this.#parts.slices.control.end();
    await this.#running;
  }

  #start(from: number): void {
    const { workers, tileCount, tick } = this.#parts;
    const taskCount = Math.min(Math.max(1, workers.threadCount), tileCount);
    const tasks = Array.from({ length: taskCount }, (_, scratchIndex): TickTask => {
      return { tick, from, scratchIndex };
    });
    this.#failures = undefined;
    this.#running = this.#run(tasks);
  }

  async #run(tasks: readonly TickTask[]): Promise<void> {
    const { workers, slices } = this.#parts;
    const { control } = slices;
    const running = workers.run(tasks, {
      patience: 2 ** this.#stuck,
      progress: () => {
        // Workers that wait for the host are not lost, however long it takes.
        if (control.undone === 0 && !control.isEnded) return Number.NaN;
        return slices.placedCount - control.undone;
      },
      onLost: () => control.stop(),
    });
    // Workers that cannot even be started are lost too: nobody waits for them for ever.
    const failures = await running.catch((error: unknown) => [error]);
    this.#failures = failures.length > 0 || control.undone > 0 ? failures : undefined;
    control.wake();
  }

  /** No task runs here: `run` settles only when none can touch the memory any more. */
  async #recover(failures: readonly unknown[]): Promise<void> {
    const { slices } = this.#parts;
    const undone = slices.restore();
    this.repeatCount++;
    const done = slices.placedCount - undone;
    this.#stuck = done > this.#done ? 0 : this.#stuck + 1;
    this.#done = done;
    if (this.#stuck >= STUCK_MAX) throw workerLost(failures, undone);
    slices.control.resume();
    this.#start(slices.oldest);
  }
}
