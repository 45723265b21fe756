import { RESOURCE_COUNT } from "../core/abi.js";
import { firstAfter, type Series } from "./training/series.js";

/** Predictors that people use today, computed in float64 from the raw series. */
export const BASELINES = [
  "last",
  "max 1 h",
  "max 24 h",
  "N-sigma 2 h",
  "mean + 3 sigma 24 h",
] as const;
export type BaselineName = (typeof BASELINES)[number];

const HOUR = 3_600;
const N_SIGMA = 5;

/**
 * Each baseline's prediction of a peak after `at`, from samples up to `at`, in the series' units.
 *
 * @param at seconds since 1970
 * @returns one row a baseline, one column a resource; NaN where nothing was seen
 */
export function baselinePredictions(series: Series, at: number): Float64Array[] {
  const end = firstAfter(series.times, at);
  const column = (resource: number, hours: number) => {
    const from = firstAfter(series.times, at - hours * HOUR);
    const values: number[] = [];
    for (let index = from; index < end; index++) {
      const value = series.values[index * RESOURCE_COUNT + resource] ?? Number.NaN;
      if (!Number.isNaN(value)) values.push(value);
    }
    return values;
  };
  const each = (predict: (resource: number) => number) =>
    Float64Array.from({ length: RESOURCE_COUNT }, (_, resource) => predict(resource));
  return [
    each((resource) => column(resource, 24).at(-1) ?? Number.NaN),
    each((resource) => highest(column(resource, 1))),
    each((resource) => highest(column(resource, 24))),
    each((resource) => meanPlus(column(resource, 2), N_SIGMA)),
    each((resource) => meanPlus(column(resource, 24), 3)),
  ];
}

function highest(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((max, value) => Math.max(max, value));
}

/** Mean plus n standard deviations of the population. */
function meanPlus(values: readonly number[], n: number): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return mean + n * Math.sqrt(squares / values.length);
}
