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

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** @throws ERR_ARGUMENT when time would run backwards */
  advanceTo(nowMs: number): void {
    if (!(nowMs >= this.#nowMs)) {
      throw new RepriseError("ERR_ARGUMENT", "the clock only moves forwards", {
        got: nowMs,
        expected: `at least ${this.#nowMs}`,
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
