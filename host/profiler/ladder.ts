/**
 * The fallback ladder: there is always an answer, and it says which rung gave it.
 *
 *   0  the network, when enough is known of the instance and its answer is sound
 *   2  the instance's own statistics, when the network is missing or unsound, or the answer of the
 *      simple predictor that was chosen instead of it
 *   3  empirical quantiles of the job type or of all instances, when too little is known; where
 *      nothing was seen of either, what other machines needed in their first hour
 *   4  the requested limit, else the largest value seen
 *
 * Rung 1 (the network from a type's state) needs states a type and is not made yet. A rung is chosen
 * for the whole answer; a resource of which that rung knows nothing takes the next rung that does.
 * A resource of which no rung knows anything here is named in `unknown`: it has the amounts that
 * other machines needed, whatever their size, or zeros without such a prior.
 * Every number is finite, 0 <= q <= cap, and no quantile is below the one before it.
 */

import {
  ENVELOPE_ROWS,
  KEEP_ROWS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  RESOURCES,
  type Resource,
} from "../core/abi.js";
import { KNOWN_SAMPLES_MIN } from "../core/adviser-need.js";
import { present } from "../lib/assert.js";
import type { EmpiricalQuantiles } from "./population.js";
import type { PopulationPrior } from "./population-prior.js";
import type { Rung } from "./profile.js";
import type { InstanceStatistics } from "./statistics.js";

/**
 * Rung 2 spreads its quantiles between `middle` m and `statistic` S: q = m + k (S - m), one k a
 * phase and level below .99, which is the largest value of the week. The k are the levels' empirical
 * quantiles of (peak - m) / (S - m) over 2,880 virtual cuts of 48 training VMs of the Bitbrains
 * trace (days 8 to 53, outages 0 to 60 min), all resources together. On 1,522 cuts of 26 VMs never
 * looked at (days 63 to 91) the .95 held .934 of the cpu peaks, .942 memory, .963 network, .938 disk.
 */
export const STATISTIC_SPREAD = [
  [-0.1, 0.08, 0.25],
  [-0.05, 0.19, 0.42],
  [-0.02, 0.29, 0.61],
] as const;

const NOTHING: readonly number[] = new Array<number>(QUANTILE_COUNT).fill(0);

/** resource x phase x quantile (48) and resource x quantile (16), in the resources' units. */
export interface LadderTables {
  readonly envelope: Float64Array;
  readonly keepNeed: Float64Array;
}

export interface LadderAnswer extends LadderTables {
  readonly rung: Rung;
  /** Resources neither limited, asked for nor seen here; absent when there is none. */
  readonly unknown?: readonly Resource[];
}

/** What is known of one instance; four values a resource each. */
export interface LadderFacts {
  /** What the network says; null without a network. */
  readonly network: LadderTables | null;
  readonly statistics: InstanceStatistics;
  /** What the predictor chosen instead of the network says, in the place of the statistics. */
  readonly baseline?: EmpiricalQuantiles | undefined;
  /** Of the instance's job type, else of all; null when unknown. */
  readonly population: EmpiricalQuantiles | null;
  /** What other machines needed, where nothing was seen here. */
  readonly prior?: PopulationPrior | undefined;
  readonly samplesInIncarnation: number;
  /** Over all incarnations. */
  readonly samplesInTotal: number;
  /** Hard caps, NaN = none. */
  readonly caps: readonly number[];
  /** What was asked for, NaN = nothing. */
  readonly requested: readonly number[];
}

/** Answers from the highest rung that may. */
export function climbLadder(facts: LadderFacts): LadderAnswer {
  if (isKnown(facts)) {
    const { network } = facts;
    if (network !== null && isSound(network)) return guard(0, network, facts.caps);
    const own = facts.baseline ?? facts.statistics.statistic;
    if ([...own].some(Number.isFinite)) return fromRows(2, facts);
  }
  return fromRows(facts.population === null && facts.prior === undefined ? 4 : 3, facts);
}

function isKnown(facts: LadderFacts): boolean {
  const earlier = facts.samplesInTotal - facts.samplesInIncarnation;
  return facts.samplesInIncarnation >= KNOWN_SAMPLES_MIN || earlier >= KNOWN_SAMPLES_MIN;
}

/** Finite, not negative, quantiles in order. */
export function isSound(tables: LadderTables): boolean {
  return isSoundTable(tables.envelope) && isSoundTable(tables.keepNeed);
}

function isSoundTable(table: Float64Array): boolean {
  for (let index = 0; index < table.length; index++) {
    const value = table[index] ?? Number.NaN;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return false;
    if (index % QUANTILE_COUNT > 0 && value < (table[index - 1] ?? 0)) return false;
  }
  return true;
}

/** The keep-need of the rungs below the network is the highest phase, as that of the network is. */
function fromRows(rung: 2 | 3 | 4, facts: LadderFacts): LadderAnswer {
  const envelope = new Float64Array(ENVELOPE_ROWS);
  const keepNeed = new Float64Array(KEEP_ROWS);
  const unknown: Resource[] = [];
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      const known = rowOf(rung, facts, { resource, phase });
      if (known === null && phase === 0) unknown.push(present(RESOURCES[resource], "a resource"));
      const row = known ?? priorRow(facts.prior?.amounts, { resource, phase }) ?? NOTHING;
      envelope.set(row, (resource * PHASE_COUNT + phase) * QUANTILE_COUNT);
      row.forEach((value, quantile) => {
        const at = resource * QUANTILE_COUNT + quantile;
        keepNeed[at] = Math.max(keepNeed[at] ?? 0, value);
      });
    }
  }
  const answer = guard(rung, { envelope, keepNeed }, facts.caps);
  return unknown.length === 0 ? answer : { ...answer, unknown };
}

interface Column {
  readonly resource: number;
  readonly phase: number;
}

function rowOf(rung: 2 | 3 | 4, facts: LadderFacts, column: Column): readonly number[] | null {
  const { resource } = column;
  const own = rung > 2 ? null : (baselineRow(facts, resource) ?? statisticRow(facts, column));
  if (own !== null) return own;
  const others = rung > 3 ? null : (populationRow(facts, resource) ?? shareRow(facts, column));
  return others ?? limitRow(facts, resource);
}

/** The share of the limit that other machines needed, not below what this one showed. */
function shareRow(facts: LadderFacts, column: Column): readonly number[] | null {
  const cap = facts.caps[column.resource] ?? Number.NaN;
  const shares = priorRow(facts.prior?.ofLimit, column);
  if (shares === null || !isCap(cap)) return null;
  return notBelowSeen(
    shares.map((share) => share * cap),
    facts.statistics,
    column.resource,
  );
}

function priorRow(
  rows: PopulationPrior["ofLimit"] | undefined,
  { resource, phase }: Column,
): readonly number[] | null {
  const own = rows?.[present(RESOURCES[resource], "a resource")];
  return own?.slice(phase * QUANTILE_COUNT, (phase + 1) * QUANTILE_COUNT) ?? null;
}

/** The same in every phase. */
function baselineRow(facts: LadderFacts, resource: number): readonly number[] | null {
  const { baseline } = facts;
  if (baseline === undefined) return null;
  const row: number[] = [];
  for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
    const value = baseline[resource * QUANTILE_COUNT + quantile] ?? Number.NaN;
    if (!Number.isFinite(value)) return null;
    row.push(value);
  }
  return row;
}

/** The only row below the network that tells phases apart. */
function statisticRow(facts: LadderFacts, { resource, phase }: Column): readonly number[] | null {
  const statistic = facts.statistics.statistic[resource] ?? Number.NaN;
  if (facts.baseline !== undefined || !Number.isFinite(statistic)) return null;
  const middle = Math.min(finiteOr(facts.statistics.middle[resource], statistic), statistic);
  const spread = STATISTIC_SPREAD[phase] ?? STATISTIC_SPREAD[0];
  const row = spread.map((k) => middle + k * (statistic - middle));
  return [...row, finiteOr(facts.statistics.largest[resource], statistic)];
}

/** The population's quantiles, but not below what the instance itself showed already. */
function populationRow(facts: LadderFacts, resource: number): readonly number[] | null {
  const { population, statistics } = facts;
  if (population === null) return null;
  const from = resource * QUANTILE_COUNT;
  const row = [...population.subarray(from, from + QUANTILE_COUNT)];
  if (!row.every(Number.isFinite)) return null;
  return notBelowSeen(row, statistics, resource);
}

function notBelowSeen(
  row: readonly number[],
  statistics: InstanceStatistics,
  resource: number,
): readonly number[] {
  const middle = finiteOr(statistics.middle[resource], 0);
  const largest = finiteOr(statistics.largest[resource], 0);
  return row.map((value, index) => Math.max(value, index === 0 ? middle : largest));
}

/** Null when the resource was neither limited, nor asked for, nor seen. */
function limitRow(facts: LadderFacts, resource: number): readonly number[] | null {
  const cap = facts.caps[resource] ?? Number.NaN;
  const largest = finiteOr(facts.statistics.largest[resource], -1);
  const value = isCap(cap) ? cap : Math.max(finiteOr(facts.requested[resource], -1), largest);
  if (value < 0) return null;
  return new Array<number>(QUANTILE_COUNT).fill(value);
}

function isCap(cap: number): boolean {
  return cap >= 0 && cap < Number.POSITIVE_INFINITY;
}

function finiteOr(value: number | undefined, fallback: number): number {
  return value !== undefined && Number.isFinite(value) ? value : fallback;
}

function guard(rung: Rung, tables: LadderTables, caps: readonly number[]): LadderAnswer {
  return {
    rung,
    envelope: guardTable(tables.envelope, caps),
    keepNeed: guardTable(tables.keepNeed, caps),
  };
}

/** Within the caps again after a shift. */
export function capped(envelope: Float64Array, caps: readonly number[]): Float64Array {
  return guardTable(envelope, caps);
}

/** A copy within [0, cap], quantiles in order. Rows of one resource are neighbours. */
function guardTable(table: Float64Array, caps: readonly number[]): Float64Array {
  const out = new Float64Array(table.length);
  const perResource = table.length / RESOURCE_COUNT;
  let index = 0;
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const cap = caps[resource] ?? Number.NaN;
    const top = isCap(cap) ? cap : Number.MAX_VALUE;
    let before = 0;
    for (const end = index + perResource; index < end; index++) {
      const floor = index % QUANTILE_COUNT === 0 ? 0 : before;
      before = Math.min(Math.max(finiteOr(table[index], 0), floor), top);
      out[index] = before;
    }
  }
  return out;
}
