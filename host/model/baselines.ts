import { RESOURCE_COUNT } from "../core/abi.js";
import { meanPlusSigmas, N_SIGMA, THREE_SIGMA } from "./baselines/moments.js";
import { highest, windowValues } from "./baselines/window.js";
import type { Series } from "./training/series.js";

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

/**
 * Each baseline's prediction of a peak after `at`, from samples up to `at`, in the series' units.
 *
 * @param at seconds since 1970
 * @returns one row a baseline, one column a resource; NaN where nothing was seen
 */
export function baselinePredictions(series: Series, at: number): Float64Array[] {
  const column = (resource: number, hours: number) =>
    windowValues(series, resource, at - hours * HOUR, at);
  const each = (predict: (resource: number) => number) =>
    Float64Array.from({ length: RESOURCE_COUNT }, (_, resource) => predict(resource));
  return [
    each((resource) => column(resource, 24).at(-1) ?? Number.NaN),
    each((resource) => highest(column(resource, 1))),
    each((resource) => highest(column(resource, 24))),
    each((resource) => meanPlusSigmas(column(resource, 2), N_SIGMA, 0)),
    each((resource) => meanPlusSigmas(column(resource, 24), THREE_SIGMA, 0)),
  ];
}
