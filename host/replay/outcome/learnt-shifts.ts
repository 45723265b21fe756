import { ENVELOPE_ROWS, PHASE_COUNT, QUANTILE_COUNT } from "../../core/abi.js";
import { exponential } from "../../lib/elementary.js";
import { RestartCalibration } from "../../profiler/calibration.js";
import type { RestartOutcome } from "../../profiler/profile.js";
import { type StopAnswer, SurgeBook, type SurgePrior } from "../../profiler/surge.js";
import { TypeTrackers } from "../../profiler/type-trackers.js";

const ROWS_A_RESOURCE = PHASE_COUNT * QUANTILE_COUNT;

/** Hyperbolic functions of a shift in asinh space, by `envelopeRow`. */
interface Factors {
  readonly version: number;
  readonly cosh: Float64Array;
  readonly sinh: Float64Array;
  /** What is added after it, in the resource's unit. */
  readonly added: Float64Array;
}

/**
 * What restarts teach, as in the profiler: the offsets that all share, those of the job type and
 * its surge. One table a type, made anew only when something was learnt.
 */
export class LearntShifts {
  readonly #shared = new RestartCalibration();
  readonly #types = new TypeTrackers();
  readonly #surges: SurgeBook;
  readonly #factors = new Map<string, Factors>();
  #version = 0;

  constructor(prior?: SurgePrior) {
    this.#surges = new SurgeBook(prior);
  }

  /** Rises with every restart. */
  get version(): number {
    return this.#version;
  }

  get trackerCount(): number {
    return this.#shared.trackerCount;
  }

  /** @param factor on the step of an offset; a surge is a mean over restarts and needs none */
  learn(
    jobType: string | undefined,
    outcome: RestartOutcome,
    so: { readonly answer: StopAnswer; readonly factor: number },
  ): void {
    const { answer, factor } = so;
    this.#shared.learn(outcome, factor);
    this.#types.learn(jobType, outcome, factor);
    this.#surges.learn(jobType, outcome.peaks, answer);
    this.#version++;
  }

  /** s sinh(asinh(v / s) + shift) for every row, quantiles in order, nothing below 0. */
  apply(
    jobType: string | undefined,
    envelope: Float64Array,
    scale: ArrayLike<number>,
  ): Float64Array {
    const { cosh, sinh, added } = this.#factorsOf(jobType);
    const out = new Float64Array(ENVELOPE_ROWS);
    let before = 0;
    for (let row = 0; row < ENVELOPE_ROWS; row++) {
      const value = envelope[row] ?? 0;
      const unit = scale[Math.floor(row / ROWS_A_RESOURCE)] ?? 0;
      const width = Math.sqrt(value * value + unit * unit);
      const scaled = Math.max(0, value * (cosh[row] ?? 1) + width * (sinh[row] ?? 0));
      const moved = scaled + (added[row] ?? 0);
      before = row % QUANTILE_COUNT === 0 ? moved : Math.max(before, moved);
      out[row] = before;
    }
    return out;
  }

  #factorsOf(jobType: string | undefined): Factors {
    const key = jobType ?? "";
    const known = this.#factors.get(key);
    if (known?.version === this.#version) return known;
    const cosh = new Float64Array(ENVELOPE_ROWS);
    const sinh = new Float64Array(ENVELOPE_ROWS);
    const added = new Float64Array(ENVELOPE_ROWS);
    for (let row = 0; row < ENVELOPE_ROWS; row++) {
      const surge = this.#surges.shift(jobType, row);
      const learnt = (this.#shared.offsets[row] ?? 0) + this.#types.offset(jobType, row);
      const shift = learnt + surge.scaled;
      if (surge.added !== 0) added[row] = surge.added * exponential(learnt);
      if (shift === 0) {
        cosh[row] = 1;
        continue;
      }
      const up = exponential(shift);
      cosh[row] = (up + 1 / up) / 2;
      sinh[row] = (up - 1 / up) / 2;
    }
    const fresh = { version: this.#version, cosh, sinh, added };
    this.#factors.set(key, fresh);
    return fresh;
  }
}
