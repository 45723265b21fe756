/**
 * The life of a lease: held -> claimed -> released, or held -> expired / released.
 *
 * Each change takes the next fencing token, so an act that carries an older one is refused. Steps
 * of a transaction; the caller rolls them back when a later one throws.
 */
import { needColumn, PHASE_COUNT, RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import type { ProfileReader } from "../profiler/profile.js";
import type { Book } from "./book.js";
import { checkFields, checkId, requireNode, wholeMs } from "./checks.js";
import {
  checkRequest,
  type DraftPorts,
  draftLease,
  requireFuture,
  timesOf,
} from "./lease-draft.js";
import { topUp } from "./lease-extras.js";
import { GRACE_MS, LATE_MAX_MS } from "./policy.js";
import { requireRoom, shortageOf, shortageWith, stepsWithout } from "./room.js";
import type { Tenancy } from "./tenancy.js";
import { leaseSteps, leaseWindows, leastOver, PHASES_MS, type Steps } from "./timeline.js";
import type { Grant, ReserveRequest } from "./types.js";

export interface LeasePorts {
  readonly book: Book;
  readonly tenancy: Tenancy;
  readonly profiles: ProfileReader;
  /** Finds a lease that is no longer live. */
  readonly ended: (reservationId: string) => ReservationRecord | undefined;
}

export class Leases {
  readonly #book: Book;
  readonly #tenancy: Tenancy;
  readonly #ended: (reservationId: string) => ReservationRecord | undefined;

  readonly #draftPorts: DraftPorts;

  constructor({ book, tenancy, profiles, ended }: LeasePorts) {
    this.#book = book;
    this.#tenancy = tenancy;
    this.#draftPorts = { book, profiles };
    this.#ended = ended;
  }

  reserve(request: ReserveRequest, nowMs: number): ReservationRecord {
    checkFields(request, "request");
    const times = checkRequest(this.#book, request, nowMs);
    const shrinks = this.#tenancy.shrink(request.shrinks ?? [], request);
    const fencingToken = this.#book.nextToken();
    const record = draftLease(this.#draftPorts, request, { ...times, fencingToken, nowMs });
    const lease: ReservationRecord = { ...record, shrinks };
    this.#book.putLease(lease);
    requireRoom(this.#book, request.nodeId, nowMs);
    return lease;
  }

  /** What the node would lack if the request were granted without donors, one value a resource. */
  shortageWith(request: ReserveRequest, nowMs: number): number[] {
    const so = { ...timesOf(request), fencingToken: this.#book.fencingToken + 1, nowMs };
    const thought = draftLease(this.#draftPorts, request, so);
    const node = requireNode(this.#book, request.nodeId);
    return shortageWith(this.#book, node, thought, nowMs);
  }

  claim(
    reservationId: string,
    claim: { readonly fencingToken: number; readonly instanceId: string },
    nowMs: number,
  ): Grant {
    checkFields(claim, "claim");
    checkId(claim.instanceId, "instanceId");
    const lease = this.#held(reservationId, claim.fencingToken, nowMs);
    const { nodeId } = lease;
    const own = leaseSteps({ ...lease, freedForOwner: [] });
    // Its former life is over, and what that one had claimed with it.
    this.#endClaim(this.#book.claimedByOwner.get(lease.ownerId));
    for (const instanceId of new Set([lease.instanceId, claim.instanceId])) {
      this.endClaimed(instanceId);
      this.#tenancy.clear(instanceId);
    }
    const { freedForOwner: _, ...rest } = this.#book.leases.get(reservationId) ?? lease;
    const claimed: ReservationRecord = {
      ...rest,
      instanceId: claim.instanceId,
      state: "claimed",
      claimedMs: nowMs,
      fencingToken: this.#book.nextToken(),
    };
    const room = this.#claimable(claimed, own);
    const amounts = lease.amounts.map((amount, column) =>
      Math.max(0, Math.min(amount, room[column] ?? 0)),
    );
    const { wanted = lease.amounts } = lease;
    const shortfall = wanted.map((amount, column) => amount - (amounts[column] ?? 0));
    const isShort = shortfall.some((lack) => lack > 0);
    this.#book.putLease({ ...claimed, amounts, ...(isShort ? { wanted } : {}) });
    return {
      reservationId,
      instanceId: claim.instanceId,
      nodeId,
      amounts,
      shortfall,
    };
  }

  /**
   * What the claimed lease may hold in each phase: at any time what it held for that time already,
   * or what is idle then. A restart before its time may find less than was promised for later.
   */
  #claimable(claimed: ReservationRecord, own: Steps): number[] {
    const node = this.#book.node(claimed.nodeId);
    const others = stepsWithout(this.#book, node, claimed.reservationId);
    const room: number[] = [];
    leaseWindows(claimed).forEach((window, phase) => {
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0);
        room[needColumn(r, phase)] = leastOver(others, own, window, (other, held) =>
          Math.max(idle - (other[r] ?? 0), held[r] ?? 0),
        );
      }
    });
    return room;
  }

  renew(
    reservationId: string,
    fencingToken: number,
    restartMs: number,
    nowMs: number,
  ): ReservationRecord {
    const lease = this.#held(reservationId, fencingToken, nowMs);
    const expectedRestartMs = wholeMs(restartMs, "expectedRestartMs");
    const expiresMs = expectedRestartMs + (lease.expiresMs - lease.expectedRestartMs);
    requireFuture(expiresMs, nowMs);
    const before = shortageOf(this.#book, this.#book.node(lease.nodeId), nowMs);
    const renewed: ReservationRecord = {
      ...lease,
      expectedRestartMs,
      expiresMs,
      fencingToken: this.#book.nextToken(),
    };
    this.#book.putLease(renewed);
    requireRoom(this.#book, lease.nodeId, nowMs, before);
    return renewed;
  }

  /** See `topUp`; the grant as it is when nothing was added. */
  topUp(reservationId: string, fencingToken: number, nowMs: number): Grant {
    const lease = this.#live(reservationId, fencingToken);
    if (lease.state !== "claimed") throw notInState(reservationId, lease.state, "claimed");
    const { instanceId, nodeId, amounts, wanted = amounts } = lease;
    const shortfall = wanted.map((amount, column) => amount - (amounts[column] ?? 0));
    const before = { reservationId, instanceId, nodeId, amounts, shortfall };
    return topUp(this.#book, lease, nowMs) ?? before;
  }

  /** Ends a held lease whose room is lost with it: nothing comes back to its donors. */
  consume(reservationId: string, fencingToken: number, nowMs: number): ReservationRecord {
    const lease = this.#held(reservationId, fencingToken, nowMs);
    const fencingTokenAfter = this.#book.nextToken();
    const ended: ReservationRecord = {
      ...lease,
      state: "released",
      fencingToken: fencingTokenAfter,
    };
    this.#book.putLease(ended);
    return ended;
  }

  /** Ends a live lease before its time. */
  release(reservationId: string, fencingToken: number): ReservationRecord {
    return this.end(this.#live(reservationId, fencingToken), "released");
  }

  /** Ends a lease that did not settle: its donors get all of it back. */
  end(lease: ReservationRecord, state: "expired" | "released"): ReservationRecord {
    const ended: ReservationRecord = { ...lease, state, fencingToken: this.#book.nextToken() };
    this.#book.putLease(ended);
    this.#tenancy.giveBack(ended);
    return ended;
  }

  /** Ends what the instance has claimed, if anything. */
  endClaimed(instanceId: string): void {
    this.#endClaim(this.#book.claimedByInstance.get(instanceId));
  }

  #endClaim(reservationId: string | undefined): void {
    const lease = this.#book.leases.get(reservationId ?? "");
    if (lease !== undefined) this.end(lease, "released");
  }

  /** Ends what is over: unclaimed leases expire, claimed ones become plain allocations. */
  sweep(nowMs: number, isUnderWay?: (lease: ReservationRecord) => boolean): ReservationRecord[] {
    const over = [...this.#book.leases.values()]
      .filter((lease) => dueMs(lease) <= nowMs)
      .sort((a, b) => (a.reservationId < b.reservationId ? -1 : 1));
    const ended: ReservationRecord[] = [];
    this.#book.markSwept(nowMs);
    for (const { reservationId } of over) {
      // Looked up again: an earlier one's donors may have changed it.
      const lease = this.#book.leases.get(reservationId);
      if (lease === undefined) continue;
      if (isUnderWay?.(lease) === true && this.#renewLate(lease, nowMs)) continue;
      ended.push(lease.state === "held" ? this.end(lease, "expired") : this.#settle(lease, nowMs));
    }
    return ended;
  }

  /** Keeps the lease of a restart that is late, where there is room for it to come later. */
  #renewLate(lease: ReservationRecord, nowMs: number): boolean {
    if (lease.state !== "held" || nowMs >= lease.expectedRestartMs + LATE_MAX_MS) return false;
    const node = this.#book.node(lease.nodeId);
    const before = shortageOf(this.#book, node, nowMs);
    const grown = { ...lease, expiresMs: nowMs + GRACE_MS };
    this.#book.putLease(grown);
    const lacks = shortageOf(this.#book, node, nowMs);
    if (lacks.every((lack, r) => lack <= (before[r] ?? 0))) {
      this.#book.putLease({ ...grown, fencingToken: this.#book.nextToken() });
      return true;
    }
    this.#book.putLease(lease);
    return false;
  }

  /** The last phase's amounts become the instance's allocation; donors get what is idle then. */
  #settle(lease: ReservationRecord, nowMs: number): ReservationRecord {
    const { instanceId, groupId, nodeId } = lease;
    const allocated = this.#settledAmounts(lease, nowMs);
    const last = allocated.map((_, r) => lease.amounts[needColumn(r, PHASE_COUNT - 1)] ?? 0);
    if (allocated.some((amount, r) => amount < (last[r] ?? 0))) this.#book.noteShortSettlement();
    const fencingToken = this.#book.nextToken();
    const ended: ReservationRecord = { ...lease, state: "released", fencingToken };
    this.#book.putLease(ended);
    this.#book.putAllocation(instanceId, { instanceId, groupId, nodeId, allocated });
    this.#tenancy.giveBack(ended, nowMs);
    return ended;
  }

  /**
   * The last phase's amounts; of a pooled lease no more than fits beside the others as they stay
   * behind, and at least what the pool gets smaller by without it.
   */
  #settledAmounts(lease: ReservationRecord, nowMs: number): number[] {
    const last = RESOURCES.map((_, r) => lease.amounts[needColumn(r, PHASE_COUNT - 1)] ?? 0);
    if (lease.quantiles === undefined) return last;
    const node = this.#book.node(lease.nodeId);
    const others = stepsWithout(this.#book, node, lease.reservationId);
    const all = this.#book.stepsOf(node);
    const window = { fromMs: nowMs, toMs: Infinity };
    return last.map((amount, r) => {
      const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0);
      const room = leastOver(
        others,
        all,
        window,
        (other, whole) => Math.max(idle, whole[r] ?? 0) - (other[r] ?? 0),
      );
      return Math.max(0, Math.min(amount, room));
    });
  }

  #held(reservationId: string, fencingToken: number, nowMs: number): ReservationRecord {
    const lease = this.#live(reservationId, fencingToken);
    if (lease.state === "held" && lease.expiresMs > nowMs) return lease;
    const got = lease.state === "held" ? `expired at ${lease.expiresMs}` : lease.state;
    throw notInState(reservationId, got, "held");
  }

  /** @throws ERR_UNKNOWN_ID, ERR_FENCED, ERR_STATE */
  #live(reservationId: string, fencingToken: number): ReservationRecord {
    const live = this.#book.leases.get(reservationId);
    const lease = live ?? this.#ended(reservationId);
    if (lease === undefined) {
      throw new RepriseError("ERR_UNKNOWN_ID", "no such lease", {
        field: "reservationId",
        got: reservationId,
      });
    }
    requireToken(lease, fencingToken);
    if (live === undefined) throw notInState(reservationId, lease.state, "held or claimed");
    return live;
  }
}

function notInState(reservationId: string, got: string, expected: string): RepriseError {
  return new RepriseError("ERR_STATE", `lease ${reservationId} is over`, { got, expected });
}

/** When a live lease is over. */
export function dueMs(lease: ReservationRecord): number {
  return lease.state === "held" ? lease.expiresMs : (lease.claimedMs ?? 0) + PHASES_MS;
}

function requireToken(lease: ReservationRecord, fencingToken: number): void {
  if (lease.fencingToken === fencingToken) return;
  throw new RepriseError("ERR_FENCED", `lease ${lease.reservationId} has moved on`, {
    field: "fencingToken",
    got: fencingToken,
    expected: `${lease.fencingToken}`,
  });
}
