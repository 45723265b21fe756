import {
  ENVELOPE_ROWS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { DECAY_MINUTES_DEFAULT, fitDecay, mixDecays, phaseShares } from "./surge-decay.js";

/** Restarts kept, the newest ones. */
const RESERVOIR = 64;
/** Restarts after which a type's own surge weighs half. */
const SHRINKAGE = 5;
const ROWS_A_RESOURCE = PHASE_COUNT * QUANTILE_COUNT;

/** What is assumed where few restarts were seen. */
export interface SizePrior {
  /** Excess of the first phase, resource x quantile. */
  readonly size: readonly number[];
  /** Four, one a resource: minutes in which a surge falls to 1 / e. */
  readonly decayMinutes: readonly number[];
}

export const NO_SIZE: SizePrior = {
  size: new Array<number>(RESOURCE_COUNT * QUANTILE_COUNT).fill(0),
  decayMinutes: new Array<number>(RESOURCE_COUNT).fill(DECAY_MINUTES_DEFAULT),
};

/**
 * The last restarts' excess over what was stated, in one measure, and the shift that follows:
 *
 *   m = n / (n + 5), shift = m (Q(excess of the first phase) + (1 - m) prior) exp(-t / T), Q > 0
 *
 * where t = 0, 10, 30 min is the start of the phase and T the decay that fits the later phases'
 * excess best, mixed with the prior's by m in octaves. So the phases always fall.
 */
export class SurgeTable {
  readonly #prior: SizePrior;
  /** `RESERVOIR` rows of resource x phase x quantile. */
  readonly #excess = new Float32Array(RESERVOIR * ENVELOPE_ROWS);
  /** Restarts that showed each resource. */
  readonly #seen = new Uint32Array(RESOURCE_COUNT);
  /** Quantiles of the excess, resource x phase x quantile; NaN where never seen. */
  readonly #quantiles = new Float64Array(ENVELOPE_ROWS).fill(Number.NaN);
  readonly #decays: Float64Array;

  constructor(prior: SizePrior) {
    this.#prior = prior;
    this.#decays = Float64Array.from(prior.decayMinutes);
  }

  /** By `envelopeRow`; from 0, and never rising from phase to phase. */
  shift(row: number): number {
    const resource = Math.floor(row / ROWS_A_RESOURCE);
    const phase = Math.floor(row / QUANTILE_COUNT) % PHASE_COUNT;
    return this.#decayed(resource, phase, this.size(resource, row % QUANTILE_COUNT));
  }

  /** The same as the restarts showed it, with no regard to how few they are. */
  shown(row: number): number {
    const resource = Math.floor(row / ROWS_A_RESOURCE);
    const phase = Math.floor(row / QUANTILE_COUNT) % PHASE_COUNT;
    const first = this.#quantiles[resource * ROWS_A_RESOURCE + (row % QUANTILE_COUNT)] ?? 0;
    // Nothing was seen where it is NaN.
    return first > 0 ? this.#decayed(resource, phase, first) : 0;
  }

  /** Shift of the first phase. */
  size(resource: number, quantile: number): number {
    const count = this.#seen[resource] ?? 0;
    const shown = this.#quantiles[resource * ROWS_A_RESOURCE + quantile] ?? 0;
    if (count === 0 || !(shown > 0)) return 0;
    const own = count / (count + SHRINKAGE);
    const prior = this.#prior.size[resource * QUANTILE_COUNT + quantile] ?? 0;
    return own * (shown + (1 - own) * prior);
  }

  /** Minutes in which the surge falls to 1 / e. */
  decayMinutes(resource: number): number {
    return this.#decays[resource] ?? DECAY_MINUTES_DEFAULT;
  }

  /** @param excess phase x quantile of one resource; NaN where a phase was not seen */
  add(resource: number, excess: readonly number[]): void {
    const seen = this.#seen[resource] ?? 0;
    const at = (seen % RESERVOIR) * ENVELOPE_ROWS + resource * ROWS_A_RESOURCE;
    this.#excess.set(excess, at);
    this.#seen[resource] = seen + 1;
    this.#refresh(resource);
  }

  get arrays(): { readonly excess: Float32Array; readonly seen: Uint32Array } {
    return { excess: this.#excess, seen: this.#seen };
  }

  /** The arrays were replaced. */
  loaded(): void {
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      if ((this.#seen[resource] ?? 0) > 0) this.#refresh(resource);
    }
  }

  #decayed(resource: number, phase: number, size: number): number {
    if (size === 0 || phase === 0) return size;
    return size * (phaseShares(this.decayMinutes(resource))[phase] ?? 0);
  }

  #refresh(resource: number): void {
    const count = this.#seen[resource] ?? 0;
    const kept = Math.min(RESERVOIR, count);
    const from = resource * ROWS_A_RESOURCE;
    for (let row = from; row < from + ROWS_A_RESOURCE; row++) {
      const values: number[] = [];
      for (let restart = 0; restart < kept; restart++) {
        const value = this.#excess[restart * ENVELOPE_ROWS + row] ?? Number.NaN;
        if (!Number.isNaN(value)) values.push(value);
      }
      const level = QUANTILES[row % QUANTILE_COUNT] ?? 0;
      this.#quantiles[row] = values.length === 0 ? Number.NaN : upperQuantile(values, level);
    }
    const prior = this.#prior.decayMinutes[resource] ?? DECAY_MINUTES_DEFAULT;
    const fitted = fitDecay(this.#quantiles.subarray(from, from + ROWS_A_RESOURCE));
    const own = fitted === undefined ? 0 : count / (count + SHRINKAGE);
    this.#decays[resource] = mixDecays(fitted ?? prior, prior, own);
  }
}

/** The smallest value that covers the share `level` of n + 1; the largest of few. */
export function upperQuantile(values: readonly number[], level: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.ceil((sorted.length + 1) * level));
  return sorted[rank - 1] ?? 0;
}
