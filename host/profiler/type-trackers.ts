import { ENVELOPE_ROWS, NEED_COLUMNS, QUANTILE_COUNT, QUANTILES } from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import type { LearntArrays, LearntPart } from "./learnt.js";
import { ownWeight, trackOnce } from "./offset-tracker.js";

const ETA = 0.05;

interface TypeTracker {
  readonly offsets: Float64Array;
  /** One number. */
  readonly count: Uint32Array;
}

/** What misses at each quantile were seen: resource x phase x quantile, NaN columns not seen. */
export interface TrackedTruth {
  /** 12 peaks. */
  readonly peaks: ArrayLike<number>;
  /** 48 published quantiles, in the same units. */
  readonly predicted: ArrayLike<number>;
}

/** Offsets a job type. Instances without a type, and types beyond the limit, have none. */
export class TypeTrackers implements LearntPart {
  readonly arrays: LearntArrays = {};
  readonly #types = new Map<string, TypeTracker>();

  count(jobType: string | undefined): number {
    return jobType === undefined ? 0 : (this.#types.get(jobType)?.count[0] ?? 0);
  }

  /** Shrunk towards 0, that is towards what all types have in common. */
  offset(jobType: string | undefined, row: number): number {
    const own = jobType === undefined ? undefined : this.#types.get(jobType);
    return own === undefined ? 0 : ownWeight(own.count[0] ?? 0) * (own.offsets[row] ?? 0);
  }

  /** Adds the type's offset of every row to `out`, as `offset` gives it. */
  addTo(out: Float64Array, jobType: string | undefined): void {
    const own = jobType === undefined ? undefined : this.#types.get(jobType);
    if (own === undefined) return;
    const weight = ownWeight(own.count[0] ?? 0);
    const { offsets } = own;
    for (let row = 0; row < ENVELOPE_ROWS; row++) {
      out[row] = (out[row] ?? 0) + weight * (offsets[row] ?? 0);
    }
  }

  /** @param factor on the step; 1 when one truth comes after the other */
  learn(jobType: string | undefined, truth: TrackedTruth, factor = 1): void {
    if (jobType === undefined) return;
    const own = this.#findOrAdd(jobType);
    if (own === undefined || !trackRows(own.offsets, truth, ETA * factor)) return;
    own.count[0] = (own.count[0] ?? 0) + 1;
  }

  typeNames(): Iterable<string> {
    return this.#types.keys();
  }

  typeArrays(jobType: string): LearntArrays | undefined {
    const own = this.#findOrAdd(jobType);
    return own === undefined ? undefined : { offsets: own.offsets, count: own.count };
  }

  loaded(): void {}

  #findOrAdd(jobType: string): TypeTracker | undefined {
    const found = this.#types.get(jobType);
    if (found !== undefined || this.#types.size >= LIMITS.jobTypesTrackedMax) return found;
    const own = { offsets: new Float64Array(ENVELOPE_ROWS), count: new Uint32Array(1) };
    this.#types.set(jobType, own);
    return own;
  }
}

/** Moves the offsets of every column that was seen; false when none was. */
export function trackRows(offsets: Float64Array, truth: TrackedTruth, eta: number): boolean {
  let seen = false;
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const peak = truth.peaks[column] ?? Number.NaN;
    if (Number.isNaN(peak)) continue;
    for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
      const row = column * QUANTILE_COUNT + quantile;
      const predicted = truth.predicted[row] ?? Number.NaN;
      if (Number.isNaN(predicted)) continue;
      seen = true;
      const level = QUANTILES[quantile] ?? 0;
      offsets[row] = trackOnce(offsets[row] ?? 0, peak > predicted, level, eta);
    }
  }
  return seen;
}
