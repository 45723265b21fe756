/**
 * What interruptions cost each group within a day, kept in the ledger: so that within a class not
 * always the same ones lose, and that no group is interrupted more often within an hour than its
 * budget allows.
 */
import { canonicalJson } from "../ledger/encoding.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type { DecisionRecord, PlanRecord } from "../ledger/records.js";
import type { InstanceInput, PlanInputs } from "./inputs.js";
import { HOUR_BUDGET_MAX, HOUR_MS } from "./policy.js";

const REMEMBERED_MS = 24 * HOUR_MS;
const PREFIX = "losses/";

export interface Loss {
  readonly instanceId: string;
  readonly timeMs: number;
  /** Expected by the decision, without what fairness made of it. */
  readonly coreHours: number;
}

export interface GroupLosses {
  readonly groupId: string;
  readonly losses: readonly Loss[];
}

/** Of the groups that lost anything, in the order given. */
export function lossesOf(ledger: Ledger, groupIds: Iterable<string>): GroupLosses[] {
  return [...groupIds].flatMap((groupId) => {
    const losses = read(ledger, groupId);
    return losses.length === 0 ? [] : [{ groupId, losses }];
  });
}

/** What a plan adds. */
export function lossChanges(ledger: Ledger, decision: DecisionRecord): LedgerChange[] {
  const { instances } = decision.inputs as PlanInputs;
  const lost = new Map(decision.candidates.map((each) => [each.instanceId, each.lostCoreHours]));
  const gone = new Set(decision.victims);
  const victims = instances.filter(({ instanceId }) => gone.has(instanceId));
  const timeMs = decision.decidedMs;
  return changesOf(ledger, victims, (before, members) => [
    ...before.filter((each) => each.timeMs > timeMs - REMEMBERED_MS),
    ...members.map(({ instanceId }) => ({
      instanceId,
      timeMs,
      coreHours: lost.get(instanceId) ?? 0,
    })),
  ]);
}

/** Takes back what a plan added for those that were not interrupted after all. */
export function lossRemovals(
  ledger: Ledger,
  { createdMs, victimAllocations = [] }: PlanRecord,
  wasInterrupted: (instanceId: string) => boolean,
): LedgerChange[] {
  const spared = victimAllocations.filter(({ instanceId }) => !wasInterrupted(instanceId));
  return changesOf(ledger, spared, (before, members) => {
    const ids = new Set(members.map(({ instanceId }) => instanceId));
    return before.filter((each) => each.timeMs !== createdMs || !ids.has(each.instanceId));
  });
}

/**
 * By how much the cost of interrupting a group's member is raised: 1 + weight x (what the group
 * lost within a day / fair share - 1), never below 1. The fair share is the mean over the groups
 * that the request may touch.
 */
export function fairnessFactor(inputs: PlanInputs, groupId: string): number {
  const known = FACTORS.get(inputs) ?? factorsOf(inputs);
  FACTORS.set(inputs, known);
  return known(groupId);
}

/** Asked for each candidate of a decision, and the same for all of them. */
const FACTORS = new WeakMap<PlanInputs, (groupId: string) => number>();

function factorsOf(inputs: PlanInputs): (groupId: string) => number {
  const { nowMs, groupLosses = [], instances, policy } = inputs;
  const groupCount = new Set(instances.map(({ groupId }) => groupId)).size;
  const lost = new Map(
    groupLosses.map(({ groupId, losses }) => [groupId, sumSince(losses, nowMs - REMEMBERED_MS)]),
  );
  const share = [...lost.values()].reduce((sum, each) => sum + each, 0) / Math.max(1, groupCount);
  return (groupId) => {
    const above = share > 0 ? (lost.get(groupId) ?? 0) / share - 1 : 0;
    return 1 + policy.fairnessWeight * Math.max(0, above);
  };
}

/** How many more of the group may be interrupted within the hour that ends now. */
export function leftInHour(inputs: PlanInputs, groupId: string): number {
  const { nowMs, groupLosses = [], policy } = inputs;
  if (policy.groupBudgetPerHour === 0) return Number.POSITIVE_INFINITY;
  const losses = groupLosses.find((each) => each.groupId === groupId)?.losses ?? [];
  return policy.groupBudgetPerHour - losses.filter((each) => isWithinHour(each, nowMs)).length;
}

/** When a place in some group's budget for an hour comes free again. */
export function hourEndsMs({ groupLosses = [], policy }: PlanInputs): number[] {
  if (policy.groupBudgetPerHour === 0) return [];
  return groupLosses.flatMap(({ losses }) => losses.map(({ timeMs }) => timeMs + HOUR_MS));
}

/**
 * Jain's index of what groups lost within a day: 1 when all that lost lost the same, 1 / n when one
 * of n lost everything; undefined when nobody lost anything.
 */
export function jainIndex(ledger: Ledger, nowMs: number): number | undefined {
  let [count, sum, squares] = [0, 0, 0];
  for (const [key, value] of ledger.entries("meta", { from: PREFIX })) {
    if (!key.startsWith(PREFIX)) break;
    if (typeof value !== "string") continue;
    const lost = sumSince(JSON.parse(value) as Loss[], nowMs - REMEMBERED_MS);
    if (lost === 0) continue;
    count += 1;
    sum += lost;
    squares += lost * lost;
  }
  return squares === 0 ? undefined : (sum * sum) / (count * squares);
}

function isWithinHour({ timeMs }: Loss, nowMs: number): boolean {
  return timeMs + HOUR_MS > nowMs;
}

function sumSince(losses: readonly Loss[], sinceMs: number): number {
  return losses.reduce((sum, each) => (each.timeMs > sinceMs ? sum + each.coreHours : sum), 0);
}

function read(ledger: Ledger, groupId: string): Loss[] {
  const text = ledger.get("meta", `${PREFIX}${groupId}`);
  return typeof text === "string" ? (JSON.parse(text) as Loss[]) : [];
}

type Member = Pick<InstanceInput, "instanceId" | "groupId">;

function changesOf(
  ledger: Ledger,
  members: readonly Member[],
  next: (before: readonly Loss[], members: readonly Member[]) => readonly Loss[],
): LedgerChange[] {
  const byGroup = new Map<string, Member[]>();
  for (const each of members) {
    const own = byGroup.get(each.groupId) ?? [];
    own.push(each);
    byGroup.set(each.groupId, own);
  }
  return [...byGroup].map(([groupId, own]): LedgerChange => {
    const losses = next(read(ledger, groupId), own).slice(-HOUR_BUDGET_MAX);
    const key = `${PREFIX}${groupId}`;
    return losses.length === 0
      ? { table: "meta", key, remove: true }
      : { table: "meta", key, put: canonicalJson(losses) };
  });
}
