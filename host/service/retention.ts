/**
 * How much of the past the ledger keeps. Decisions have everything that they looked at in them, so
 * a disk would fill with them; what goes is the oldest, a little each tick.
 */
import { decisionRemoval, isOpenPlan, keptDecisions, planIdOf } from "../ledger/kept.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";

export interface Retention {
  readonly keepDecisions: number;
  readonly keepDays: number;
}

const DAY_MS = 86_400_000;
/** Removed in one tick, so that lowered limits hold no decision up. */
export const REMOVED_MAX = 1_000;

/**
 * Removes what is beyond the limits, with the plans of what is removed. A decision whose plan is
 * still under way stays.
 *
 * @returns decisions removed
 * @throws ERR_LEDGER; then none was
 */
export function pruneDecisions(ledger: Ledger, limits: Retention, nowMs: number): number {
  const over = ledger.count("decision") - limits.keepDecisions;
  const changes: LedgerChange[] = [];
  let removed = 0;
  let seen = 0;
  for (const kept of keptDecisions(ledger)) {
    const isOver = removed < over || kept.decidedMs < nowMs - limits.keepDays * DAY_MS;
    if (!isOver || ++seen > REMOVED_MAX) break;
    const planId = planIdOf(kept);
    const plan = ledger.get("plan", planId);
    if (plan !== undefined && isOpenPlan(plan.state)) continue;
    changes.push(...decisionRemoval(ledger, kept));
    if (plan !== undefined) changes.push({ table: "plan", key: planId, remove: true });
    removed++;
  }
  if (removed > 0) ledger.commit(changes);
  return removed;
}
