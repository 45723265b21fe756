import type { Series } from "../training/series.js";
import { highest, windowValues } from "./window.js";

const DAY_SECONDS = 86_400;

/** A stretch of time that a prediction is for, and when it is made; seconds. */
export interface Ahead {
  readonly at: number;
  readonly from: number;
  readonly until: number;
}

/**
 * Largest value in the same stretch 1 to `days` days earlier, of what was known at `at`. One day is
 * the seasonal naive forecast; seven are the `maxValue` estimator of Crane's DSP predictor
 * (gocrane/crane) with a period of a day and no margin. NaN when nothing was seen there.
 */
export function seasonalPeak(series: Series, resource: number, ahead: Ahead, days: number): number {
  let peak = Number.NaN;
  for (let day = 1; day <= days; day++) {
    const from = ahead.from - day * DAY_SECONDS;
    const until = Math.min(ahead.until - day * DAY_SECONDS, ahead.at);
    const value = highest(windowValues(series, resource, from, until));
    if (!(value <= peak)) peak = Number.isNaN(value) ? peak : value;
  }
  return peak;
}
