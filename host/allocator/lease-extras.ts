/**
 * What may happen to a lease beside its plain life: a short grant is filled up, a hold is used up
 * by the very loss it was made for, and gifts come back later than their lease ended. Steps of a
 * transaction.
 */
import { needColumn, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import type { Book } from "./book.js";
import { checkList } from "./checks.js";
import { stepsWithout } from "./room.js";
import { leaseWindows, leastOver, peakOver } from "./timeline.js";
import type { Grant } from "./types.js";

/**
 * Adds to a short grant what is idle now, in the phases that are not over.
 * @returns the grant as it is then; undefined when nothing could be added
 */
export function topUp(book: Book, lease: ReservationRecord, nowMs: number): Grant | undefined {
  const { wanted } = lease;
  if (wanted === undefined) return undefined;
  const node = book.node(lease.nodeId);
  const others = stepsWithout(book, node, lease.reservationId);
  const own = book.stepsOfLease(lease.reservationId);
  const amounts = [...lease.amounts];
  leaseWindows(lease).forEach(({ fromMs, toMs }, phase) => {
    if (toMs <= nowMs) return;
    const window = { fromMs: Math.max(fromMs, nowMs), toMs };
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const column = needColumn(r, phase);
      const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0);
      const room = leastOver(others, own, window, (other, held) =>
        Math.max(idle - (other[r] ?? 0), held[r] ?? 0),
      );
      amounts[column] = Math.max(amounts[column] ?? 0, Math.min(wanted[column] ?? 0, room));
    }
  });
  if (amounts.every((amount, column) => amount === lease.amounts[column])) return undefined;
  const { wanted: _, ...rest } = lease;
  const shortfall = wanted.map((amount, column) => amount - (amounts[column] ?? 0));
  const isShort = shortfall.some((amount) => amount > 0);
  const fencingToken = book.nextToken();
  book.putLease({ ...rest, amounts, fencingToken, ...(isShort ? { wanted } : {}) });
  const { reservationId, instanceId, nodeId } = lease;
  return { reservationId, instanceId, nodeId, amounts, shortfall };
}

/**
 * Gives back what an ended lease's donors gave, as far as there is room now.
 * @returns what could not be given back yet
 */
export function returnGifts(
  book: Book,
  gifts: readonly ShrinkRecord[],
  nowMs: number,
): ShrinkRecord[] {
  checkList(gifts, "gifts");
  return gifts.flatMap((gift) => {
    const record = book.allocations.get(gift.donorId);
    // Moved, gone: nothing is owed to it any more.
    if (record?.nodeId !== gift.nodeId) return [];
    const node = book.node(gift.nodeId);
    const peak = peakOver(book.stepsOf(node), { fromMs: nowMs, toMs: Infinity });
    const back = gift.given.map((amount, r) => {
      const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0) - (peak[r] ?? 0);
      return Math.max(0, Math.min(amount, idle));
    });
    const allocated = record.allocated.map((amount, r) => amount + (back[r] ?? 0));
    book.putAllocation(gift.donorId, { ...record, allocated });
    const given = gift.given.map((amount, r) => amount - (back[r] ?? 0));
    return given.some((amount) => amount > 0) ? [{ ...gift, given }] : [];
  });
}
