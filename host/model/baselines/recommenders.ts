import { RESOURCE_COUNT } from "../../core/abi.js";
import {
  DecayingHistogram,
  exponentialStarts,
  type HistogramBuckets,
  linearStarts,
} from "./decaying-histogram.js";

const HOUR = 3_600;
const GIB = 2 ** 30;

/** What a histogram-based recommender says of one resource. */
export interface ResourceRule {
  readonly buckets: HistogramBuckets;
  readonly weight: number;
  /** Count the largest value of each day instead of every sample. */
  readonly dailyPeaks?: boolean;
  /** Answer = quantile at this level, its bucket's end, times the margin. */
  readonly level: number;
  readonly margin: number;
  readonly smallest?: number;
}

export type Recommender = readonly ResourceRule[];

const exponential = (first: number, largest: number, hours: number): HistogramBuckets => ({
  starts: exponentialStarts(first, largest),
  halfLifeSeconds: hours * HOUR,
});
const linear = (step: number, largest: number, hours: number): HistogramBuckets => ({
  starts: linearStarts(step, largest),
  halfLifeSeconds: hours * HOUR,
});

/** Buckets for what none of these systems knows: Mbps and MB/s, treated as cores are. */
const others = (hours: number) => exponential(0.01, 1e5, hours);

/**
 * Kubernetes Vertical Pod Autoscaler (`logic/estimator.go`, `logic/recommender.go`): P90 + 15 % of
 * histograms that halve each 24 h; memory of daily peaks; at least 25 mCPU and 250 MB.
 */
const vpaRate = { weight: 0.1, level: 0.9, margin: 1.15 };
export const VPA: Recommender = [
  { buckets: exponential(0.01, 1e3, 24), ...vpaRate, smallest: 0.025 },
  {
    buckets: exponential(1e7 / GIB, 1e12 / GIB, 24),
    ...vpaRate,
    weight: 1,
    dailyPeaks: true,
    smallest: 250e6 / GIB,
  },
  { buckets: others(24), ...vpaRate },
  { buckets: others(24), ...vpaRate },
];

/**
 * Koordinator's peak predictor (`pkg/koordlet/prediction`): P95 of cpu (half-life 12 h), P98 of
 * memory (24 h), + 10 %. Its cold start of 24 h does not matter after day 54.
 */
export const KOORDINATOR: Recommender = [
  { buckets: exponential(0.025, 1024, 12), weight: 1, level: 0.95, margin: 1.1 },
  { buckets: exponential(5 / 1024, 2048, 24), weight: 1, level: 0.98, margin: 1.1 },
  { buckets: others(12), weight: 1, level: 0.95, margin: 1.1 },
  { buckets: others(12), weight: 1, level: 0.95, margin: 1.1 },
];

/**
 * After Google Autopilot (Rzadca et al., EuroSys 2020): P95 at a half-life of 12 h, + 15 %. Its
 * memory rule, the peak of 48 h + 15 %, is `autopilotMemory`.
 */
export const AUTOPILOT: Recommender = [
  { buckets: exponential(0.01, 1e3, 12), weight: 1, level: 0.95, margin: 1.15 },
  { buckets: exponential(1e7 / GIB, 1e12 / GIB, 48), weight: 1, level: 0.95, margin: 1.15 },
  { buckets: others(12), weight: 1, level: 0.95, margin: 1.15 },
  { buckets: others(12), weight: 1, level: 0.95, margin: 1.15 },
];

/**
 * Crane's percentile predictor (gocrane/crane): P99 + 15 %, half-life 24 h, linear buckets of .1
 * core up to 100 and of 100 MiB. What is older than its 7 days weighs less than 1 %.
 */
export const CRANE_PERCENTILE: Recommender = [
  { buckets: linear(0.1, 100, 24), weight: 1, level: 0.99, margin: 1.15 },
  { buckets: linear(100 / 1024, 1024, 24), weight: 1, level: 0.99, margin: 1.15 },
  { buckets: others(24), weight: 1, level: 0.99, margin: 1.15 },
  { buckets: others(24), weight: 1, level: 0.99, margin: 1.15 },
];

/** One instance's histograms for one recommender; O(log buckets) a sample. */
export class RecommenderState {
  readonly #recommender: Recommender;
  #histograms: DecayingHistogram[] = [];

  constructor(recommender: Recommender) {
    this.#recommender = recommender;
  }

  /** @param values cpu, memory, network, disk; NaN = missing */
  observe(timeSeconds: number, values: ArrayLike<number>): void {
    if (this.#histograms.length === 0) {
      this.#histograms = this.#recommender.map(
        ({ buckets }) => new DecayingHistogram(buckets, timeSeconds),
      );
    }
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const value = values[resource] ?? Number.NaN;
      if (!(value >= 0)) continue;
      const rule = this.#recommender[resource];
      const histogram = this.#histograms[resource];
      if (rule?.dailyPeaks === true) histogram?.addDailyPeak(value, rule.weight, timeSeconds);
      else histogram?.add(value, rule?.weight ?? 1, timeSeconds);
    }
  }

  /** NaN before the first value. */
  recommend(resource: number): number {
    const rule = this.#recommender[resource];
    const value = this.#histograms[resource]?.percentile(rule?.level ?? 1) ?? Number.NaN;
    return Number.isNaN(value)
      ? Number.NaN
      : Math.max(value * (rule?.margin ?? 1), rule?.smallest ?? 0);
  }
}
