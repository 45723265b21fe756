/** Room that is given back because its holder is gone or wants it no more. */
import type { Act } from "../engines/engine.js";
import { isHoldOf } from "./commit-plan.js";
import { giveBackActs, outboxChanges } from "./give-backs.js";
import type { CoordinatorContext } from "./ports.js";
import type { OpenPlan } from "./state.js";

/** What an instance that is gone by itself held; the acts that its donors are owed. */
export function letGo({ allocator, instances }: CoordinatorContext, instanceId: string): Act[] {
  const { ownerId } = instances.require(instanceId);
  if (allocator.allocationOf(instanceId) === undefined) return [];
  return allocator.transact(() => {
    const lease = allocator.reservationOfOwner(ownerId);
    allocator.release(instanceId);
    const after = lease && allocator.reservation(lease.reservationId);
    return lease?.state === "claimed" && after ? giveBackActs(allocator, [after]) : [];
  }, outboxChanges);
}

/** What is held for a request that is over; `open` plans are written as they stand. */
export function endHolds(
  { allocator }: CoordinatorContext,
  requestId: string,
  open: readonly OpenPlan[],
): Act[] {
  const held = [...allocator.reservations()].filter(
    ({ ownerId, state }) => state === "held" && isHoldOf(requestId, ownerId),
  );
  return allocator.transact(
    () => {
      const ended = held.map(({ reservationId, fencingToken }) =>
        allocator.releaseReservation(reservationId, fencingToken),
      );
      return giveBackActs(allocator, ended);
    },
    (posted) => [
      ...outboxChanges(posted),
      { table: "meta", key: `pending/${requestId}`, remove: true },
      ...open.map(({ record }) => ({ table: "plan", key: record.planId, put: record }) as const),
    ],
  );
}
