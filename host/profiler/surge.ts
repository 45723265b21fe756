import {
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import { distance } from "./shift.js";

/** Restarts kept of a job type, the newest ones. */
const RESERVOIR = 64;
/** Restarts after which a type's own surge weighs half. */
const SHRINKAGE = 5;
const OWN = RESOURCE_COUNT * QUANTILE_COUNT;
/** More than this in asinh space is no surge but a wrong unit. */
const SURGE_MAX = 6;

/** exp(-(t - 5 min) / 10 min) at the middle of each phase: 5, 20 and 45 min after the restart. */
export const SURGE_DECAY = [1, 0.22313016014842982, 0.01831563888873418] as const;

/** Surge of the first phase, resource x quantile, in asinh space, where a type is hardly known. */
export type SurgePrior = readonly number[];

export const NO_PRIOR: SurgePrior = new Array<number>(OWN).fill(0);

/** What the network said when the instance stopped, before any surge. */
export interface StopAnswer {
  /** 48 quantiles. */
  readonly envelope: ArrayLike<number>;
  /** Four, one a resource. */
  readonly scale: ArrayLike<number>;
}

interface TypeSurge {
  count: number;
  /** `RESERVOIR` rows of resource x quantile. */
  readonly excess: Float64Array;
  /** Restarts that showed each resource. */
  readonly seen: Uint32Array;
  /** Quantiles of the excess, resource x quantile. */
  readonly quantiles: Float64Array;
}

/**
 * What restarts of a job type need beyond what the network expects of undisturbed instances.
 *
 * A restart leaves, for each resource and level, the excess of its first phase: asinh of the peak
 * less asinh of the network's own quantile of that level. The level's quantile over the last 64 of
 * a type is the shift that would have covered that share of them. (The distance to the median
 * instead would count the spread that the network states already once more.) A type without surge
 * has excesses around zero at its quantiles, so its shift is about zero; a negative one is none.
 *
 *   m = n / (n + 5), shift = m (m Q(excess) + (1 - m) prior) x decay of the phase, where Q > 0
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

  /** In asinh space, by `envelopeRow`; from 0. */
  offset(jobType: string | undefined, row: number): number {
    const type = this.#find(jobType);
    if (type === undefined) return 0;
    const resource = Math.floor(row / (PHASE_COUNT * QUANTILE_COUNT));
    const at = resource * QUANTILE_COUNT + (row % QUANTILE_COUNT);
    const count = type.seen[resource] ?? 0;
    const own = count / (count + SHRINKAGE);
    const shown = type.quantiles[at] ?? 0;
    if (shown <= 0) return 0;
    const mixed = own * shown + (1 - own) * (this.#prior[at] ?? 0);
    const phase = Math.floor(row / QUANTILE_COUNT) % PHASE_COUNT;
    return own * mixed * (SURGE_DECAY[phase] ?? 0);
  }

  /** @param peaks resource x phase of a restart, NaN where nothing was seen */
  learn(jobType: string | undefined, peaks: ArrayLike<number>, answer: StopAnswer): void {
    if (jobType === undefined || peaks.length !== NEED_COLUMNS) return;
    const type = this.#find(jobType) ?? this.#add(jobType);
    if (type === undefined) return;
    let hasSeen = false;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const excess = excessOf(resource, peaks, answer);
      if (excess.some(Number.isNaN)) continue;
      hasSeen = true;
      const seen = type.seen[resource] ?? 0;
      type.excess.set(excess, (seen % RESERVOIR) * OWN + resource * QUANTILE_COUNT);
      type.seen[resource] = seen + 1;
      refresh(type, resource);
    }
    if (hasSeen) type.count++;
  }

  #find(jobType: string | undefined): TypeSurge | undefined {
    return jobType === undefined ? undefined : this.#types.get(jobType);
  }

  #add(jobType: string): TypeSurge | undefined {
    if (this.#types.size >= LIMITS.jobTypesTrackedMax) return undefined;
    const type: TypeSurge = {
      count: 0,
      excess: new Float64Array(RESERVOIR * OWN),
      seen: new Uint32Array(RESOURCE_COUNT),
      quantiles: new Float64Array(OWN),
    };
    this.#types.set(jobType, type);
    return type;
  }
}

/** Of the first phase, one a level; NaN where it is not known. */
export function excessOf(
  resource: number,
  peaks: ArrayLike<number>,
  { envelope, scale }: StopAnswer,
): readonly number[] {
  const column = needColumn(resource, 0);
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

function refresh(type: TypeSurge, resource: number): void {
  const kept = Math.min(RESERVOIR, type.seen[resource] ?? 0);
  for (const [quantile, level] of QUANTILES.entries()) {
    const at = resource * QUANTILE_COUNT + quantile;
    const values = Array.from({ length: kept }, (_, row) => type.excess[row * OWN + at] ?? 0);
    type.quantiles[at] = upperQuantile(values, level);
  }
}
