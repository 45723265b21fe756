/**
 * Who holds what on which node: allocations, what donors give, and what they get back. Steps of a
 * transaction; the caller rolls them back when a later one throws.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { AllocationRecord, ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkResourceAmounts, roundDown, roundUp } from "./amounts.js";
import type { Book } from "./book.js";
import { checkFields, checkId, checkLimit, checkList, requireNode } from "./checks.js";
import { requireRoom, shortageOf } from "./room.js";
import { peakOver } from "./timeline.js";

export class Tenancy {
  readonly #book: Book;

  constructor(book: Book) {
    this.#book = book;
  }

  /** Sets an instance's allocation, wherever it was before; nothing when it is that already. */
  set(
    instanceId: string,
    place: { readonly groupId: string; readonly nodeId: string },
    amounts: readonly number[],
    nowMs: number,
  ): void {
    checkId(instanceId, "instanceId");
    checkId(place.groupId, "groupId");
    checkResourceAmounts(amounts, "amounts");
    const book = this.#book;
    const node = requireNode(book, place.nodeId);
    const before = book.allocations.get(instanceId);
    if (before === undefined) checkLimit(book.allocations.size, LIMITS.instancesMax, "instances");
    if (!book.groups.has(place.groupId)) checkLimit(book.groups.size, LIMITS.groupsMax, "groups");
    const lacking = shortageOf(book, node, nowMs);
    const rounded = amounts.map(roundUp);
    if (before !== undefined && isSame(before, place, rounded)) return;
    this.forgetGifts(instanceId);
    book.putAllocation(instanceId, { instanceId, ...place, allocated: rounded });
    // An overcommitted node takes what does not make it worse.
    const allowed = lacking.map((lack, r) => {
      const held = before?.nodeId === place.nodeId ? (before.allocated[r] ?? 0) : 0;
      return (rounded[r] ?? 0) <= held ? lack : 0;
    });
    requireRoom(book, place.nodeId, nowMs, allowed);
  }

  /** Takes away what an instance holds; nothing when it holds nothing. */
  clear(instanceId: string): void {
    if (!this.#book.allocations.has(instanceId)) return;
    this.forgetGifts(instanceId);
    this.#book.putAllocation(instanceId, undefined);
  }

  /** Once a donor's allocation is set anew or gone, there is nothing to give back to it. */
  forgetGifts(donorId: string): void {
    for (const id of [...(this.#book.leasesByDonor.get(donorId) ?? [])]) {
      const lease = this.#book.leases.get(id);
      if (lease === undefined) continue;
      const shrinks = lease.shrinks.filter((shrink) => shrink.donorId !== donorId);
      this.#book.putLease({ ...lease, shrinks });
    }
  }

  /** Lowers the donors' allocations. @throws ERR_ARGUMENT, ERR_STATE when a donor cannot give it */
  shrink(
    shrinks: readonly ShrinkRecord[],
    owner: { readonly instanceId: string; readonly nodeId: string },
  ): readonly ShrinkRecord[] {
    checkList(shrinks, "shrinks");
    const seen = new Set<string>([owner.instanceId]);
    return shrinks.map((shrink) => {
      checkFields(shrink, "shrinks");
      checkResourceAmounts(shrink.given, "shrinks.given");
      checkResourceAmounts(shrink.floor, "shrinks.floor");
      if (seen.has(shrink.donorId) || shrink.nodeId !== owner.nodeId) {
        throw new RepriseError("ERR_ARGUMENT", "not a donor for this lease", {
          field: "shrinks.donorId",
          got: shrink.donorId,
          expected: `another instance on node ${owner.nodeId}, once`,
        });
      }
      seen.add(shrink.donorId);
      return this.#take(shrink);
    });
  }

  #take(shrink: ShrinkRecord): ShrinkRecord {
    const { donorId, nodeId } = shrink;
    const record = this.#book.allocations.get(donorId);
    if (record === undefined || record.nodeId !== nodeId) {
      throw new RepriseError("ERR_STATE", `donor ${donorId} holds nothing on node ${nodeId}`);
    }
    const given = shrink.given.map(roundDown);
    const floor = this.floorOf(donorId, shrink.floor.map(roundUp));
    const allocated = record.allocated.map((amount, r) => amount - (given[r] ?? 0));
    if (allocated.some((amount, r) => (given[r] ?? 0) > 0 && amount < (floor[r] ?? 0))) {
      throw new RepriseError("ERR_STATE", `donor ${donorId} would fall below its floor`, {
        field: "shrinks.given",
        got: given,
        expected: `at least ${floor.join(", ")} left of ${record.allocated.join(", ")}`,
      });
    }
    this.#book.putAllocation(donorId, { ...record, allocated });
    return { donorId, nodeId, given, floor: floor.map((f, r) => Math.min(f, allocated[r] ?? 0)) };
  }

  /** The floor with those that live leases hold the donor to already. */
  floorOf(donorId: string, floor: readonly number[]): number[] {
    const highest = [...floor];
    for (const id of this.#book.leasesByDonor.get(donorId) ?? []) {
      for (const shrink of this.#book.leases.get(id)?.shrinks ?? []) {
        if (shrink.donorId !== donorId) continue;
        for (let r = 0; r < RESOURCE_COUNT; r++) {
          highest[r] = Math.max(highest[r] ?? 0, shrink.floor[r] ?? 0);
        }
      }
    }
    return highest;
  }

  /**
   * Gives the donors of an ended lease back what they gave: all of it when the lease held it to the
   * end, else as far as there is room now, in the order of the list.
   */
  giveBack(ended: ReservationRecord, limitMs?: number): void {
    for (const { donorId, nodeId, given } of ended.shrinks) {
      const record = this.#book.allocations.get(donorId);
      if (record === undefined || record.nodeId !== nodeId) continue;
      const back = limitMs === undefined ? given : this.#possible(nodeId, given, limitMs);
      const allocated = record.allocated.map((amount, r) => amount + (back[r] ?? 0));
      this.#book.putAllocation(donorId, { ...record, allocated });
    }
  }

  #possible(nodeId: string, given: readonly number[], nowMs: number): number[] {
    const node = this.#book.node(nodeId);
    const peak = peakOver(this.#book.stepsOf(node), { fromMs: nowMs, toMs: Infinity });
    return given.map((amount, r) => {
      const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0) - (peak[r] ?? 0);
      return Math.max(0, Math.min(amount, idle));
    });
  }
}

function isSame(
  record: AllocationRecord,
  place: { readonly groupId: string; readonly nodeId: string },
  amounts: readonly number[],
): boolean {
  return (
    record.nodeId === place.nodeId &&
    record.groupId === place.groupId &&
    record.allocated.every((amount, r) => amount === amounts[r])
  );
}
