/**
 * The end of a plan: what happened is written down, what the engine refused is undone. An instance
 * that could not be interrupted is still running, so it gets its allocation back before anything
 * else; the requester's room goes, and those that are down keep a reservation, placed anew where
 * the old place is taken again.
 */
import { needColumn, PHASE_COUNT } from "../core/abi.js";
import type { Act } from "../engines/engine.js";
import type {
  AllocationRecord,
  IncarnationRecord,
  PlanRecord,
  Reason,
  ReservationRecord,
} from "../ledger/records.js";
import { isRepriseError } from "../lib/errors.js";
import { giveBackActs, outboxChanges } from "./give-backs.js";
import { interruptedAt, interruptedBefore } from "./instances.js";
import { lossRemovals } from "./losses.js";
import { isPlanCarriedOut } from "./plan-acts.js";
import type { CoordinatorContext } from "./ports.js";
import { peakOverPhases } from "./rooms.js";
import { interruptedBy, type OpenPlan } from "./state.js";

export interface Finished {
  readonly record: PlanRecord;
  readonly acts: readonly Act[];
}

/** @throws what the allocator or the ledger throws; then the plan stays open, to be tried again */
export function finishPlan(context: CoordinatorContext, plan: OpenPlan, nowMs: number): Finished {
  const stopped = interruptedBy(plan);
  const interrupted = plan.record.victims.filter((id) => stopped.has(id));
  const lives = livesAfter(context, interrupted, nowMs);
  const whole = isPlanCarriedOut(plan);
  const finished = context.allocator.transact(
    () => {
      const undone = whole ? { ended: [], shortfalls: [] } : undo(context, plan, nowMs);
      const record: PlanRecord = {
        ...plan.record,
        state: whole || interrupted.length > 0 ? "done" : "rolled-back",
        ...(undone.shortfalls.length === 0
          ? {}
          : { shortfalls: [...(plan.record.shortfalls ?? []), ...undone.shortfalls] }),
      };
      return { record, acts: giveBackActs(context.allocator, undone.ended) };
    },
    ({ record, acts }) => [
      { table: "plan", key: record.planId, put: record },
      ...lossRemovals(context.ledger, record, (id) => stopped.has(id)),
      ...outboxChanges(acts),
      ...lives.map((put) => ({ table: "incarnation", key: put.instanceId, put }) as const),
    ],
  );
  for (const life of lives) context.instances.update(life.instanceId, { life });
  return finished;
}

/** The lives of those interrupted, as they are from now on. */
function livesAfter(
  { instances, allocator }: CoordinatorContext,
  interrupted: readonly string[],
  nowMs: number,
): IncarnationRecord[] {
  return interrupted.flatMap((instanceId) => {
    const known = instances.get(instanceId);
    if (known === undefined) return [];
    const isBack = allocator.allocationOf(instanceId) !== undefined;
    return [isBack ? interruptedBefore(known.life, nowMs) : interruptedAt(known.life, nowMs)];
  });
}

function undo(
  context: CoordinatorContext,
  plan: OpenPlan,
  nowMs: number,
): { readonly ended: ReservationRecord[]; readonly shortfalls: Reason[] } {
  const { allocator } = context;
  const stopped = interruptedBy(plan);
  const held = plan.record.reservationIds.flatMap((id) => {
    const lease = allocator.reservation(id);
    return lease?.state === "held" ? [lease] : [];
  });
  const ended = held.map((lease) =>
    allocator.releaseReservation(lease.reservationId, lease.fencingToken),
  );
  for (const allocation of plan.record.victimAllocations ?? []) {
    if (stopped.has(allocation.instanceId)) continue;
    if (allocator.allocationOf(allocation.instanceId) === undefined) takeBack(context, allocation);
  }
  const shortfalls = held
    .filter(({ instanceId }) => stopped.has(instanceId))
    .flatMap((lease) => reserveAnew(context, lease, nowMs));
  return { ended, shortfalls };
}

/**
 * The instance runs on, whatever was promised of its room since. Where it no longer fits the node
 * is overcommitted in truth, so it is in the books too, as after a loss of capacity.
 */
function takeBack({ allocator }: CoordinatorContext, allocation: AllocationRecord): void {
  const { instanceId, groupId, nodeId, allocated } = allocation;
  // With its node the instance has gone as well.
  if (!allocator.hasNode(nodeId)) return;
  if (tries(() => allocator.allocate(instanceId, groupId, nodeId, allocated))) return;
  const { allocatable, headroom } = allocator.pool("node", nodeId);
  const owed = allocatable.map((amount, resource) => {
    const first = needColumn(resource, 0);
    const least = Math.min(...headroom.slice(first, first + PHASE_COUNT));
    return amount + (allocated[resource] ?? 0) + Math.max(0, -least);
  });
  allocator.resizeNode(nodeId, owed);
  allocator.allocate(instanceId, groupId, nodeId, allocated);
  allocator.resizeNode(nodeId, allocatable);
}

/** Where it was, else where it fits, else what is left of its old node. */
function reserveAnew(
  { allocator }: CoordinatorContext,
  lease: ReservationRecord,
  nowMs: number,
): Reason[] {
  const { instanceId, ownerId, groupId, amounts, planId, expectedRestartMs } = lease;
  const request = {
    instanceId,
    ownerId,
    groupId,
    expectedRestartMs,
    graceMs: Math.max(lease.expiresMs - expectedRestartMs, nowMs + 1 - expectedRestartMs),
    ...(planId === undefined ? {} : { planId }),
  };
  const answer = allocator.fit({ need: amounts, preferredNodeId: lease.nodeId });
  const nodeIds = [lease.nodeId, ...(answer.fits && answer.nodeId ? [answer.nodeId] : [])];
  for (const nodeId of nodeIds) {
    if (tries(() => allocator.reserve({ ...request, nodeId, amounts }))) return [];
  }
  const room = allocator.headroom(lease.nodeId);
  const partly = amounts.map((amount, column) => Math.min(amount, Math.max(0, room[column] ?? 0)));
  const missing = amounts.map((amount, column) => amount - (partly[column] ?? 0));
  const wanted = lease.wanted ?? amounts;
  const kept = tries(() =>
    allocator.reserve({ ...request, nodeId: lease.nodeId, amounts: partly, wanted }),
  );
  const lacking = peakOverPhases(kept ? missing : amounts).join(", ");
  return [
    {
      code: "FORCED_SHORTFALL",
      text: `${instanceId} was interrupted in a plan that others refused; it lacks ${lacking}`,
      missing: kept ? missing : amounts,
    },
  ];
}

/** Runs a step of the transaction that may find no room; anything else goes on up. */
function tries(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (isRepriseError(error) && error.code === "ERR_NO_ROOM") return false;
    throw error;
  }
}
