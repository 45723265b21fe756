/**
 * Gives donors back at once what they gave when they need it: growing must not wait as shrinking
 * does. Steps of a transaction.
 *
 * What a lease was given stays with it as far as it would lack otherwise; a donor gets what is idle
 * beside all leases of its node.
 */
import type { AllocationRecord, ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import type { Book } from "./book.js";
import type { LoadReader } from "./load.js";
import { EXPAND_ABOVE_RATIO } from "./policy.js";
import { isZero, shortageOf } from "./room.js";
import { peakOver } from "./timeline.js";
import type { Expansion } from "./types.js";

/** @returns what was given back */
export function expandDonors(book: Book, load: LoadReader, nowMs: number): Expansion[] {
  return [...book.leasesByDonor.keys()].sort().flatMap((donorId) => {
    const record = book.allocations.get(donorId);
    const usage = load.instanceUsage(donorId);
    if (record === undefined || usage === undefined) return [];
    const isTight = record.allocated.map(
      (held, r) => (usage[r] ?? Number.NaN) > EXPAND_ABOVE_RATIO * held,
    );
    if (!isTight.includes(true)) return [];
    return [...(book.leasesByDonor.get(donorId) ?? [])].sort().flatMap((id) => {
      const lease = book.leases.get(id);
      const gift = lease?.shrinks.find((each) => each.donorId === donorId);
      if (lease === undefined || gift === undefined) return [];
      return giveBackPart(book, lease, gift, { isTight, nowMs });
    });
  });
}

function giveBackPart(
  book: Book,
  lease: ReservationRecord,
  gift: ShrinkRecord,
  { isTight, nowMs }: { readonly isTight: readonly boolean[]; readonly nowMs: number },
): Expansion[] {
  const record = book.allocations.get(gift.donorId);
  const node = book.node(gift.nodeId);
  if (record?.nodeId !== gift.nodeId) return [];
  const peak = peakOver(book.stepsOf(node), { fromMs: nowMs, toMs: Infinity });
  const back = gift.given.map((amount, r) => {
    const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0) - (peak[r] ?? 0);
    return isTight[r] === true ? Math.max(0, Math.min(amount, idle)) : 0;
  });
  if (isZero(back)) return [];
  const before = shortageOf(book, node, nowMs);
  const fencingToken = book.nextToken();
  moveBack(book, { lease: { ...lease, fencingToken }, gift, record }, back);
  const after = shortageOf(book, node, nowMs);
  if (after.every((lack, r) => lack <= (before[r] ?? 0))) {
    const { reservationId, planId } = lease;
    const { donorId, nodeId } = gift;
    const plan = planId === undefined ? {} : { planId };
    return [{ donorId, nodeId, reservationId, ...plan, fencingToken, given: back }];
  }
  book.putAllocation(gift.donorId, record);
  book.putLease(lease);
  return [];
}

function moveBack(
  book: Book,
  from: {
    readonly lease: ReservationRecord;
    readonly gift: ShrinkRecord;
    readonly record: AllocationRecord;
  },
  back: readonly number[],
): void {
  const { lease, gift, record } = from;
  const given = gift.given.map((amount, r) => amount - (back[r] ?? 0));
  const shrinks = lease.shrinks.flatMap((each) => {
    if (each.donorId !== gift.donorId) return [each];
    return isZero(given) ? [] : [{ ...each, given }];
  });
  const allocated = record.allocated.map((amount, r) => amount + (back[r] ?? 0));
  book.putLease({ ...lease, shrinks });
  book.putAllocation(gift.donorId, { ...record, allocated });
}
