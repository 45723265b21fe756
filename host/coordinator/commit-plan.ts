/** A verdict becomes durable: reservations, plan and decision in one commit, or nothing at all. */

import type { Act } from "../engines/engine.js";
import { canonicalJson } from "../ledger/encoding.js";
import {
  decisionFacts,
  decisionRemoval,
  isOpenPlan,
  keptDecisions,
  planIdOf,
} from "../ledger/kept.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type {
  AllocationRecord,
  DecisionRecord,
  PlanRecord,
  ReservationRecord,
  RestartStart,
  VictimSchedule,
} from "../ledger/records.js";
import { LIMITS } from "../lib/limits.js";
import { decisionRecord, type Verdict } from "./decision.js";
import { displacementChanges } from "./displacements.js";
import type { DownInstance } from "./down-instances.js";
import { freedBy } from "./gather.js";
import { giveBackActs, outboxChanges } from "./give-backs.js";
import { lossChanges } from "./losses.js";
import { HOLD_GROUP } from "./planner.js";
import type { CoordinatorContext } from "./ports.js";
import { flat } from "./rooms.js";
import { noticeReasons, scheduleNotice } from "./schedule.js";
import { dueMs } from "./stagger.js";
import { deferred, type OpenPlan, type PendingRequest } from "./state.js";
import { waitChanges } from "./waits.js";

export const PENDING_PREFIX = "pending/";
export const SEQUENCE_KEY = "coordinatorSequence";
const HOLD_PREFIX = "hold/";

export interface Committed {
  readonly decision: DecisionRecord;
  readonly plan?: OpenPlan;
  /** Follow from leases that ended with the plan. */
  readonly acts: readonly Act[];
}

/** Owner of the room kept for a request on the scope's node of that index. */
export function holdOwner(requestId: string, index: number): string {
  return `${HOLD_PREFIX}${requestId}/${index}`;
}

export function isHoldOf(requestId: string, ownerId: string): boolean {
  const prefix = `${HOLD_PREFIX}${requestId}/`;
  // A request's id may hold slashes itself: nothing but the index may follow.
  return ownerId.startsWith(prefix) && !ownerId.includes("/", prefix.length);
}

/** Writes a deferral or refusal. */
export function commitVerdict(
  context: CoordinatorContext,
  verdict: Verdict,
  so: { readonly sequence: number; readonly pending: PendingRequest },
): Committed {
  const decision = decisionRecord(verdict, { decisionId: idOf("d", so.sequence) });
  const changes = decisionChanges(context.ledger, decision, so);
  context.ledger.commit(changes);
  return { decision, acts: [] };
}

/**
 * Frees the victims' room, takes the requester's, reserves every restart, and writes it all.
 *
 * @throws whatever the allocator or the ledger throws; then nothing was changed
 */
export function commitPlan(
  context: CoordinatorContext,
  verdict: Verdict,
  so: { readonly sequence: number; readonly pending: PendingRequest },
): Committed {
  const planId = idOf("p", so.sequence);
  const decision = decisionRecord(verdict, { decisionId: idOf("d", so.sequence), planId });
  const { request } = so.pending;
  const nowMs = verdict.recorded.nowMs;
  const carried = context.allocator.transact(
    () => {
      const freed = freeVictims(context, verdict);
      const holds = reserveHolds(context, verdict, planId);
      const restarts = reserveRestarts(context, verdict, planId);
      const { proposal } = verdict;
      const schedule = noticeSchedule(verdict);
      const so = { planId, nowMs, request, proposal, schedule };
      const record = planRecord(so, freed.allocations, [...holds, ...restarts]);
      return { record, restarts, acts: giveBackActs(context.allocator, freed.ended) };
    },
    ({ record, acts }) => [
      { table: "plan", key: planId, put: record },
      ...decisionChanges(context.ledger, decision, so),
      ...outboxChanges(acts),
    ],
  );
  const plan: OpenPlan = {
    record: carried.record,
    request,
    down: carried.restarts.map(downInstance),
    refusedActs: [],
  };
  return { decision, plan, acts: carried.acts };
}

export function downInstance(lease: ReservationRecord): DownInstance {
  const { instanceId, groupId, expectedRestartMs } = lease;
  return { instanceId, groupId, expectedRestartMs };
}

/** Padded, so that the order of ids is the order of decisions. */
function idOf(kind: "d" | "p", sequence: number): string {
  return `${kind}-${String(sequence).padStart(12, "0")}`;
}

function freeVictims(
  context: CoordinatorContext,
  { proposal }: Verdict,
): { allocations: AllocationRecord[]; ended: ReservationRecord[] } {
  const { allocator, instances } = context;
  const allocations: AllocationRecord[] = [];
  const ended: ReservationRecord[] = [];
  for (const { candidate } of proposal.placements) {
    const known = instances.require(candidate.input.instanceId);
    const { instanceId, groupId, nodeId } = candidate.input;
    const allocated = freedBy(context, known) ?? [];
    allocations.push({ instanceId, groupId, nodeId, allocated });
    const lease = allocator.reservationOfOwner(known.ownerId);
    if (allocator.allocationOf(instanceId) !== undefined) allocator.release(instanceId);
    const after = lease === undefined ? undefined : allocator.reservation(lease.reservationId);
    if (lease?.state === "claimed" && after !== undefined) ended.push(after);
  }
  return { allocations, ended };
}

function reserveHolds(
  context: CoordinatorContext,
  { proposal, recorded }: Verdict,
  planId: string,
): ReservationRecord[] {
  const { nowMs, policy, request } = recorded;
  const graceMs = Math.max(0, (request.deadlineMs ?? nowMs) - nowMs) + policy.graceMs;
  return proposal.holds.map((hold, index) => {
    const ownerId = holdOwner(request.requestId, index);
    return context.allocator.reserve({
      instanceId: ownerId,
      ownerId,
      groupId: HOLD_GROUP,
      nodeId: hold.nodeId,
      amounts: flat(hold.amounts),
      expectedRestartMs: nowMs,
      graceMs,
      planId,
      shrinks: hold.shrinks,
    });
  });
}

function reserveRestarts(
  context: CoordinatorContext,
  { proposal, recorded }: Verdict,
  planId: string,
): ReservationRecord[] {
  return proposal.placements.map(({ candidate, nodeId, amounts, missing, shrinks, startMs }) =>
    context.allocator.reserve({
      instanceId: candidate.input.instanceId,
      ownerId: candidate.input.ownerId,
      groupId: candidate.input.groupId,
      nodeId,
      amounts,
      expectedRestartMs: startMs ?? dueMs(candidate, recorded.nowMs),
      graceMs: recorded.policy.graceMs,
      planId,
      shrinks,
      ...wantedBeside(amounts, missing),
    }),
  );
}

/** Empty where nobody set a deadline. */
function noticeSchedule({ proposal, recorded }: Verdict): VictimSchedule[] {
  const { request, nowMs, policy } = recorded;
  if (request.deadlineMs === undefined) return [];
  const victims = proposal.placements.map(({ candidate }) => {
    const { instanceId, nodeId, stopSeconds = 0, checkpointSeconds } = candidate.input;
    const checkpointMs =
      checkpointSeconds === undefined ? {} : { checkpointMs: Math.ceil(checkpointSeconds * 1000) };
    const { lostCoreHours } = candidate;
    const stopMs = Math.ceil(stopSeconds * 1000);
    return { instanceId, nodeId, lostCoreHours, stopMs, ...checkpointMs };
  });
  const { deadlineMs } = request;
  return scheduleNotice(victims, { nowMs, deadlineMs, handOverMs: policy.handOverMs });
}

/** What a lease that is short from the start may be topped up to. */
export function wantedBeside(
  amounts: readonly number[],
  missing: readonly number[],
): { readonly wanted?: readonly number[] } {
  if (missing.every((lack) => lack <= 0)) return {};
  return { wanted: amounts.map((amount, column) => amount + (missing[column] ?? 0)) };
}

function planRecord(
  so: {
    readonly planId: string;
    readonly nowMs: number;
    readonly request: PendingRequest["request"];
    readonly proposal: Verdict["proposal"];
    readonly schedule: readonly VictimSchedule[];
  },
  victimAllocations: readonly AllocationRecord[],
  reservations: readonly ReservationRecord[],
): PlanRecord {
  const { planId, nowMs, request, schedule } = so;
  const { bounds = [], donorCount, donorCountMin } = so.proposal;
  const starts = startsOf(so.proposal);
  const forced = so.proposal.reasons.filter(({ code }) => code === "FORCED_SHORTFALL");
  const shortfalls = [...forced, ...noticeReasons(schedule)];
  return {
    planId,
    requestId: request.requestId,
    state: "committed",
    createdMs: nowMs,
    victims: victimAllocations.map(({ instanceId }) => instanceId),
    victimAllocations,
    reservationIds: reservations.map(({ reservationId }) => reservationId),
    shrinks: reservations.flatMap(({ shrinks }) => shrinks),
    ...(request.deadlineMs === undefined ? {} : { deadlineMs: request.deadlineMs }),
    ...(schedule.length === 0 ? {} : { schedule }),
    ...(starts.length === 0 ? {} : { starts }),
    ...(shortfalls.length === 0 ? {} : { shortfalls }),
    ...(bounds.length === 0 ? {} : { certificate: bounds }),
    ...(donorCount === undefined ? {} : { donorCount }),
    ...(donorCountMin === undefined ? {} : { donorCountMin }),
    confirmedActs: [],
    fencingToken: Math.max(0, ...reservations.map(({ fencingToken }) => fencingToken)),
  };
}

function startsOf({ placements }: Verdict["proposal"]): RestartStart[] {
  return placements.flatMap(({ candidate, nodeId, startMs }) =>
    startMs === undefined
      ? []
      : [{ instanceId: candidate.input.instanceId, nodeId, startAtMs: startMs }],
  );
}

/** Looked past for one that is through, when the oldest plan has to go. */
const OPEN_PLANS_PASSED = 1_024;

/** The decision, the counter, what is left of the request, and the oldest decision's removal. */
function decisionChanges(
  ledger: Ledger,
  decision: DecisionRecord,
  so: { readonly sequence: number; readonly pending: PendingRequest },
): LedgerChange[] {
  const key = `${PENDING_PREFIX}${so.pending.request.requestId}`;
  return [
    // First: the oldest decision may be on this very request.
    ...oldestDecision(ledger),
    ...oldestPlan(ledger),
    { table: "decision", key: decision.decisionId, put: decision },
    { table: "meta", key: SEQUENCE_KEY, put: so.sequence },
    ...decisionFacts(decision),
    { table: "meta", key: "modelVersion", put: decision.modelVersion },
    decision.kind === "defer"
      ? { table: "meta", key, put: canonicalJson(deferred(so.pending, decision)) }
      : { table: "meta", key, remove: true },
    ...waitChanges(ledger, decision, so.pending),
    ...displacementChanges(ledger, decision, so.pending.request),
    ...lossChanges(ledger, decision),
  ];
}

function oldestDecision(ledger: Ledger): LedgerChange[] {
  if (ledger.count("decision") < LIMITS.decisionsKeptMax) return [];
  for (const kept of keptDecisions(ledger)) {
    // Whoever takes over needs the decision of a plan that is under way.
    const plan = ledger.get("plan", planIdOf(kept));
    if (plan === undefined || !isOpenPlan(plan.state)) return decisionRemoval(ledger, kept);
  }
  return [];
}

function oldestPlan(ledger: Ledger): LedgerChange[] {
  if (ledger.count("plan") < LIMITS.decisionsKeptMax) return [];
  // Open ones are still needed; they are the oldest only if the engine was silent for very long.
  for (const [key, { state }] of ledger.entries("plan", { limit: OPEN_PLANS_PASSED })) {
    if (!isOpenPlan(state)) return [{ table: "plan", key, remove: true }];
  }
  return [];
}
