import { RESOURCE_COUNT } from "../../core/abi.js";
import { firstAfter, type Series } from "../training/series.js";

/** Values of one resource with from < time <= until (seconds), in time order; missing ones not. */
export function windowValues(
  series: Series,
  resource: number,
  from: number,
  until: number,
): Float64Array {
  const first = firstAfter(series.times, from);
  const after = firstAfter(series.times, until);
  const values = new Float64Array(Math.max(0, after - first));
  let count = 0;
  for (let index = first; index < after; index++) {
    const value = series.values[index * RESOURCE_COUNT + resource] ?? Number.NaN;
    if (!Number.isNaN(value)) values[count++] = value;
  }
  return values.subarray(0, count);
}

/** Largest value; NaN when there is none. */
export function highest(values: Float64Array): number {
  return values.length === 0 ? Number.NaN : values.reduce((max, value) => Math.max(max, value));
}
