import { RESOURCE_COUNT } from "../../core/abi.js";
import { DecayingHistogram, exponentialStarts } from "../../model/baselines/decaying-histogram.js";
import { amountRows, type Predictor } from "./predictor.js";

/**
 * The recommender of Kubernetes' Vertical Pod Autoscaler (vertical-pod-autoscaler/pkg/recommender,
 * `logic/estimator.go`, `util/decaying_histogram.go`): target = P90 of a decaying exponential
 * histogram + 15 %, at least the smallest pod. CPU counts every sample; memory counts the peak of
 * each day, replaced when a larger one comes within it. VPA knows neither network nor disk: they
 * are treated as CPU here, with buckets of their own.
 *
 * Goals: its answer at any moment, O(log buckets) a sample, 3.5 KiB an instance. Non-goals: its
 * bounds, its confidence, out-of-memory bumps (a trace has none).
 */
const HALF_LIFE_SECONDS = 86_400;
const LEVEL = 0.9;
const MARGIN = 1.15;
const MEMORY = 1;

/** First bucket's end and largest value: cores, GiB (10 MB to 1 TB), Mbps, disk unit. */
const FIRST = [0.01, 1e7 / 2 ** 30, 0.01, 0.01] as const;
const LARGEST = [1e3, 1e12 / 2 ** 30, 1e5, 1e5] as const;
/** Weight of a sample. */
const SAMPLE_WEIGHT = [0.1, 1, 0.1, 0.1] as const;
/** Smallest recommendation: 25 mCPU, 250 MB; none for what VPA does not know. */
const SMALLEST = [0.025, 250e6 / 2 ** 30, 0, 0] as const;

const BUCKETS = FIRST.map((first, resource) => ({
  starts: exponentialStarts(first, LARGEST[resource] ?? 0),
  halfLifeSeconds: HALF_LIFE_SECONDS,
}));

export class VpaPredictor implements Predictor {
  readonly keepsState = true;
  readonly #slots: (SlotHistograms | undefined)[];

  constructor(slotCount: number) {
    this.#slots = new Array<SlotHistograms | undefined>(slotCount).fill(undefined);
  }

  observe(slot: number, timeSeconds: number, values: readonly number[]): void {
    let histograms = this.#slots[slot];
    if (histograms === undefined) {
      histograms = BUCKETS.map((buckets) => new DecayingHistogram(buckets, timeSeconds));
      this.#slots[slot] = histograms;
    }
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const value = values[resource] ?? Number.NaN;
      if (!(value >= 0)) continue;
      const histogram = histograms[resource];
      const weight = SAMPLE_WEIGHT[resource] ?? 1;
      if (resource === MEMORY) histogram?.addDailyPeak(value, weight, timeSeconds);
      else histogram?.add(value, weight, timeSeconds);
    }
  }

  reset(slot: number): void {
    this.#slots[slot] = undefined;
  }

  predict(slot: number): Float64Array {
    const histograms = this.#slots[slot] ?? [];
    return amountRows(
      Array.from({ length: RESOURCE_COUNT }, (_, resource) => {
        const percentile = histograms[resource]?.percentile(LEVEL) ?? Number.NaN;
        return Number.isNaN(percentile)
          ? Number.NaN
          : Math.max(percentile * MARGIN, SMALLEST[resource] ?? 0);
      }),
    );
  }
}

type SlotHistograms = readonly DecayingHistogram[];
