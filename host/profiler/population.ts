import { QUANTILES, RESOURCE_COUNT } from "../core/abi.js";
import { invariant } from "../lib/assert.js";
import type { LearntArrays, LearntPart } from "./learnt.js";

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

/** Float32: 8 bits of exponent above 23 of fraction. */
const FRACTION_BITS = 23;
const FRACTION_MASK = 2 ** FRACTION_BITS - 1;
const EXPONENT_BIAS = 127;
const FINITE_MAX = 0x7f7fffff;
const MINUS_ZERO = 0x80000000;
/** Fractions from which on a value is in the second, third and fourth quarter of its octave. */
const FRACTIONS = Uint32Array.from(QUARTERS.slice(1), (quarter) => {
  return Math.ceil((quarter - 1) * 2 ** FRACTION_BITS);
});
/** No bucket: missing, negative or infinite. */
const NONE = 0xff;

/** @param bits of a float32. @returns index of the bucket that holds it */
function bucketOf(bits: number): number {
  if (bits > FINITE_MAX) return bits === MINUS_ZERO ? 0 : NONE;
  const octave = (bits >>> FRACTION_BITS) - EXPONENT_BIAS;
  if (octave < OCTAVE_FROM) return 0;
  if (octave >= OCTAVE_TO) return EDGES.length;
  const fraction = bits & FRACTION_MASK;
  let bucket = (octave - OCTAVE_FROM) * 4 + 1;
  if (fraction >= (FRACTIONS[0] ?? 0)) bucket++;
  if (fraction >= (FRACTIONS[1] ?? 0)) bucket++;
  if (fraction >= (FRACTIONS[2] ?? 0)) bucket++;
  return bucket;
}

/** Quantiles, resource x level as a keep-need: index = resource * 4 + quantile, NaN = unknown. */
export type EmpiricalQuantiles = Float64Array;

/**
 * Empirical quantiles of what the instances of a job type used, and of all instances together: the
 * answer for an instance of which too little is known (the idea of NPTS: the past's own values).
 */
export class Population implements LearntPart {
  /** In the order of their first sample. */
  readonly #types = new Map<string, TypeHistogram>();
  readonly #all = new TypeHistogram();
  readonly #indices = new Map<string, number>();
  /** By index. */
  readonly #names: string[] = [];
  readonly #histograms: (TypeHistogram | undefined)[] = [];
  /** One sample: its values, their bits, their buckets. */
  readonly #values = new Float32Array(RESOURCE_COUNT);
  readonly #bits = new Uint32Array(this.#values.buffer);
  readonly #buckets = new Uint8Array(RESOURCE_COUNT);

  /** What stands for a job type in `observe`; -1 for none. */
  indexOf(jobType: string | undefined): number {
    if (jobType === undefined) return -1;
    const known = this.#indices.get(jobType);
    if (known !== undefined) return known;
    this.#indices.set(jobType, this.#names.length);
    return this.#names.push(jobType) - 1;
  }

  /**
   * Takes one sample's values (cpu, memory, network, disk; float32); NaN and negative ones are left
   * out.
   */
  observe(typeIndex: number, values: readonly number[]): void {
    invariant(values.length === RESOURCE_COUNT, "a population takes one value a resource");
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      this.#values[resource] = values[resource] ?? Number.NaN;
      this.#buckets[resource] = bucketOf(this.#bits[resource] ?? 0);
    }
    this.#all.add(this.#buckets);
    const name = this.#names[typeIndex];
    if (name === undefined) return;
    let histogram = this.#histograms[typeIndex];
    if (histogram === undefined) {
      histogram = this.#findOrAdd(name);
      this.#histograms[typeIndex] = histogram;
    }
    histogram.add(this.#buckets);
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

  /** @param buckets one a resource */
  add(buckets: Uint8Array): void {
    this.#samples[0] = (this.#samples[0] ?? 0) + 1;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const bucket = buckets[resource] ?? NONE;
      const weights = this.#weights[resource];
      if (bucket === NONE || weights === undefined) continue;
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
