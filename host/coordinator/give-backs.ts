/** Acts that follow from the end of a lease: its donors get back what they gave. */
import type { ResourceAllocator } from "../allocator/types.js";
import type { Act } from "../engines/engine.js";
import { canonicalJson } from "../ledger/encoding.js";
import type { LedgerChange } from "../ledger/ledger.js";
import type { ReservationRecord } from "../ledger/records.js";

export const ACT_PREFIX = "act/";

/** One act for each donor that is still there, with what it holds now. */
export function giveBackActs(
  allocator: ResourceAllocator,
  ended: readonly ReservationRecord[],
): Act[] {
  return ended.flatMap(({ reservationId, shrinks, planId, fencingToken }) =>
    shrinks.flatMap(({ donorId }) => {
      const allocation = allocator.allocationOf(donorId);
      if (allocation === undefined) return [];
      const act: Act = {
        kind: "give-back",
        actId: `${reservationId}/give-back/${donorId}`,
        planId: planId ?? "",
        fencingToken,
        instanceId: donorId,
        nodeId: allocation.nodeId,
        target: [...allocation.amounts],
      };
      return [act];
    }),
  );
}

/** Written in the commit that causes the acts, so that a crash before they are sent loses none. */
export function outboxChanges(acts: readonly Act[]): LedgerChange[] {
  return acts.map((act) => ({
    table: "meta",
    key: `${ACT_PREFIX}${act.actId}`,
    put: canonicalJson(act),
  }));
}

export function outboxRemovals(actIds: readonly string[]): LedgerChange[] {
  return actIds.map((actId) => ({ table: "meta", key: `${ACT_PREFIX}${actId}`, remove: true }));
}
