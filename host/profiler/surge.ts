import {
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import type { LearntArrays, LearntPart } from "./learnt.js";
import { distance, shifted } from "./shift.js";
import { settledMinutes } from "./surge-decay.js";
import { NO_SIZE, type SizePrior, SurgeTable } from "./surge-table.js";

/** More than this in asinh space is no surge but a wrong unit. */
const SURGE_MAX = 6;
/** A surge below this share of what it was is over. */
const SETTLED_SHARE = 0.05;
/** The measures are compared at .95 over about the last 32 restarts. */
const COMPARED_LEVEL = 2;
const FORGOTTEN = 1 / 32;

/** What is assumed of a job type that is hardly known, in both measures. */
export interface SurgePrior {
  /** In the resources' units. */
  readonly added: SizePrior;
  /** In asinh space. */
  readonly scaled: SizePrior;
}

export const NO_PRIOR: SurgePrior = { added: NO_SIZE, scaled: NO_SIZE };

/** What was said when the instance stopped, before anything that restarts taught. */
export interface StopAnswer {
  /** 0 or absent: by the network; 2: by the statistics in a demoted network's place. */
  readonly rung?: 0 | 2;
  /** 48 quantiles. */
  readonly envelope: ArrayLike<number>;
  /** Four, one a resource. */
  readonly scale: ArrayLike<number>;
}

/** What a surge does to one quantile: one of the two is 0. */
export interface SurgeShift {
  /** In asinh space. */
  readonly scaled: number;
  /** In the resource's unit. */
  readonly added: number;
}

export const NO_SHIFT: SurgeShift = { scaled: 0, added: 0 };

interface TypeSurge {
  /** One number. */
  readonly count: Uint32Array;
  readonly added: SurgeTable;
  readonly scaled: SurgeTable;
  /** Pinball loss of each measure so far, added and scaled, one pair a resource. */
  readonly losses: Float64Array;
}

/**
 * What restarts of a job type need beyond what the network expects of undisturbed instances.
 *
 * A restart leaves, for each resource, phase and level, its excess: the peak less the network's own
 * quantile of that level. The level's quantile over the last 64 of a type is the shift that would
 * have covered that share of them. (The distance to the median instead would count the spread that
 * the network states already once more.) A type without surge has excesses around zero at its
 * quantiles, so its shift is about zero; a negative one is none.
 *
 * The excess is kept in two measures: in the resource's unit, as of a boot that does the same work
 * however busy the instance was, and in asinh space, as of a service whose surge grows with its
 * load. For each type and resource that one answers which lost less on the restarts before.
 *
 * With no restart of the type the shift is 0, and so it is where the type's own restarts show no
 * excess: what restarts of other types did is no evidence about this one. The prior only steadies
 * the size while few restarts show one. Instances without a job type have no surge of
 * their own; the offsets that all restarts share hold for them.
 */
export class SurgeBook implements LearntPart {
  readonly arrays: LearntArrays = {};
  readonly #prior: SurgePrior;
  readonly #types = new Map<string, TypeSurge>();

  constructor(prior: SurgePrior = NO_PRIOR) {
    this.#prior = prior;
  }

  /** Restarts of a type so far. */
  count(jobType: string | undefined): number {
    return this.#find(jobType)?.count[0] ?? 0;
  }

  /** By `envelopeRow`; from 0, and never rising from phase to phase. */
  shift(jobType: string | undefined, row: number): SurgeShift {
    const type = this.#find(jobType);
    if (type === undefined) return NO_SHIFT;
    const resource = Math.floor(row / (PHASE_COUNT * QUANTILE_COUNT));
    return isAdded(type, resource)
      ? { scaled: 0, added: type.added.shift(row) }
      : { scaled: type.scaled.shift(row), added: 0 };
  }

  /** Minutes in which a surge falls to 1 / e; undefined before the type's first restart. */
  decayMinutes(jobType: string | undefined, resource: number): number | undefined {
    const type = this.#find(jobType);
    return type === undefined ? undefined : tableOf(type, resource).decayMinutes(resource);
  }

  /** Minutes after a restart from which 5 % of the surge are left; 0 without a surge. */
  settledAfterMinutes(jobType: string | undefined): number {
    const type = this.#find(jobType);
    if (type === undefined) return 0;
    let latest = 0;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const table = tableOf(type, resource);
      if (!QUANTILES.some((_, quantile) => table.size(resource, quantile) > 0)) continue;
      const after = settledMinutes(1, SETTLED_SHARE, table.decayMinutes(resource));
      latest = Math.max(latest, after);
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
      const columns = Array.from({ length: PHASE_COUNT }, (_, p) => needColumn(resource, p));
      const [first = 0] = columns;
      if (scaledExcess(first, peaks, answer).some(Number.isNaN)) continue;
      hasSeen = true;
      compare(type, resource, peaks, answer);
      type.added.add(
        resource,
        columns.flatMap((column) => addedExcess(column, peaks, answer)),
      );
      type.scaled.add(
        resource,
        columns.flatMap((column) => scaledExcess(column, peaks, answer)),
      );
    }
    if (hasSeen) type.count[0] = (type.count[0] ?? 0) + 1;
  }

  typeNames(): Iterable<string> {
    return this.#types.keys();
  }

  typeArrays(jobType: string): LearntArrays | undefined {
    const type = this.#find(jobType) ?? this.#add(jobType);
    if (type === undefined) return undefined;
    const { count, losses, added, scaled } = type;
    return {
      count,
      losses,
      added: added.arrays.excess,
      addedSeen: added.arrays.seen,
      scaled: scaled.arrays.excess,
      scaledSeen: scaled.arrays.seen,
    };
  }

  loaded(): void {
    for (const { added, scaled } of this.#types.values()) {
      added.loaded();
      scaled.loaded();
    }
  }

  #find(jobType: string | undefined): TypeSurge | undefined {
    return jobType === undefined ? undefined : this.#types.get(jobType);
  }

  #add(jobType: string): TypeSurge | undefined {
    if (this.#types.size >= LIMITS.jobTypesTrackedMax) return undefined;
    const type: TypeSurge = {
      count: new Uint32Array(1),
      added: new SurgeTable(this.#prior.added),
      scaled: new SurgeTable(this.#prior.scaled),
      losses: new Float64Array(2 * RESOURCE_COUNT),
    };
    this.#types.set(jobType, type);
    return type;
  }
}

function isAdded({ losses }: TypeSurge, resource: number): boolean {
  return (losses[2 * resource] ?? 0) <= (losses[2 * resource + 1] ?? 0);
}

function tableOf(type: TypeSurge, resource: number): SurgeTable {
  return isAdded(type, resource) ? type.added : type.scaled;
}

/**
 * Scores what each measure would have said, before the restart is learnt from. Shrinkage is left
 * out: it would speak for the measure with the larger spread.
 */
function compare(
  type: TypeSurge,
  resource: number,
  peaks: ArrayLike<number>,
  { envelope, scale }: StopAnswer,
): void {
  const { losses, added, scaled } = type;
  const at = 2 * resource;
  losses[at] = (1 - FORGOTTEN) * (losses[at] ?? 0);
  losses[at + 1] = (1 - FORGOTTEN) * (losses[at + 1] ?? 0);
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    const column = needColumn(resource, phase);
    const row = column * QUANTILE_COUNT + COMPARED_LEVEL;
    const peak = peaks[column] ?? Number.NaN;
    const said = envelope[row] ?? Number.NaN;
    if (Number.isNaN(peak) || Number.isNaN(said)) continue;
    const grown = shifted(said, scale[resource] ?? 0, scaled.shown(row));
    losses[at] = (losses[at] ?? 0) + pinball(peak - said - added.shown(row));
    losses[at + 1] = (losses[at + 1] ?? 0) + pinball(peak - grown);
  }
}

function pinball(error: number): number {
  const level = QUANTILES[COMPARED_LEVEL];
  return Math.max(level * error, (level - 1) * error);
}

/** Of one resource and phase (`needColumn`), one a level, in asinh space; NaN where not known. */
export function scaledExcess(
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

/** The same in the resource's unit. */
export function addedExcess(
  column: number,
  peaks: ArrayLike<number>,
  { envelope }: StopAnswer,
): readonly number[] {
  const peak = peaks[column] ?? Number.NaN;
  return QUANTILES.map((_, quantile) => {
    return peak - (envelope[column * QUANTILE_COUNT + quantile] ?? Number.NaN);
  });
}
