import { exp2 } from "../../lib/arithmetic.js";

const DAY_SECONDS = 86_400;
/** The reference time moves when weights have grown this many times two. */
const DECAY_EXPONENT_MAX = 100;
/** A bucket with less weight counts as empty: a thousandth of the smallest sample's. */
const EPSILON = 0.001 * 0.1;

/** What a histogram's values fall into and how fast they are forgotten. */
export interface HistogramBuckets {
  /** Start of each bucket; the last one is the end of the last bucket. */
  readonly starts: Float64Array;
  readonly halfLifeSeconds: number;
}

/** Starts first (r^n - 1) / (r - 1), n = 0 ..., the last one past the largest value. */
export function exponentialStarts(first: number, largest: number, ratio = 1.05): Float64Array {
  const starts = [0];
  while ((starts.at(-1) ?? 0) <= largest) starts.push((starts.at(-1) ?? 0) * ratio + first);
  return Float64Array.from(starts);
}

/** Starts 0, step, 2 step ... up to the largest value. */
export function linearStarts(step: number, largest: number): Float64Array {
  return Float64Array.from({ length: Math.round(largest / step) + 1 }, (_, n) => n * step);
}

/**
 * Histogram whose samples halve in weight with age, as `util/decaying_histogram.go` of Kubernetes'
 * Vertical Pod Autoscaler, which Koordinator and Crane use too: O(log buckets) a sample.
 */
export class DecayingHistogram {
  readonly #starts: Float64Array;
  readonly #halfLifeSeconds: number;
  readonly #weights: Float32Array;
  #total = 0;
  /** Weights are worth 1 at this time. */
  #referenceSeconds: number;
  #dayEndSeconds = Number.NEGATIVE_INFINITY;
  #dayPeak = 0;

  constructor(buckets: HistogramBuckets, timeSeconds: number) {
    const { starts } = buckets;
    this.#starts = starts;
    this.#halfLifeSeconds = buckets.halfLifeSeconds;
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
    const exponent = (timeSeconds - this.#referenceSeconds) / this.#halfLifeSeconds;
    if (exponent <= DECAY_EXPONENT_MAX) return exp2(exponent);
    this.#rebase(Math.floor(exponent));
    return exp2((timeSeconds - this.#referenceSeconds) / this.#halfLifeSeconds);
  }

  #rebase(halfLives: number): void {
    const factor = exp2(-halfLives);
    this.#total = 0;
    for (let bucket = 0; bucket < this.#weights.length; bucket++) {
      const weight = (this.#weights[bucket] ?? 0) * factor;
      this.#weights[bucket] = weight;
      this.#total += this.#weights[bucket] ?? 0;
    }
    this.#referenceSeconds += halfLives * this.#halfLifeSeconds;
  }
}
