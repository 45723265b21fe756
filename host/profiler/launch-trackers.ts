import { ENVELOPE_ROWS, PHASE_COUNT, QUANTILE_COUNT } from "../core/abi.js";
import type { LearntArrays, LearntPart } from "./learnt.js";
import { clampOffset } from "./offset-tracker.js";
import { shifted } from "./shift.js";
import { type TrackedTruth, TypeTrackers, trackRows } from "./type-trackers.js";

const ETA = 0.05;
/** An instance without history has no scale of its own: the least that any can have. */
const SCALES = [0.01, 0.01, 0.001, 0.01];

/**
 * Offsets of cold launches, that is of answers about instances without history: one for all a
 * resource, phase and quantile, and one a job type, shrunk by n / (n + 20). No restart and no shadow
 * cut moves them, and they move no other answer.
 */
export class LaunchTrackers implements LearntPart {
  readonly #global = new Float64Array(ENVELOPE_ROWS);
  readonly #types = new TypeTrackers();
  readonly #count = new Uint32Array(1);

  /** Launches so far. */
  get count(): number {
    return this.#count[0] ?? 0;
  }

  countOf(jobType: string | undefined): number {
    return this.#types.count(jobType);
  }

  learn(jobType: string | undefined, truth: TrackedTruth): void {
    if (trackRows(this.#global, truth, ETA)) this.#count[0] = this.count + 1;
    this.#types.learn(jobType, truth);
  }

  get arrays(): LearntArrays {
    return { global: this.#global, count: this.#count };
  }

  typeNames(): Iterable<string> {
    return this.#types.typeNames();
  }

  typeArrays(jobType: string): LearntArrays | undefined {
    return this.#types.typeArrays(jobType);
  }

  loaded(): void {}

  /** A new table, quantiles in order. */
  apply(envelope: Float64Array, jobType: string | undefined): Float64Array {
    const out = new Float64Array(ENVELOPE_ROWS);
    let before = 0;
    for (let row = 0; row < ENVELOPE_ROWS; row++) {
      const scale = SCALES[Math.floor(row / (PHASE_COUNT * QUANTILE_COUNT))] ?? 0;
      const offset = clampOffset((this.#global[row] ?? 0) + this.#types.offset(jobType, row));
      const moved = shifted(envelope[row] ?? Number.NaN, scale, offset);
      before = row % QUANTILE_COUNT === 0 ? moved : Math.max(before, moved);
      out[row] = before;
    }
    return out;
  }
}
