/**
 * Invariants that are checked while the product runs, not only in its tests: what the engine is
 * told is written down, no lease outlives its time, the allocator's books add up. A broken one is
 * counted and reported; an act that nothing written stands behind is not sent.
 */

import type { Act } from "../engines/engine.js";
import { isOpenPlan } from "../ledger/kept.js";
import type { Ledger } from "../ledger/ledger.js";
import { isRepriseError } from "../lib/errors.js";
import { ACT_PREFIX } from "./give-backs.js";
import type { CoordinatorContext } from "./ports.js";
import type { OpenPlan } from "./state.js";

/** With more instances than this the books are gone through only every second, third ... cycle. */
const INSTANCES_A_CYCLE = 4_096;

export interface CheckTally {
  count: number;
  readonly failures: string[];
}

export function newTally(): CheckTally {
  return { count: 0, failures: [] };
}

/** Is the plan in the ledger, and not yet over? */
export function isBackedPlan(ledger: Ledger, { record }: OpenPlan, tally: CheckTally): boolean {
  const state = ledger.get("plan", record.planId)?.state;
  const isBacked = state !== undefined && isOpenPlan(state);
  return holds(tally, isBacked, `plan ${record.planId} is ${state ?? "not"} in the ledger`);
}

/** Those of the acts that the ledger knows. */
export function backedActs(ledger: Ledger, acts: readonly Act[], tally: CheckTally): Act[] {
  return acts.filter(({ actId }) => {
    const isBacked = ledger.get("meta", `${ACT_PREFIX}${actId}`) !== undefined;
    return holds(tally, isBacked, `act ${actId} is not in the ledger`);
  });
}

/** Goes through the allocator's books when it is their turn; `nowMs`: when the cycle began. */
export function checkBooks(
  { allocator, instances }: CoordinatorContext,
  cycle: { readonly number: number; readonly nowMs: number },
  tally: CheckTally,
): void {
  const every = Math.max(1, Math.ceil(instances.size / INSTANCES_A_CYCLE));
  if ((cycle.number + 1) % every !== 0) return;
  for (const { reservationId, state, expiresMs } of allocator.reservations()) {
    const isLive = state !== "held" || expiresMs > cycle.nowMs;
    holds(tally, isLive, `lease ${reservationId} is held past its end`);
  }
  try {
    tally.count += 1;
    allocator.checkInvariants();
  } catch (error) {
    if (!isRepriseError(error) || error.code !== "ERR_INVARIANT") throw error;
    tally.failures.push(error.message);
  }
}

function holds(tally: CheckTally, isTrue: boolean, failure: string): boolean {
  tally.count += 1;
  if (!isTrue) tally.failures.push(failure);
  return isTrue;
}
