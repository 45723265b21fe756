/** A clock that runs faster than the machine's, the same in every process that knows its start. */
import type { Clock } from "../../host/lib/clock.js";

export class HurriedClock implements Clock {
  readonly #startMs: number;
  readonly #speed: number;

  /** @param speed 1 is the machine's */
  constructor(startMs: number, speed: number) {
    this.#startMs = startMs;
    this.#speed = speed;
  }

  nowMs(): number {
    return Math.round(this.#startMs + (Date.now() - this.#startMs) * this.#speed);
  }
}
