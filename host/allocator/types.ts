/**
 * The allocator's words. Amounts of an allocation have one value a resource (4); needs and
 * reservations have resource x phase (12, index = `needColumn`). Units as in `sources/sample.ts`.
 */
import type { Resource } from "../core/abi.js";
import type { LedgerChange } from "../ledger/ledger.js";
import type { ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import type { LeakAudit } from "./leaks.js";
import type { RoomAhead } from "./pacing.js";

export interface NodeSpec {
  readonly nodeId: string;
  /** Capacity after the system's own share, one value a resource. */
  readonly allocatable: readonly number[];
}

export interface PoolView {
  readonly kind: "node" | "group" | "total";
  readonly id: string;
  readonly allocatable: readonly number[];
  readonly allocated: readonly number[];
  /** Peak of the leases within each band from now: 0-10, 10-30 and from 30 minutes on. */
  readonly reserved: readonly number[];
  /** allocatable - allocated - reserved, resource x phase. */
  readonly headroom: readonly number[];
  /** Room that the predicted needs of the interruptible members ask to have ready: shown, not
   * enforced; leases are granted by their own amounts. */
  readonly target: readonly number[];
}

export interface FitQuestion {
  readonly need: readonly number[];
  /** Nodes to look at; all when absent. */
  readonly nodeIds?: readonly string[];
  /** Room that will be free by then although it is not now, resource x phase a node. */
  readonly freed?: ReadonlyMap<string, readonly number[]>;
  /** Tried first. */
  readonly preferredNodeId?: string;
}

export interface FitAnswer {
  readonly fits: boolean;
  readonly nodeId: string | null;
  readonly nodeCount: number;
  /** What the best node lacks, resource x phase, zeros when it fits. */
  readonly missing: readonly number[];
}

export interface ReserveRequest {
  readonly instanceId: string;
  readonly ownerId: string;
  readonly groupId: string;
  readonly nodeId: string;
  readonly amounts: readonly number[];
  readonly expectedRestartMs: number;
  /** How long after the expected restart the lease lives unclaimed. */
  readonly graceMs?: number;
  readonly planId?: string;
  /** See `ReservationRecord.freedForOwner`. */
  readonly freedForOwner?: readonly number[];
  readonly shrinks?: readonly ShrinkRecord[];
  /** All of the need, where `amounts` are only what there is of it: a claim falls short of this and
   * may be topped up to it. */
  readonly wanted?: readonly number[];
  /** See `ReservationRecord.quantiles`; from the instance's profile when absent. Used only where
   * no amount is above its .99 quantile. */
  readonly quantiles?: readonly number[];
}

export interface Grant {
  readonly reservationId: string | null;
  readonly instanceId: string;
  readonly nodeId: string;
  /** What the instance gets, resource x phase from its restart. */
  readonly amounts: readonly number[];
  /** What of the need could not be given, resource x phase. */
  readonly shortfall: readonly number[];
  /** Resources whose need nobody knows: nothing was given of them, which is no shortfall either. */
  readonly unknown?: readonly Resource[];
  /** Of a short grant: a restart that waits until then, and is reported again then, gets all. */
  readonly startAtMs?: number;
}

export interface AllocationAnswer {
  readonly approved: boolean;
  readonly instanceId: string;
  readonly need: readonly number[];
  readonly available: readonly number[];
  /** Per resource x phase, zeros when approved. */
  readonly missing: readonly number[];
  readonly reservation?: ReservationRecord;
  readonly shrinks: readonly ShrinkRecord[];
  /** Resources of which nothing is known, neither a sample nor a limit nor what it holds: then the
   * answer is no, and the amounts above are no statement. */
  readonly unknown?: readonly Resource[];
}

/** Options of `allocateResources`. */
export interface AllocationRequest {
  readonly outageMinutes?: number;
  /** Room freed by the interruption itself counts for the instance only when it is not promised
   * to somebody else. One value a resource; zero when all of it goes to the requester. */
  readonly freedForOwner?: readonly number[];
  readonly nodeIds?: readonly string[];
  readonly planId?: string;
  /** Job identity; the instance's id when absent. */
  readonly ownerId?: string;
  /** Where the instance holds nothing now; else its group is known. */
  readonly groupId?: string;
  /** May neighbours be shrunk? Default true. */
  readonly shrink?: boolean;
}

export interface DonorSearch {
  readonly nodeId: string;
  readonly groupId: string;
  /** One value a resource. */
  readonly missing: readonly number[];
  readonly exclude?: ReadonlySet<string>;
  /** Whether it may be asked at all; everybody when absent. */
  readonly mayGive?: (instanceId: string) => boolean;
  /** Answer also with donors that cover only a part; default false: then all or nobody. */
  readonly partial?: boolean;
  /** Room is taken in any case: donors keep less of what they may need, never less than they use. */
  readonly forced?: boolean;
}

/** What a donor got back before its lease ended. */
export interface Expansion {
  readonly donorId: string;
  readonly nodeId: string;
  readonly reservationId: string;
  readonly planId?: string;
  /** Of the lease from now on. */
  readonly fencingToken: number;
  /** One value a resource. */
  readonly given: readonly number[];
}

export interface PoolStatus {
  /** By how much the needs of new pooled leases are scaled, less 1; one value a resource. */
  readonly offsets: readonly number[];
  /** Observations of pools, one a resource, and those in which usage exceeded the pool. */
  readonly observed: number;
  readonly exceeded: number;
  /** Pooled leases that settled into less than their last phase. */
  readonly shortSettlements: number;
}

/**
 * Owner of every pool and every lease. Each mutating call either happens whole (memory and ledger)
 * or throws a typed error and changes nothing.
 */
export interface ResourceAllocator {
  addNode(spec: NodeSpec): void;
  /** A smaller node may leave it overcommitted: then its headroom is negative, never hidden. */
  resizeNode(nodeId: string, allocatable: readonly number[]): void;
  removeNode(nodeId: string): void;
  nodeIds(): readonly string[];
  hasNode(nodeId: string): boolean;

  /** Sets what an instance holds on a node. @throws ERR_NO_ROOM, ERR_UNKNOWN_ID */
  allocate(instanceId: string, groupId: string, nodeId: string, amounts: readonly number[]): void;
  allocationOf(
    instanceId: string,
  ): { nodeId: string; groupId: string; amounts: readonly number[] } | undefined;
  /** The instance is gone from its node. Its claimed lease, if any, ends with it. */
  release(instanceId: string): void;

  allocateResources(instanceId: string, request: AllocationRequest): AllocationAnswer;
  reserve(request: ReserveRequest): ReservationRecord;
  reservation(reservationId: string): ReservationRecord | undefined;
  reservationOfOwner(ownerId: string): ReservationRecord | undefined;
  /** By id; of one node when it is named, none where there is no such node. */
  reservations(nodeId?: string): Iterable<ReservationRecord>;
  /** Grants the lease now. @throws ERR_FENCED on a stale token, ERR_STATE when it is not held */
  claim(
    reservationId: string,
    claim: { readonly fencingToken: number; readonly instanceId: string },
  ): Grant;
  /** Ends a lease; its donors get back what they gave. */
  releaseReservation(reservationId: string, fencingToken: number): ReservationRecord;
  /** Renews a held lease. */
  renew(reservationId: string, fencingToken: number, expectedRestartMs: number): ReservationRecord;
  /** Gives a claimed lease that fell short what is idle now. Engines are to be told. */
  topUp(reservationId: string, fencingToken: number): Grant;
  /**
   * The capacity that a lease was held for is lost: the lease ends, its node has `allocatable` from
   * now on, and donors get nothing back; `returnGifts` may give it back later. One step.
   */
  consume(
    reservationId: string,
    fencingToken: number,
    allocatable: readonly number[],
  ): ReservationRecord;
  /** Gives donors back what fits now; returns the rest. For the gifts of a consumed lease. */
  returnGifts(gifts: readonly ShrinkRecord[]): readonly ShrinkRecord[];
  /**
   * Ends what is over at the clock's time; returns it. A held lease for which `isUnderWay` says that
   * its restart is only late is renewed, for at most an hour, where there is room.
   */
  expire(isUnderWay?: (lease: ReservationRecord) => boolean): readonly ReservationRecord[];

  fit(question: FitQuestion): FitAnswer;
  /** Of a node, one value a resource; never changed, a node that is resized has a new array. */
  allocatable(nodeId: string): readonly number[];
  /** As of `pool`; never changed, a node whose room changes has a new array. */
  headroom(nodeId: string): readonly number[];
  pool(kind: PoolView["kind"], id: string): PoolView;
  donors(search: DonorSearch): readonly ShrinkRecord[];
  /** Its engine did not shrink it: it is no donor for a while, others are. */
  donorRefused(instanceId: string): void;
  /**
   * Donors that use nearly all they were left with get back what they gave, as far as there is room
   * beside the leases that hold it. Engines are to be told what they hold then.
   * @returns what was given back, and the leases that held it
   */
  expandDonors(): readonly Expansion[];

  /**
   * Earliest time from `nowMs` on at which a restart with this need keeps the sum of start-up curves
   * on the node under what it has; undefined when no time will do. See `earliestStart`.
   * `reservationId`: a lease that ends with it and so does not stand in its way.
   */
  paceRestart(
    need: readonly number[],
    nodeId: string,
    nowMs: number,
    reservationId?: string,
  ): number | undefined;
  /** The node's room from now on, step by step; below zero where it is overcommitted. */
  roomAhead(nodeId: string): RoomAhead;
  /** Room that nobody can give back; its count is 0. */
  leakAudit(): LeakAudit;
  /** What pools have learnt, and how they did. */
  poolStatus(): PoolStatus;

  /** Follows predicted needs and the system's load; call once a tick. */
  tick(): void;
  /**
   * Runs `body`; what it changed and `changes()` go to the ledger in one commit. If either throws,
   * memory is as it was before.
   */
  transact<T>(body: () => T, changes?: (result: T) => readonly LedgerChange[]): T;
  /**
   * Runs `body`, which is synchronous; all its transactions become durable together, with one wait
   * for the disk. If it throws, or that fails, memory is as it was before.
   */
  group<T>(body: () => T): T;
  /** Of everything. @throws ERR_INVARIANT naming the first broken invariant */
  checkInvariants(): void;
  /**
   * Checks the pools that changed since the last call and what is on them; returns how many.
   * @throws ERR_INVARIANT
   */
  checkTouched(): number;
}
