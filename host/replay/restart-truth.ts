import { NEED_COLUMNS, needColumn, PHASE_END_MINUTES, RESOURCE_COUNT } from "../core/abi.js";

const MINUTE_MS = 60_000;
const LAST_PHASE = PHASE_END_MINUTES.length - 1;

/** Collects what an instance really used after a restart: the peak of each phase. */
export class RestartTruth {
  readonly restartedMs: number;
  readonly #peaks = new Array<number>(NEED_COLUMNS).fill(Number.NaN);

  constructor(restartedMs: number) {
    this.restartedMs = restartedMs;
  }

  /** Phases are (from, to] minutes after the restart. */
  add(timeMs: number, usage: readonly number[]): void {
    const minutes = (timeMs - this.restartedMs) / MINUTE_MS;
    if (minutes <= 0) return;
    const phase = PHASE_END_MINUTES.findIndex((end) => minutes <= end);
    if (phase < 0) return;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const value = usage[resource] ?? Number.NaN;
      const column = needColumn(resource, phase);
      const before = this.#peaks[column] ?? Number.NaN;
      if (!Number.isNaN(value) && !(before >= value)) this.#peaks[column] = value;
    }
  }

  isOver(nowMs: number): boolean {
    return nowMs > this.restartedMs + (PHASE_END_MINUTES[LAST_PHASE] ?? 0) * MINUTE_MS;
  }

  /** Resource x phase; NaN where nothing was seen or the phase was cut short by `endMs`. */
  peaks(endMs: number): readonly number[] {
    return this.#peaks.map((peak, column) => {
      const phaseEnd = PHASE_END_MINUTES[column % PHASE_END_MINUTES.length] ?? 0;
      return endMs < this.restartedMs + phaseEnd * MINUTE_MS ? Number.NaN : peak;
    });
  }
}
