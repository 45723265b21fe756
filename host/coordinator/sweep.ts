/** Ends the leases that are over, and gives donors back what they need at once. */
import type { ResourceAllocator } from "../allocator/types.js";
import type { Act } from "../engines/engine.js";
import type { ReservationRecord } from "../ledger/records.js";
import { expansionActs, giveBackActs, outboxChanges } from "./give-backs.js";

/** One transaction. `isDown`: who is down and was not seen to be back is late, its lease is kept. */
export function sweepLeases(
  allocator: ResourceAllocator,
  isDown: (instanceId: string) => boolean,
): { readonly ended: readonly ReservationRecord[]; readonly acts: readonly Act[] } {
  return allocator.transact(
    () => {
      const ended = allocator.expire(({ instanceId }) => isDown(instanceId));
      return { ended, acts: [...giveBackActs(allocator, ended), ...expansionActs(allocator)] };
    },
    ({ acts }) => outboxChanges(acts),
  );
}
