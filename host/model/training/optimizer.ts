import type { Kernel } from "../../core/kernel.js";
import { RepriseError } from "../../lib/errors.js";
import { CHUNK_TILES, type TrainingLayout } from "./layout.js";
import { parameterLayout } from "./parameters.js";

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
const NORM_MAX = 1;
const WARM_UP = 0.15;
/** The cycle starts at this part of its peak. */
const START_PART = 0.04;

/**
 * Learning rate of one cycle: a line up to the peak over the first 15 %, then a smooth fall to 0.
 * Multiplications only, so that every machine computes the same rate.
 */
export function oneCycleRate(step: number, steps: number, peak: number): number {
  const at = (step + 0.5) / steps;
  if (at < WARM_UP) return peak * (START_PART + (1 - START_PART) * (at / WARM_UP));
  const rest = (1 - at) / (1 - WARM_UP);
  return peak * rest * rest * (3 - 2 * rest);
}

/** What Adam carries from step to step. */
export interface OptimizerState {
  readonly mean: Float32Array;
  readonly square: Float32Array;
  /** beta1 and beta2 to the power of the steps so far. */
  readonly powers: readonly [number, number];
}

/** Adds the chunks' gradients in their order, clips the norm to 1 and moves the weights. */
export class Optimizer {
  readonly #kernel: Kernel;
  readonly #layout: TrainingLayout;
  readonly #losses: Float64Array;
  readonly #count: number;
  readonly #mean: Float32Array;
  readonly #square: Float32Array;
  #power1 = 1;
  #power2 = 1;

  constructor(core: { kernel: Kernel; memory: WebAssembly.Memory }, layout: TrainingLayout) {
    this.#kernel = core.kernel;
    this.#layout = layout;
    this.#losses = new Float64Array(core.memory.buffer, layout.losses);
    this.#count = parameterLayout(layout.sizes.shape).count;
    this.#mean = new Float32Array(core.memory.buffer, layout.mean, this.#count);
    this.#square = new Float32Array(core.memory.buffer, layout.square, this.#count);
  }

  /** A copy. */
  get state(): OptimizerState {
    const powers = [this.#power1, this.#power2] as const;
    return { mean: this.#mean.slice(), square: this.#square.slice(), powers };
  }

  restore({ mean, square, powers }: OptimizerState): void {
    this.#mean.set(mean);
    this.#square.set(square);
    [this.#power1, this.#power2] = powers;
  }

  /** Sum of the losses that the workers left for `entries` events, and the number of terms. */
  lossSum(entries: number): { readonly sum: number; readonly terms: number } {
    let sum = 0;
    let terms = 0;
    for (let chunk = 0; chunk * CHUNK_TILES < entries; chunk++) {
      sum += this.#losses[chunk * 2] ?? 0;
      terms += this.#losses[chunk * 2 + 1] ?? 0;
    }
    return { sum, terms };
  }

  /**
   * @param entries event tiles of the batch
   * @param decay part of each weight that a rate of 1 would take away
   * @throws ERR_STATE when the gradient is not finite; the weights have not moved then
   */
  step(entries: number, rate: number, decay: number): void {
    const { gradients, gradientBytes, weights, mean, square } = this.#layout;
    const { terms } = this.lossSum(entries);
    if (terms === 0) return;
    const chunks = Math.ceil(entries / CHUNK_TILES);
    const kernel = this.#kernel;
    kernel.gradientSum(gradients, gradientBytes, chunks, gradients, this.#count, 1 / terms);
    const norm = Math.sqrt(kernel.squaredNorm(gradients, this.#count));
    if (!Number.isFinite(norm)) {
      throw new RepriseError("ERR_STATE", "the gradient is not finite", { got: norm });
    }
    this.#power1 *= BETA1;
    this.#power2 *= BETA2;
    kernel.adamStep(
      weights,
      gradients,
      mean,
      square,
      this.#count,
      norm > NORM_MAX ? NORM_MAX / norm : 1,
      rate / (1 - this.#power1),
      BETA1,
      BETA2,
      1 / (1 - this.#power2),
      EPSILON,
      1 - rate * decay,
    );
  }
}
