/** What profiles say, in the allocator's amounts. */
import {
  envelopeRow,
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCES,
  type Resource,
} from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";
import type { BehaviourProfile } from "../profiler/profile.js";
import { roundUp } from "./amounts.js";
import { PROMISE_QUANTILE } from "./policy.js";

/** Restart need at the promised quantile, resource x phase. */
export function restartNeed(profile: BehaviourProfile): number[] {
  const need = new Array<number>(NEED_COLUMNS).fill(0);
  RESOURCES.forEach((resource, r) => {
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      const value = profile.envelope[envelopeRow(r, phase, PROMISE_QUANTILE[resource])];
      need[needColumn(r, phase)] = clamp(value);
    }
  });
  return need;
}

/**
 * Quantiles of the restart need, `column * 4 + quantile`, for a lease that may share a pool; undefined
 * where one is no amount, or where the lease promises more than the need may be.
 */
export function poolQuantiles(
  envelope: ArrayLike<number>,
  amounts: readonly number[],
): number[] | undefined {
  const quantiles: number[] = [];
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const r = Math.floor(column / PHASE_COUNT);
    let highest = 0;
    for (let q = 0; q < QUANTILE_COUNT; q++) {
      const value = envelope[envelopeRow(r, column % PHASE_COUNT, q)] ?? Number.NaN;
      if (!(value >= 0 && value <= LIMITS.amountMax)) return undefined;
      highest = Math.max(highest, roundUp(value));
      quantiles.push(highest);
    }
    if ((amounts[column] ?? 0) > highest) return undefined;
  }
  return quantiles;
}

/** The quantiles times 1 + the offset of their resource. */
export function withOffsets(quantiles: readonly number[], offsets: readonly number[]): number[] {
  return quantiles.map((value, index) => {
    const offset = offsets[Math.floor(index / (QUANTILE_COUNT * PHASE_COUNT))] ?? 0;
    return clamp(value * (1 + offset));
  });
}

/** What a running instance needs if it is left alone, one value a resource. */
export function keepNeed(
  profile: BehaviourProfile,
  quantile: Readonly<Record<Resource, number>> = PROMISE_QUANTILE,
): number[] {
  return RESOURCES.map((_, r) => keepNeedOf(profile, r, quantile));
}

/** The same of one resource, by its index. */
export function keepNeedOf(
  profile: BehaviourProfile,
  r: number,
  quantile: Readonly<Record<Resource, number>> = PROMISE_QUANTILE,
): number {
  const resource = RESOURCES[r] ?? "cpu";
  return clamp(profile.keepNeed[r * QUANTILE_COUNT + quantile[resource]]);
}

function clamp(value: number | undefined): number {
  return roundUp(Math.min(Math.max(value ?? 0, 0), LIMITS.amountMax));
}
