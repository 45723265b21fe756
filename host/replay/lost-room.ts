import type { ResourceAllocator } from "../allocator/types.js";
import { PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { addAmounts, type NodeRoom, takeCapacity } from "./capacity.js";
import type { CapacityLoss } from "./policy.js";
import type { Amounts } from "./scenario.js";

/** The allocator counts in 1/1024; a loss spread over nodes may miss as much on each. */
const TOLERANCE = 1 / 128;

/** A neighbour's shrink that outlived its lease, because the room it gave has left the node. */
interface Gift {
  readonly donorId: string;
  readonly nodeId: string;
  readonly given: Amounts;
  readonly left: Amounts;
}

/**
 * Capacity that leaves and returns, as the allocator sees it: the room held for the loss ends with
 * it, and donors get back what they gave when capacity returns, not when the lease ends.
 */
export class LostRoom {
  readonly #allocator: ResourceAllocator;
  readonly #capacity: Map<string, Amounts>;
  #gifts: Gift[] = [];

  constructor(allocator: ResourceAllocator, nodes: Iterable<readonly [string, Amounts]>) {
    this.#allocator = allocator;
    this.#capacity = new Map(nodes);
  }

  /**
   * @param holds leases that kept room for this loss
   * @param evictNext takes the next instance off the nodes; false when there is none
   */
  async lose(
    loss: CapacityLoss,
    holds: readonly ReservationRecord[],
    evictNext: () => Promise<boolean>,
  ): Promise<{ readonly taken: ReadonlyMap<string, Amounts>; readonly met: boolean }> {
    this.#endHolds(holds);
    const held = new Map(holds.map((hold) => [hold.nodeId, steady(hold.amounts)]));
    let plan = this.#plan(loss, held);
    const met = isSmall(plan.missing);
    while (!isSmall(plan.missing) && (await evictNext())) plan = this.#plan(loss, held);
    for (const [nodeId, amounts] of plan.taken) this.#resize(nodeId, amounts, -1);
    return { taken: plan.taken, met };
  }

  gain(amounts: ReadonlyMap<string, Amounts>): void {
    for (const [nodeId, gained] of amounts) this.#resize(nodeId, gained, 1);
    this.#gifts = this.#gifts.filter((gift) => !amounts.has(gift.nodeId) || !this.#giveBack(gift));
  }

  #endHolds(holds: readonly ReservationRecord[]): void {
    const allocator = this.#allocator;
    allocator.transact(() => {
      for (const { reservationId, shrinks } of holds) {
        for (const { donorId, nodeId, given } of shrinks) {
          const allocation = allocator.allocationOf(donorId);
          if (allocation === undefined) continue;
          // Gone and set anew, it is no longer the lease's to give back.
          allocator.release(donorId);
          allocator.allocate(donorId, allocation.groupId, nodeId, allocation.amounts);
          this.#gifts.push({ donorId, nodeId, given, left: [...allocation.amounts] });
        }
        const lease = allocator.reservation(reservationId);
        if (lease?.state === "held") {
          allocator.releaseReservation(reservationId, lease.fencingToken);
        }
      }
    });
  }

  /** Held room first, then whatever is free. */
  #plan(loss: CapacityLoss, held: ReadonlyMap<string, Amounts>) {
    const rooms = loss.nodeIds.map((nodeId) => this.#roomOf(nodeId));
    const first = new Map<string, Amounts>();
    let rest = loss.amounts;
    for (const { nodeId, room } of rooms) {
      const own = (held.get(nodeId) ?? []).map((amount, resource) =>
        Math.max(0, Math.min(amount, rest[resource] ?? 0, room[resource] ?? 0)),
      );
      if (own.length === 0) continue;
      first.set(nodeId, own);
      rest = addAmounts(rest, own, -1);
    }
    const left = rooms.map(({ nodeId, room, capacity }) => {
      const own = first.get(nodeId) ?? [];
      return {
        nodeId,
        room: addAmounts(room, own, -1),
        capacity: addAmounts(capacity, own, -1),
      };
    });
    const { taken, missing } = takeCapacity(left, rest);
    const whole = [...taken].map(
      ([nodeId, amounts]) => [nodeId, addAmounts(amounts, first.get(nodeId) ?? [])] as const,
    );
    return { taken: new Map<string, Amounts>(whole), missing };
  }

  #roomOf(nodeId: string): NodeRoom {
    const room = steady(this.#allocator.headroom(nodeId));
    return { nodeId, room, capacity: this.#capacity.get(nodeId) ?? [] };
  }

  #resize(nodeId: string, amounts: Amounts, sign: number): void {
    const before = this.#capacity.get(nodeId) ?? [];
    const after = addAmounts(before, amounts, sign).map((amount) => Math.max(0, amount));
    this.#capacity.set(nodeId, after);
    this.#allocator.resizeNode(nodeId, after);
  }

  /** True when it is done with. A donor that has moved or changed since has forgotten its gift. */
  #giveBack(gift: Gift): boolean {
    const allocation = this.#allocator.allocationOf(gift.donorId);
    if (allocation === undefined || allocation.nodeId !== gift.nodeId) return true;
    if (allocation.amounts.some((amount, resource) => amount !== gift.left[resource])) return true;
    const room = steady(this.#allocator.headroom(gift.nodeId));
    if (gift.given.some((amount, resource) => amount > (room[resource] ?? 0))) return false;
    const amounts = addAmounts(allocation.amounts, gift.given);
    this.#allocator.allocate(gift.donorId, allocation.groupId, gift.nodeId, amounts);
    return true;
  }
}

/** The least over the phases, one value a resource. */
function steady(amounts: readonly number[]): number[] {
  return Array.from({ length: RESOURCE_COUNT }, (_, resource) =>
    Math.min(...amounts.slice(resource * PHASE_COUNT, (resource + 1) * PHASE_COUNT)),
  );
}

function isSmall(missing: Amounts): boolean {
  return missing.every((amount) => amount <= TOLERANCE);
}
