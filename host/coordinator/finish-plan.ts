/**
 * The end of a plan: what happened is written down, what the engine refused is undone. An instance
 * that could not be interrupted is still running, so it gets its allocation back before anything
 * else; the requester's room goes, and those that are down keep a reservation, placed anew where
 * the old place is taken again.
 */
import type { Act } from "../engines/engine.js";
import type { LedgerChange } from "../ledger/ledger.js";
import type { PlanRecord, Reason, ReservationRecord } from "../ledger/records.js";
import { isRepriseError } from "../lib/errors.js";
import { giveBackActs, outboxChanges } from "./give-backs.js";
import { interruptedAt } from "./instances.js";
import { isPlanCarriedOut } from "./plan-acts.js";
import type { CoordinatorContext } from "./ports.js";
import { peakOverPhases } from "./rooms.js";
import { type OpenPlan, wasInterrupted } from "./state.js";

export interface Finished {
  readonly record: PlanRecord;
  readonly acts: readonly Act[];
}

/** @throws what the allocator or the ledger throws; then the plan stays open, to be tried again */
export function finishPlan(context: CoordinatorContext, plan: OpenPlan, nowMs: number): Finished {
  const interrupted = plan.record.victims.filter((id) => wasInterrupted(plan, id));
  const whole = isPlanCarriedOut(plan);
  const finished = context.allocator.transact(
    () => {
      const undone = whole ? { ended: [], shortfalls: [] } : undo(context, plan, nowMs);
      const record: PlanRecord = {
        ...plan.record,
        state: whole || interrupted.length > 0 ? "done" : "rolled-back",
        ...(undone.shortfalls.length === 0 ? {} : { shortfalls: undone.shortfalls }),
      };
      return { record, acts: giveBackActs(context.allocator, undone.ended) };
    },
    ({ record, acts }) => [
      { table: "plan", key: record.planId, put: record },
      ...outboxChanges(acts),
      ...lifeChanges(context, interrupted, nowMs),
    ],
  );
  for (const instanceId of interrupted) {
    const known = context.instances.get(instanceId);
    if (known === undefined) continue;
    context.instances.update(instanceId, { life: interruptedAt(known.life, nowMs) });
  }
  return finished;
}

function lifeChanges(
  { instances }: CoordinatorContext,
  interrupted: readonly string[],
  nowMs: number,
): LedgerChange[] {
  return interrupted.flatMap((instanceId) => {
    const known = instances.get(instanceId);
    if (known === undefined) return [];
    const put = interruptedAt(known.life, nowMs);
    return [{ table: "incarnation", key: instanceId, put } as const];
  });
}

function undo(
  context: CoordinatorContext,
  plan: OpenPlan,
  nowMs: number,
): { readonly ended: ReservationRecord[]; readonly shortfalls: Reason[] } {
  const { allocator } = context;
  const held = plan.record.reservationIds.flatMap((id) => {
    const lease = allocator.reservation(id);
    return lease?.state === "held" ? [lease] : [];
  });
  const ended = held.map((lease) =>
    allocator.releaseReservation(lease.reservationId, lease.fencingToken),
  );
  for (const { instanceId, groupId, nodeId, allocated } of plan.record.victimAllocations ?? []) {
    if (wasInterrupted(plan, instanceId) || allocator.allocationOf(instanceId)) continue;
    allocator.allocate(instanceId, groupId, nodeId, allocated);
  }
  const shortfalls = held
    .filter(({ instanceId }) => wasInterrupted(plan, instanceId))
    .flatMap((lease) => reserveAnew(context, lease, nowMs));
  return { ended, shortfalls };
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
  const kept = tries(() =>
    allocator.reserve({ ...request, nodeId: lease.nodeId, amounts: partly }),
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
