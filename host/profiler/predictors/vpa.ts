import { RESOURCE_COUNT } from "../../core/abi.js";
import { exp2 } from "../../lib/arithmetic.js";
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
const RATIO = 1.05;
const HALF_LIFE_SECONDS = 86_400;
const DAY_SECONDS = 86_400;
/** The reference time moves when weights have grown this many times two. */
const DECAY_EXPONENT_MAX = 100;
const LEVEL = 0.9;
const MARGIN = 1.15;
const MEMORY = 1;

/** First bucket's end and largest value: cores, GiB (10 MB to 1 TB), Mbps, disk unit. */
const FIRST = [0.01, 1e7 / 2 ** 30, 0.01, 0.01] as const;
const LARGEST = [1e3, 1e12 / 2 ** 30, 1e5, 1e5] as const;
/** Weight of a sample, and what is less than counts as none. */
const SAMPLE_WEIGHT = [0.1, 1, 0.1, 0.1] as const;
const EPSILON = 0.001 * 0.1;
/** Smallest recommendation: 25 mCPU, 250 MB; none for what VPA does not know. */
const SMALLEST = [0.025, 250e6 / 2 ** 30, 0, 0] as const;

/** Start of each bucket: first (r^n - 1) / (r - 1), n = 0 ..., the last one past the largest. */
const STARTS = FIRST.map((first, resource) => {
  const starts = [0];
  while ((starts.at(-1) ?? 0) <= (LARGEST[resource] ?? 0)) {
    starts.push((starts.at(-1) ?? 0) * RATIO + first);
  }
  return Float64Array.from(starts);
});

export class VpaPredictor implements Predictor {
  readonly keepsState = true;
  readonly #slots: (SlotHistograms | undefined)[];

  constructor(slotCount: number) {
    this.#slots = new Array<SlotHistograms | undefined>(slotCount).fill(undefined);
  }

  observe(slot: number, timeSeconds: number, values: readonly number[]): void {
    let histograms = this.#slots[slot];
    if (histograms === undefined) {
      histograms = STARTS.map((starts) => new DecayingHistogram(starts, timeSeconds));
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

class DecayingHistogram {
  readonly #starts: Float64Array;
  readonly #weights: Float32Array;
  #total = 0;
  /** Weights are worth 1 at this time. */
  #referenceSeconds: number;
  #dayEndSeconds = Number.NEGATIVE_INFINITY;
  #dayPeak = 0;

  constructor(starts: Float64Array, timeSeconds: number) {
    this.#starts = starts;
    this.#weights = new Float32Array(starts.length - 1);
    this.#referenceSeconds = timeSeconds;
  }

  add(value: number, weight: number, timeSeconds: number): void {
    this.#change(value, weight * this.#decay(timeSeconds));
  }

  /** One sample a day of 24 h from the first sample on: the day's largest value so far. */
  addDailyPeak(value: number, weight: number, timeSeconds: number): void {
    if (timeSeconds >= this.#dayEndSeconds) {
      const days = Number.isFinite(this.#dayEndSeconds)
        ? Math.floor((timeSeconds - this.#dayEndSeconds) / DAY_SECONDS) + 1
        : 0;
      const from = days === 0 ? timeSeconds + DAY_SECONDS : this.#dayEndSeconds;
      this.#dayEndSeconds = from + days * DAY_SECONDS;
      this.#dayPeak = value;
    } else {
      if (value <= this.#dayPeak) return;
      // A peak weighs as at the end of its day, so what is taken away is what was added.
      this.#change(this.#dayPeak, -weight * this.#decay(this.#dayEndSeconds));
      this.#dayPeak = value;
    }
    this.#change(value, weight * this.#decay(this.#dayEndSeconds));
  }

  /** End of the first bucket with which `level` of the weight is reached; NaN without weight. */
  percentile(level: number): number {
    if (this.#total < EPSILON) return Number.NaN;
    let sum = 0;
    let end = Number.NaN;
    for (let bucket = 0; bucket < this.#weights.length; bucket++) {
      const weight = this.#weights[bucket] ?? 0;
      if (weight < EPSILON) continue;
      sum += weight;
      end = this.#starts[bucket + 1] ?? Number.NaN;
      if (sum >= level * this.#total) break;
    }
    return end;
  }

  #change(value: number, weight: number): void {
    const bucket = this.#bucketOf(value);
    const before = this.#weights[bucket] ?? 0;
    this.#weights[bucket] = Math.max(before + weight, 0);
    this.#total += (this.#weights[bucket] ?? 0) - before;
  }

  #bucketOf(value: number): number {
    let low = 0;
    let high = this.#weights.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** 2 to the half-lives since the reference, which follows so that it stays finite. */
  #decay(timeSeconds: number): number {
    const exponent = (timeSeconds - this.#referenceSeconds) / HALF_LIFE_SECONDS;
    if (exponent <= DECAY_EXPONENT_MAX) return exp2(exponent);
    this.#rebase(Math.floor(exponent));
    return exp2((timeSeconds - this.#referenceSeconds) / HALF_LIFE_SECONDS);
  }

  #rebase(halfLives: number): void {
    const factor = exp2(-halfLives);
    this.#total = 0;
    for (let bucket = 0; bucket < this.#weights.length; bucket++) {
      const weight = (this.#weights[bucket] ?? 0) * factor;
      this.#weights[bucket] = weight;
      this.#total += this.#weights[bucket] ?? 0;
    }
    this.#referenceSeconds += halfLives * HALF_LIFE_SECONDS;
  }
}
