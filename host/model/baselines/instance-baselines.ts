import {
  needColumn,
  PHASE_COUNT,
  PHASE_END_MINUTES,
  RESOURCE_COUNT,
  RESOURCES,
} from "../../core/abi.js";
import { firstAfter, type Series } from "../training/series.js";
import { ewmaPlusSigmas, meanPlusSigmas, N_SIGMA, THREE_SIGMA } from "./moments.js";
import { percentile } from "./percentile.js";
import { AUTOPILOT, CRANE_PERCENTILE, KOORDINATOR, RecommenderState, VPA } from "./recommenders.js";
import { seasonalPeak } from "./season.js";
import { highest, windowValues } from "./window.js";

/** Every predictor that the network is compared with. */
export const COMPARED = [
  "last",
  "max 1 h",
  "max 24 h",
  "max 7 d",
  "P95 7 d",
  "P99 7 d",
  "VPA",
  "Koordinator",
  "N-sigma 2 h",
  "mean + 3 sigma 24 h",
  "EWMA + 3 sigma",
  "seasonal naive",
  "Crane 7-day window",
  "Crane P99 + 15 %",
  "Autopilot-like",
  "max(N-sigma, P95)",
] as const;
export type ComparedName = (typeof COMPARED)[number];

const MEMORY = RESOURCES.indexOf("memory");
const HOUR = 3_600;
const DAY = 24 * HOUR;
const EWMA_SAMPLES = 48;
const EWMA_ALPHA = 0.2;

/**
 * All compared predictors of one instance, in float64 from its raw series. Histograms are fed
 * sample by sample, windows are cut out of the series at each question, so questions must come in
 * the order of their samples.
 */
export class InstanceBaselines {
  readonly #series: Series;
  readonly #vpa = new RecommenderState(VPA);
  readonly #koordinator = new RecommenderState(KOORDINATOR);
  readonly #autopilot = new RecommenderState(AUTOPILOT);
  readonly #crane = new RecommenderState(CRANE_PERCENTILE);
  #fed = 0;

  constructor(series: Series) {
    this.#series = series;
  }

  /**
   * Amounts for the three phases after a restart at `at` + outage, from samples up to `at`. Only
   * the seasonal ones differ by phase; they fall back on the last value where a day is missing.
   *
   * @param at seconds since 1970
   * @returns f64[16][12], row by `COMPARED`, column by `needColumn`; NaN where nothing was seen
   */
  predict(at: number, outageMinutes: number): Float64Array[] {
    this.#feed(firstAfter(this.#series.times, at));
    const rows = COMPARED.map(() => new Float64Array(RESOURCE_COUNT * PHASE_COUNT));
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const steady = this.#steady(resource, at);
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const start = at + outageMinutes * 60;
        const from = start + (phase === 0 ? 0 : (PHASE_END_MINUTES[phase - 1] ?? 0)) * 60;
        const until = start + (PHASE_END_MINUTES[phase] ?? 0) * 60;
        const season = (days: number) => {
          const peak = seasonalPeak(this.#series, resource, { at, from, until }, days);
          return Number.isNaN(peak) ? steady.last : peak;
        };
        const amounts: Record<ComparedName, number> = {
          ...steady,
          "seasonal naive": season(1),
          "Crane 7-day window": season(7),
        };
        COMPARED.forEach((name, row) => {
          const column = needColumn(resource, phase);
          if (rows[row] !== undefined) rows[row][column] = amounts[name];
        });
      }
    }
    return rows;
  }

  #steady(resource: number, at: number) {
    const back = (seconds: number) => windowValues(this.#series, resource, at - seconds, at);
    const [hour2, day, week] = [back(2 * HOUR), back(DAY), back(7 * DAY)];
    const nSigma = meanPlusSigmas(hour2, N_SIGMA, 1);
    const p95 = percentile(week, 0.95);
    return {
      last: this.#last(resource),
      "max 1 h": highest(back(HOUR)),
      "max 24 h": highest(day),
      "max 7 d": highest(week),
      "P95 7 d": p95,
      "P99 7 d": percentile(week, 0.99),
      VPA: this.#vpa.recommend(resource),
      Koordinator: this.#koordinator.recommend(resource),
      "N-sigma 2 h": nSigma,
      "mean + 3 sigma 24 h": meanPlusSigmas(day, THREE_SIGMA, 0),
      "EWMA + 3 sigma": ewmaPlusSigmas(day.subarray(-EWMA_SAMPLES), THREE_SIGMA, EWMA_ALPHA),
      "Crane P99 + 15 %": this.#crane.recommend(resource),
      "Autopilot-like":
        resource === MEMORY ? 1.15 * highest(back(2 * DAY)) : this.#autopilot.recommend(resource),
      "max(N-sigma, P95)": Math.max(nSigma, p95),
    };
  }

  /** The newest value there is. */
  #last(resource: number): number {
    for (let sample = this.#fed - 1; sample >= 0; sample--) {
      const value = this.#series.values[sample * RESOURCE_COUNT + resource] ?? Number.NaN;
      if (!Number.isNaN(value)) return value;
    }
    return Number.NaN;
  }

  #feed(count: number): void {
    const { times, values } = this.#series;
    for (; this.#fed < count; this.#fed++) {
      const time = times[this.#fed] ?? 0;
      const from = this.#fed * RESOURCE_COUNT;
      const row = values.subarray(from, from + RESOURCE_COUNT);
      for (const state of [this.#vpa, this.#koordinator, this.#autopilot, this.#crane]) {
        state.observe(time, row);
      }
    }
  }
}
