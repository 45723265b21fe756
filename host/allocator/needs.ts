/** What profiles say, in the allocator's amounts. */
import {
  envelopeRow,
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCES,
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

/** What a running instance needs if it is left alone, one value a resource. */
export function keepNeed(profile: BehaviourProfile): number[] {
  return RESOURCES.map((resource, r) =>
    clamp(profile.keepNeed[r * QUANTILE_COUNT + PROMISE_QUANTILE[resource]]),
  );
}

function clamp(value: number | undefined): number {
  return roundUp(Math.min(Math.max(value ?? 0, 0), LIMITS.amountMax));
}
