import {
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  PHASE_END_MINUTES,
  RESOURCE_COUNT,
} from "../../core/abi.js";
import { firstAfter, type Series } from "./series.js";

/** Two samples further apart than this have a gap between them, seconds. */
export const GAP_SECONDS = 450;
/** An instance without a sample for this long is not running, seconds. */
const STALE_SECONDS = 900;

/**
 * Peaks of the three phases after a restart at `at` + outage: phase a-b holds the samples with
 * restart + a min < time <= restart + b min. A phase with a gap in it or at its edges, or without
 * a sample, is NaN, as is a resource that one of its samples lacks.
 *
 * @param at seconds since 1970
 * @param fresh nothing ran before the restart: the first sample after it may follow a gap
 * @returns f64[12], index = `needColumn`, in the units of the series
 */
export function phasePeaks(
  series: Series,
  at: number,
  outageMinutes: number,
  fresh = false,
): Float64Array {
  const peaks = new Float64Array(NEED_COLUMNS).fill(Number.NaN);
  const restart = at + outageMinutes * 60;
  let from = restart;
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    const until = restart + (PHASE_END_MINUTES[phase] ?? 0) * 60;
    const first = firstAfter(series.times, from);
    const after = firstAfter(series.times, until);
    if (first < after && isWhole(series.times, fresh && phase === 0 ? first : first - 1, after)) {
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        peaks[needColumn(resource, phase)] = peak(series.values, resource, first, after);
      }
    }
    from = until;
  }
  return peaks;
}

/** Whether no two neighbours from sample `first` to sample `last` have a gap between them. */
function isWhole(times: Float64Array, first: number, last: number): boolean {
  if (first < 0 || last >= times.length) return false;
  for (let index = first; index < last; index++) {
    if ((times[index + 1] ?? Infinity) - (times[index] ?? 0) > GAP_SECONDS) return false;
  }
  return true;
}

/** Highest value; NaN when one is missing. */
function peak(values: Float32Array, resource: number, first: number, after: number): number {
  let highest = 0;
  for (let index = first; index < after; index++) {
    const value = values[index * RESOURCE_COUNT + resource] ?? Number.NaN;
    if (!(value >= 0)) return Number.NaN;
    highest = Math.max(highest, value);
  }
  return highest;
}

/** Whether the instance was running at `at`: its last sample is recent. */
export function isRunning(series: Series, at: number): boolean {
  const last = firstAfter(series.times, at) - 1;
  return last >= 0 && at - (series.times[last] ?? -Infinity) <= STALE_SECONDS;
}
