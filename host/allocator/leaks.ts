/**
 * Room that nobody will ever give back: what the book and the ledger hold that no owner can end.
 * Its count is 0; anything else is a defect, named here.
 */
import type { Ledger } from "../ledger/ledger.js";
import type { Book } from "./book.js";
import { dueMs } from "./leases.js";

export interface LeakAudit {
  readonly count: number;
  /** What leaks, one line each. */
  readonly leaks: readonly string[];
}

/** @param sweptMs time of the last sweep: what was over by then must be gone */
export function auditLeaks(book: Book, ledger: Ledger, sweptMs: number): LeakAudit {
  const leaks: string[] = [];
  for (const [id, lease] of book.leases) {
    if (dueMs(lease) <= sweptMs) leaks.push(`${id} outlives its time`);
    const claimed = lease.state === "claimed";
    const owners = claimed ? book.claimedByOwner : book.heldByOwner;
    if (owners.get(lease.ownerId) !== id) leaks.push(`${id} has no owner that could end it`);
    for (const { donorId, nodeId } of lease.shrinks) {
      const donor = book.allocations.get(donorId);
      if (donor?.nodeId !== nodeId) leaks.push(`${id} keeps what ${donorId}, gone, gave`);
    }
    const recorded = ledger.get("reservation", id);
    if (recorded?.state !== lease.state) leaks.push(`${id} is ${lease.state} in memory alone`);
  }
  for (const [id, record] of ledger.entries("reservation")) {
    const live = record.state === "held" || record.state === "claimed";
    if (live && !book.leases.has(id)) leaks.push(`${id} is ${record.state} in the ledger alone`);
  }
  return { count: leaks.length, leaks };
}
