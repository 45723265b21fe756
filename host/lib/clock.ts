import { RepriseError } from "./errors.js";

/** Where time comes from. Milliseconds since 1970 UTC. */
export interface Clock {
  nowMs(): number;
}

export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }
}

/** A clock that only moves when told to, forwards. */
export class VirtualClock implements Clock {
  #nowMs: number;

  /** @throws ERR_ARGUMENT when the start is no time */
  constructor(startMs: number) {
    if (!Number.isFinite(startMs) || startMs < 0) {
      throw new RepriseError("ERR_ARGUMENT", "the clock cannot start here", {
        field: "startMs",
        got: startMs,
        expected: "ms since 1970, a finite number from 0",
      });
    }
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** @throws ERR_ARGUMENT when time would run backwards or is no number */
  advanceTo(nowMs: number): void {
    if (!(Number.isFinite(nowMs) && nowMs >= this.#nowMs)) {
      throw new RepriseError("ERR_ARGUMENT", "the clock only moves forwards", {
        got: nowMs,
        expected: `a finite number from ${this.#nowMs}`,
      });
    }
    this.#nowMs = nowMs;
  }
}

/** Elapsed time for progress and reports, never for decisions. */
export function elapsedMs(): number {
  return performance.now();
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves once everything that has come in by now has been handed out. */
export function afterArrivals(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Runs a task again and again, `milliseconds` after it has ended, so that a slow one never overlaps
 * itself. The process may end while it waits.
 *
 * @returns ends the repetition and waits for the run under way
 */
export function repeatEvery(milliseconds: number, task: () => Promise<void>): () => Promise<void> {
  let isOver = false;
  let running = Promise.resolve();
  let timer = setTimeout(run, milliseconds);
  function run(): void {
    running = task().finally(() => {
      if (!isOver) timer = setTimeout(run, milliseconds);
    });
  }
  return () => {
    isOver = true;
    clearTimeout(timer);
    return running;
  };
}

/** The value, or undefined when it takes longer; whatever it becomes then is left to others. */
export function within<T>(milliseconds: number, value: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer));
}
