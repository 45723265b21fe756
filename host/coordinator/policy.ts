/** Numbers and comparisons of the coordinator; no state, no ports. */
import { RepriseError } from "../lib/errors.js";
import { PHASE_MINUTES } from "./need.js";
import type { CoordinatorPolicy } from "./types.js";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const COOL_DOWN_MINUTES_MAX = 240;
const BACKOFF_FACTOR = 1.5;
/** As many interruptions are remembered of a group. */
export const HOUR_BUDGET_MAX = 64;

export const DEFAULT_POLICY: CoordinatorPolicy = {
  minRunMinutes: 5,
  coolDownMinutes: 60,
  coolDownForcedMinutes: 10,
  interruptionsPerDayMax: 8,
  groupBudget: 4,
  groupBudgetPerHour: 0,
  availabilityMin: 0.9,
  retryMsMin: 60_000,
  retryMsMax: 15 * MINUTE_MS,
  outageMinutes: 10,
  graceMs: 15 * MINUTE_MS,
  handOverMs: 5_000,
  forceLeadMs: MINUTE_MS,
  unknownCheckpointMinutes: 30,
  checkpointMinutesMax: 240,
  missWeight: 1,
  sloWeight: 1,
  // Fairness is paid for in lost work: docs/planning.md has by how much.
  fairnessWeight: 0,
  thrashCoreHours: 0.25,
  switchSavingRatio: 0.1,
  nodeLossPerHour: 0.01,
  placementNodesMax: 64,
  singleDropRounds: 4,
  staggerMaxMinutes: 30,
};

/** @throws ERR_CONFIG naming the field */
export function checkedPolicy(policy: Partial<CoordinatorPolicy> = {}): CoordinatorPolicy {
  for (const [field, value] of Object.entries(policy)) {
    if (!(field in DEFAULT_POLICY)) {
      const expected = Object.keys(DEFAULT_POLICY).join(", ");
      throw new RepriseError("ERR_CONFIG", "no such policy", { field, got: field, expected });
    }
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) continue;
    const expected = "a finite number from 0";
    throw new RepriseError("ERR_CONFIG", "the policy", { field, got: value, expected });
  }
  const { groupBudgetPerHour = 0 } = policy;
  if (groupBudgetPerHour > HOUR_BUDGET_MAX) {
    throw new RepriseError("ERR_CONFIG", "the policy", {
      field: "groupBudgetPerHour",
      got: groupBudgetPerHour,
      expected: `at most ${HOUR_BUDGET_MAX}`,
    });
  }
  return { ...DEFAULT_POLICY, ...policy };
}

/** What the limits and the cost need to know of an instance. */
export interface RunHistory {
  readonly launchedMs: number;
  readonly interruptionsMs: readonly number[];
  /** Its last believed checkpoint, in whatever life; absent when there is none. */
  readonly checkpointMs?: number;
}

export function minRunEndMs(history: RunHistory, policy: CoordinatorPolicy): number {
  return history.launchedMs + policy.minRunMinutes * MINUTE_MS;
}

/**
 * End of the cool-down: an hour after the last interruption, twice that after the second within
 * 24 h, and so on up to 4 h. Interruptions older than a day no longer count (ageing).
 */
export function coolDownEndMs(
  history: RunHistory,
  nowMs: number,
  policy: CoordinatorPolicy,
): number {
  const last = history.interruptionsMs.at(-1);
  if (last === undefined) return Number.NEGATIVE_INFINITY;
  const recent = interruptionsSince(history, nowMs - DAY_MS);
  if (recent === 0) return Number.NEGATIVE_INFINITY;
  const minutes = policy.coolDownMinutes * 2 ** Math.min(recent - 1, 16);
  return last + Math.min(minutes, COOL_DOWN_MINUTES_MAX) * MINUTE_MS;
}

/** When the cap on interruptions within a day lets the next one through; undefined: now. */
export function capEndMs(
  history: RunHistory,
  nowMs: number,
  policy: CoordinatorPolicy,
): number | undefined {
  const cap = policy.interruptionsPerDayMax;
  const recent = history.interruptionsMs.filter((timeMs) => timeMs > nowMs - DAY_MS);
  const last = cap > 0 ? recent.at(-cap) : undefined;
  return last === undefined ? undefined : last + DAY_MS;
}

/** When a request that has been deferred `attempts` times is tried again. */
export function backoffMs(attempts: number, policy: CoordinatorPolicy): number {
  let waitMs = policy.retryMsMin;
  for (let attempt = 0; attempt < attempts && waitMs < policy.retryMsMax; attempt++) {
    waitMs *= BACKOFF_FACTOR;
  }
  return Math.round(Math.min(waitMs, policy.retryMsMax));
}

/** Everything the cost of an interruption is made of, cores and hours. */
export interface CostParts {
  readonly allocatedCores: number;
  /** Median CPU need in each phase after the restart, and if left alone. */
  readonly restartCores: readonly number[];
  readonly keepCores: number;
  readonly outageMinutes: number;
  readonly history: RunHistory;
  /** Chance that the restart finds its place in time. */
  readonly availability: number;
  /** Expected minutes in which the restart lacks some of its need where it is placed. */
  readonly shortMinutes: number;
}

/**
 * Core-hours lost by an interruption: work since the last checkpoint (where none is known, at most
 * `unknownCheckpointMinutes` of the run), the idle outage, what the restart burns above the steady
 * need, the steady need of the hour after it as far as it may find no place, that of the minutes in
 * which it lacks some of its need, and a term that doubles with each interruption within the last
 * hour.
 */
export function interruptionCost(
  parts: CostParts,
  nowMs: number,
  policy: CoordinatorPolicy,
): number {
  const lostMinutes = lostMinutesOf(parts.history, nowMs, policy);
  let coreHours = (parts.allocatedCores * (lostMinutes + parts.outageMinutes)) / 60;
  PHASE_MINUTES.forEach((minutes, phase) => {
    const surge = (parts.restartCores[phase] ?? 0) - parts.keepCores;
    coreHours += Math.max(0, surge) * (minutes / 60);
  });
  coreHours += policy.missWeight * (1 - parts.availability) * parts.keepCores;
  // Decisions recorded before this term existed have no weight for it.
  const { sloWeight = 0 } = policy;
  coreHours += (sloWeight * parts.shortMinutes * parts.keepCores) / 60;
  const recent = interruptionsSince(parts.history, nowMs - HOUR_MS);
  return coreHours + policy.thrashCoreHours * 2 ** Math.min(recent, 16);
}

/** Minutes of this run whose work an interruption takes. */
function lostMinutesOf(history: RunHistory, nowMs: number, policy: CoordinatorPolicy): number {
  const { launchedMs, checkpointMs } = history;
  const runMinutes = Math.max(0, nowMs - launchedMs) / MINUTE_MS;
  if (checkpointMs === undefined) return Math.min(runMinutes, policy.unknownCheckpointMinutes);
  const sinceMinutes = Math.max(0, nowMs - checkpointMs) / MINUTE_MS;
  return Math.min(runMinutes, sinceMinutes, policy.checkpointMinutesMax);
}

function interruptionsSince(history: RunHistory, sinceMs: number): number {
  return history.interruptionsMs.filter((timeMs) => timeMs > sinceMs).length;
}
