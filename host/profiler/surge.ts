import {
  ENVELOPE_ROWS,
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import { distance } from "./shift.js";
import {
  DECAY_MINUTES_DEFAULT,
  fitDecay,
  mixDecays,
  phaseShares,
  settledMinutes,
} from "./surge-decay.js";

/** Restarts kept of a job type, the newest ones. */
const RESERVOIR = 64;
/** Restarts after which a type's own surge weighs half. */
const SHRINKAGE = 5;
const OWN = RESOURCE_COUNT * QUANTILE_COUNT;
const ROWS_A_RESOURCE = PHASE_COUNT * QUANTILE_COUNT;
/** More than this in asinh space is no surge but a wrong unit. */
const SURGE_MAX = 6;

/** A surge that moves no quantile by more than this, in asinh space, is over. */
const SETTLED_BELOW = 0.05;

/** What is assumed of a job type that is hardly known. */
export interface SurgePrior {
  /** Excess of the first phase, resource x quantile, in asinh space. */
  readonly excess: readonly number[];
  /** Four, one a resource: minutes in which a surge falls to 1 / e. */
  readonly decayMinutes: readonly number[];
}

export const NO_PRIOR: SurgePrior = {
  excess: new Array<number>(OWN).fill(0),
  decayMinutes: new Array<number>(RESOURCE_COUNT).fill(DECAY_MINUTES_DEFAULT),
};

/** What the network said when the instance stopped, before any surge. */
export interface StopAnswer {
  /** 48 quantiles. */
  readonly envelope: ArrayLike<number>;
  /** Four, one a resource. */
  readonly scale: ArrayLike<number>;
}

interface TypeSurge {
  count: number;
  /** `RESERVOIR` rows of resource x phase x quantile. */
  readonly excess: Float32Array;
  /** Restarts that showed each resource. */
  readonly seen: Uint32Array;
  /** Quantiles of the excess, resource x phase x quantile; NaN where never seen. */
  readonly quantiles: Float64Array;
  /** Minutes, one a resource; the prior's until a surge was seen. */
  readonly decays: Float64Array;
}

/**
 * What restarts of a job type need beyond what the network expects of undisturbed instances.
 *
 * A restart leaves, for each resource, phase and level, its excess: asinh of the peak less asinh of
 * the network's own quantile of that level. The level's quantile over the last 64 of a type is the
 * shift that would have covered that share of them. (The distance to the median instead would count
 * the spread that the network states already once more.) A type without surge has excesses around
 * zero at its quantiles, so its shift is about zero; a negative one is none.
 *
 *   m = n / (n + 5), shift = (m Q(excess of the first phase) + m (1 - m) prior) exp(-t / T), Q > 0
 *
 * where t = 0, 10, 30 min is the start of the phase and T the decay that fits the later phases'
 * excess best, mixed with the prior's by m in octaves. So the phases always fall.
 *
 * With no restart of the type the shift is 0, and so it is where the type's own restarts show no
 * excess: what restarts of other types did is no evidence about this one. The prior only steadies
 * the size while few restarts show one. Instances without a job type have no surge of
 * their own; the offsets that all restarts share hold for them.
 */
export class SurgeBook {
  readonly #prior: SurgePrior;
  readonly #types = new Map<string, TypeSurge>();

  constructor(prior: SurgePrior = NO_PRIOR) {
    this.#prior = prior;
  }

  /** Restarts of a type so far. */
  count(jobType: string | undefined): number {
    return this.#find(jobType)?.count ?? 0;
  }

  /** In asinh space, by `envelopeRow`; from 0, and never rising from phase to phase. */
  offset(jobType: string | undefined, row: number): number {
    const type = this.#find(jobType);
    if (type === undefined) return 0;
    const resource = Math.floor(row / ROWS_A_RESOURCE);
    const phase = Math.floor(row / QUANTILE_COUNT) % PHASE_COUNT;
    const size = this.#size(type, resource, row % QUANTILE_COUNT);
    if (size === 0 || phase === 0) return size;
    return size * (phaseShares(type.decays[resource] ?? DECAY_MINUTES_DEFAULT)[phase] ?? 0);
  }

  /** Minutes in which a surge falls to 1 / e; undefined before the type's first restart. */
  decayMinutes(jobType: string | undefined, resource: number): number | undefined {
    return this.#find(jobType)?.decays[resource];
  }

  /** Minutes after a restart from which no quantile is raised any more; 0 without a surge. */
  settledAfterMinutes(jobType: string | undefined): number {
    const type = this.#find(jobType);
    if (type === undefined) return 0;
    let latest = 0;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
        const size = this.#size(type, resource, quantile);
        const decay = type.decays[resource] ?? DECAY_MINUTES_DEFAULT;
        latest = Math.max(latest, settledMinutes(size, SETTLED_BELOW, decay));
      }
    }
    return latest;
  }

  /** @param peaks resource x phase of a restart, NaN where nothing was seen */
  learn(jobType: string | undefined, peaks: ArrayLike<number>, answer: StopAnswer): void {
    if (jobType === undefined || peaks.length !== NEED_COLUMNS) return;
    const type = this.#find(jobType) ?? this.#add(jobType);
    if (type === undefined) return;
    let hasSeen = false;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      if (excessOf(needColumn(resource, 0), peaks, answer).some(Number.isNaN)) continue;
      hasSeen = true;
      const seen = type.seen[resource] ?? 0;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const column = needColumn(resource, phase);
        const at = (seen % RESERVOIR) * ENVELOPE_ROWS + column * QUANTILE_COUNT;
        type.excess.set(excessOf(column, peaks, answer), at);
      }
      type.seen[resource] = seen + 1;
      this.#refresh(type, resource);
    }
    if (hasSeen) type.count++;
  }

  /** Of the first phase. */
  #size(type: TypeSurge, resource: number, quantile: number): number {
    const count = type.seen[resource] ?? 0;
    const shown = type.quantiles[resource * ROWS_A_RESOURCE + quantile] ?? 0;
    if (count === 0 || !(shown > 0)) return 0;
    const own = count / (count + SHRINKAGE);
    const prior = this.#prior.excess[resource * QUANTILE_COUNT + quantile] ?? 0;
    return own * (shown + (1 - own) * prior);
  }

  #refresh(type: TypeSurge, resource: number): void {
    const count = type.seen[resource] ?? 0;
    const kept = Math.min(RESERVOIR, count);
    const from = resource * ROWS_A_RESOURCE;
    for (let row = from; row < from + ROWS_A_RESOURCE; row++) {
      const values: number[] = [];
      for (let restart = 0; restart < kept; restart++) {
        const value = type.excess[restart * ENVELOPE_ROWS + row] ?? Number.NaN;
        if (!Number.isNaN(value)) values.push(value);
      }
      const level = QUANTILES[row % QUANTILE_COUNT] ?? 0;
      type.quantiles[row] = values.length === 0 ? Number.NaN : upperQuantile(values, level);
    }
    const prior = this.#prior.decayMinutes[resource] ?? DECAY_MINUTES_DEFAULT;
    const fitted = fitDecay(type.quantiles.subarray(from, from + ROWS_A_RESOURCE));
    const own = fitted === undefined ? 0 : count / (count + SHRINKAGE);
    type.decays[resource] = mixDecays(fitted ?? prior, prior, own);
  }

  #find(jobType: string | undefined): TypeSurge | undefined {
    return jobType === undefined ? undefined : this.#types.get(jobType);
  }

  #add(jobType: string): TypeSurge | undefined {
    if (this.#types.size >= LIMITS.jobTypesTrackedMax) return undefined;
    const type: TypeSurge = {
      count: 0,
      excess: new Float32Array(RESERVOIR * ENVELOPE_ROWS),
      seen: new Uint32Array(RESOURCE_COUNT),
      quantiles: new Float64Array(ENVELOPE_ROWS).fill(Number.NaN),
      decays: Float64Array.from(this.#prior.decayMinutes),
    };
    this.#types.set(jobType, type);
    return type;
  }
}

/** Of one resource and phase (`needColumn`), one a level; NaN where it is not known. */
export function excessOf(
  column: number,
  peaks: ArrayLike<number>,
  { envelope, scale }: StopAnswer,
): readonly number[] {
  const resource = Math.floor(column / PHASE_COUNT);
  return QUANTILES.map((_, quantile) => {
    const said = envelope[column * QUANTILE_COUNT + quantile] ?? Number.NaN;
    const far = distance(peaks[column] ?? Number.NaN, said, scale[resource] ?? Number.NaN);
    return Math.min(SURGE_MAX, Math.max(-SURGE_MAX, far));
  });
}

/** The smallest value that covers the share `level` of n + 1; the largest of few. */
export function upperQuantile(values: readonly number[], level: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.ceil((sorted.length + 1) * level));
  return sorted[rank - 1] ?? 0;
}
