import { QUANTILE_COUNT, QUANTILES } from "../../core/abi.js";
import { Prng } from "../../lib/prng.js";

/** Rows of features with twelve truths each; a truth may be NaN. */
export interface LinearData {
  /** f32[row][features], standardised */
  readonly features: Float32Array;
  readonly featureCount: number;
  /** f32[row][targets] */
  readonly targets: Float32Array;
  readonly targetCount: number;
}

/** Steps, and passes over the rows where there are few of them; whichever ends first. */
const STEPS_MAX = 8_000;
const PASSES_MAX = 250;
const BATCH = 128;
const PEAK_RATE = 0.02;
/** Adam. */
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Linear quantile regression of every target at the four levels: minimises the mean pinball loss by
 * Adam with a rate that falls to 0, from the quantiles of the targets on. Same bits for the same
 * seed and rows.
 *
 * @returns f64[target * 4 + level][features + 1], the addend last
 */
export function fitLinearQuantiles(data: LinearData, seed: number): Float64Array {
  const fit = new LinearFit(data);
  const rows = data.targets.length / data.targetCount;
  const order = Array.from({ length: rows }, (_, row) => row);
  const prng = new Prng(seed);
  const steps = Math.min(STEPS_MAX, PASSES_MAX * Math.ceil(rows / BATCH));
  for (let step = 0, next = rows; step < steps; step++, next += BATCH) {
    if (next >= rows) {
      prng.shuffle(order);
      next = 0;
    }
    fit.step(order.slice(next, next + BATCH), PEAK_RATE * (1 - step / steps));
  }
  return fit.weights;
}

class LinearFit {
  readonly weights: Float64Array;
  readonly #data: LinearData;
  readonly #stride: number;
  readonly #gradient: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #decay1 = 1;
  #decay2 = 1;

  constructor(data: LinearData) {
    this.#data = data;
    this.#stride = data.featureCount + 1;
    const count = data.targetCount * QUANTILE_COUNT * this.#stride;
    this.weights = new Float64Array(count);
    this.#gradient = new Float64Array(count);
    this.#first = new Float64Array(count);
    this.#second = new Float64Array(count);
    for (let target = 0; target < data.targetCount; target++) this.#startAtQuantiles(target);
  }

  #startAtQuantiles(target: number): void {
    const { targets, targetCount } = this.#data;
    const values = targets
      .filter((value, index) => index % targetCount === target && !Number.isNaN(value))
      .sort();
    QUANTILES.forEach((level, k) => {
      const addend = (target * QUANTILE_COUNT + k + 1) * this.#stride - 1;
      this.weights[addend] = values[Math.floor(level * values.length)] ?? 0;
    });
  }

  step(rows: readonly number[], rate: number): void {
    this.#gradient.fill(0);
    for (const row of rows) this.#addRow(row);
    this.#decay1 *= BETA1;
    this.#decay2 *= BETA2;
    for (let index = 0; index < this.weights.length; index++) {
      const slope = (this.#gradient[index] ?? 0) / rows.length;
      const first = BETA1 * (this.#first[index] ?? 0) + (1 - BETA1) * slope;
      const second = BETA2 * (this.#second[index] ?? 0) + (1 - BETA2) * slope * slope;
      this.#first[index] = first;
      this.#second[index] = second;
      const size = Math.sqrt(second / (1 - this.#decay2)) + EPSILON;
      const step = (rate * first) / (1 - this.#decay1) / size;
      this.weights[index] = (this.weights[index] ?? 0) - step;
    }
  }

  #addRow(row: number): void {
    const { features, featureCount, targets, targetCount } = this.#data;
    const from = row * featureCount;
    for (let target = 0; target < targetCount; target++) {
      const truth = targets[row * targetCount + target] ?? Number.NaN;
      if (Number.isNaN(truth)) continue;
      for (let k = 0; k < QUANTILE_COUNT; k++) {
        const at = (target * QUANTILE_COUNT + k) * this.#stride;
        let sum = this.weights[at + featureCount] ?? 0;
        for (let feature = 0; feature < featureCount; feature++) {
          sum += (this.weights[at + feature] ?? 0) * (features[from + feature] ?? 0);
        }
        const level = QUANTILES[k] ?? 0;
        const slope = truth > sum ? -level : 1 - level;
        for (let feature = 0; feature < featureCount; feature++) {
          const index = at + feature;
          this.#gradient[index] =
            (this.#gradient[index] ?? 0) + slope * (features[from + feature] ?? 0);
        }
        this.#gradient[at + featureCount] = (this.#gradient[at + featureCount] ?? 0) + slope;
      }
    }
  }
}
