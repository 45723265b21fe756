/** What the simpler rungs know: an instance's own statistics, and those of its job type. */

import { QUANTILES, RESOURCE_COUNT } from "../core/abi.js";
import { invariant } from "../lib/assert.js";
import type { LearntArrays, LearntPart } from "./learnt.js";

/** Bytes that the core's `statistics` writes a tile, and f32 words from one row to the next. */
export const STATISTICS_TILE_BYTES = 384;
const ROW_WORDS = 32;

/** One instance's statistics, four values each (cpu, memory, network, disk), NaN = never seen. */
export interface InstanceStatistics {
  /** max(2 h mean + 5 sigma, 24 h mean + 3 sigma) */
  readonly statistic: readonly number[];
  /** 2 h mean + 1 sigma */
  readonly middle: readonly number[];
  /** Largest value of the week up to the last sample. */
  readonly largest: readonly number[];
}

/**
 * Reads what the core's `statistics` wrote.
 *
 * @param floats view over the whole memory
 * @param ptr address of the tile's result
 */
export function readStatistics(
  floats: Float32Array,
  ptr: number,
  lane: number,
): InstanceStatistics {
  const row = (index: number): number[] => {
    const at = ptr / 4 + index * ROW_WORDS + lane * RESOURCE_COUNT;
    return [...floats.subarray(at, at + RESOURCE_COUNT)];
  };
  return { statistic: row(0), middle: row(1), largest: row(2) };
}

/** Buckets of a quarter octave from 2^-12 to 2^24; the first one begins at 0. */
const OCTAVE_FROM = -12;
const OCTAVE_TO = 24;
// No Math.pow: the edges must be the same bits everywhere.
const QUARTERS = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];
const EDGES = Float64Array.from({ length: (OCTAVE_TO - OCTAVE_FROM) * 4 + 1 }, (_, index) => {
  const octave = OCTAVE_FROM + (index >> 2);
  return powerOfTwo(octave) * (QUARTERS[index & 3] ?? 1);
});
/** Weights halve when they sum to this, so that old days fade. */
const WEIGHT_MAX = 1_048_576;
/** Fewer observations than this say nothing of a type. */
const OBSERVATIONS_MIN = 12;

function powerOfTwo(exponent: number): number {
  let power = 1;
  for (let step = 0; step < Math.abs(exponent); step++) power *= exponent < 0 ? 0.5 : 2;
  return power;
}

/** One double and its two halves, the second with sign and exponent (as in the core's memory). */
const DOUBLE = new Float64Array(1);
const HALVES = new Uint32Array(DOUBLE.buffer);
const EXPONENT_MASK = 0x7ff;
const EXPONENT_BIAS = 1_023;

/** Index of the bucket that holds a value >= 0. */
function bucketOf(value: number): number {
  DOUBLE[0] = value;
  const octave = (((HALVES[1] ?? 0) >>> 20) & EXPONENT_MASK) - EXPONENT_BIAS;
  if (octave < OCTAVE_FROM) return 0;
  if (octave >= OCTAVE_TO) return EDGES.length;
  let bucket = (octave - OCTAVE_FROM) * 4 + 1;
  while ((EDGES[bucket] ?? Number.POSITIVE_INFINITY) <= value) bucket++;
  return bucket;
}

/** Quantiles, resource x level as a keep-need: index = resource * 4 + quantile, NaN = unknown. */
export type EmpiricalQuantiles = Float64Array;

/**
 * Empirical quantiles of what the instances of a job type used, and of all instances together: the
 * answer for an instance of which too little is known (the idea of NPTS: the past's own values).
 */
export class Population implements LearntPart {
  readonly #types = new Map<string, TypeHistogram>();
  readonly #all = new TypeHistogram();

  /** Takes one sample's values (cpu, memory, network, disk); NaN and negative ones are left out. */
  observe(jobType: string | undefined, values: readonly number[]): void {
    this.#all.add(values);
    if (jobType === undefined) return;
    this.#findOrAdd(jobType).add(values);
  }

  get arrays(): LearntArrays {
    return this.#all.arrays;
  }

  typeNames(): Iterable<string> {
    return this.#types.keys();
  }

  typeArrays(jobType: string): LearntArrays {
    return this.#findOrAdd(jobType).arrays;
  }

  loaded(): void {}

  #findOrAdd(jobType: string): TypeHistogram {
    const found = this.#types.get(jobType);
    if (found !== undefined) return found;
    const histogram = new TypeHistogram();
    this.#types.set(jobType, histogram);
    return histogram;
  }

  /** Of the type where it is known well enough, else of everything; null when that is not either. */
  quantiles(jobType: string | undefined): EmpiricalQuantiles | null {
    const own = jobType === undefined ? undefined : this.#types.get(jobType);
    if (own?.isKnown === true) return own.quantiles();
    return this.#all.isKnown ? this.#all.quantiles() : null;
  }
}

/** One histogram a resource. */
class TypeHistogram {
  readonly #weights = Array.from({ length: RESOURCE_COUNT }, () => {
    return new Float64Array(EDGES.length + 1);
  });
  readonly #totals = new Float64Array(RESOURCE_COUNT);
  /** One number. */
  readonly #samples = new Float64Array(1);

  get isKnown(): boolean {
    return (this.#samples[0] ?? 0) >= OBSERVATIONS_MIN;
  }

  add(values: readonly number[]): void {
    invariant(values.length === RESOURCE_COUNT, "a population takes one value a resource");
    this.#samples[0] = (this.#samples[0] ?? 0) + 1;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const value = values[resource] ?? Number.NaN;
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) continue;
      const weights = this.#weights[resource] ?? new Float64Array();
      const bucket = bucketOf(value);
      weights[bucket] = (weights[bucket] ?? 0) + 1;
      const total = (this.#totals[resource] ?? 0) + 1;
      this.#totals[resource] = total >= WEIGHT_MAX ? halve(weights) : total;
    }
  }

  get arrays(): LearntArrays {
    const weights = this.#weights.map((each, resource) => [`weights${resource}`, each] as const);
    return { ...Object.fromEntries(weights), totals: this.#totals, samples: this.#samples };
  }

  quantiles(): EmpiricalQuantiles {
    const out = new Float64Array(RESOURCE_COUNT * QUANTILES.length);
    this.#weights.forEach((weights, resource) => {
      const total = this.#totals[resource] ?? 0;
      QUANTILES.forEach((level, index) => {
        out[resource * QUANTILES.length + index] = quantile(weights, total, level);
      });
    });
    return out;
  }
}

function halve(weights: Float64Array): number {
  let total = 0;
  for (let bucket = 0; bucket < weights.length; bucket++) {
    const half = (weights[bucket] ?? 0) / 2;
    weights[bucket] = half;
    total += half;
  }
  return total;
}

/** Linear within its bucket; NaN without weight. */
function quantile(weights: Float64Array, total: number, level: number): number {
  if (total === 0) return Number.NaN;
  const target = total * level;
  let below = 0;
  for (let bucket = 0; bucket < weights.length; bucket++) {
    const weight = weights[bucket] ?? 0;
    if (weight > 0 && below + weight >= target) {
      const from = bucket === 0 ? 0 : (EDGES[bucket - 1] ?? 0);
      const to = EDGES[Math.min(bucket, EDGES.length - 1)] ?? 0;
      return from + ((target - below) / weight) * (to - from);
    }
    below += weight;
  }
  return EDGES[EDGES.length - 1] ?? 0;
}
