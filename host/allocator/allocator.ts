/**
 * The Predictive Resource Allocator: one owner of every pool and every lease.
 *
 * Goals: what is promised is there, exactly and at any later time; each call happens whole, in
 * memory and in the ledger, or not at all; the same calls give the same answers on every machine.
 * Non-goals: deciding who is interrupted (the coordinator), acting on machines (engines).
 *
 * A claimed lease holds its phases as a lease; `expire` turns it into a plain allocation (the last
 * phase's amounts) once the phases are over. So a pool's `allocated` counts settled instances,
 * `reserved` held and claimed leases.
 */

import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type { ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkResourceAmounts, roundDown } from "./amounts.js";
import type { Book } from "./book.js";
import { checkFields, checkId, checkLimit, checkParts, requireNode } from "./checks.js";
import { expandDonors } from "./donor-expansion.js";
import { checkBook, checkTouched } from "./invariants.js";
import type { Journal } from "./journal.js";
import { auditLeaks, type LeakAudit } from "./leaks.js";
import { returnGifts } from "./lease-extras.js";
import type { Leases } from "./leases.js";
import { type LoadReader, NO_LOAD } from "./load.js";
import { earliestStart, type RoomAhead, roomAhead } from "./pacing.js";
import { type AllocatorOptions, type AllocatorParts, openParts } from "./parts.js";
import { nextOffset } from "./pool-watch.js";
import { restoreBook } from "./restoration.js";
import { headroomOf, shortageOf } from "./room.js";
import { PHASE_END_MS } from "./timeline.js";

export type { AllocatorOptions } from "./parts.js";

import type {
  AllocationAnswer,
  AllocationRequest,
  DonorSearch,
  Expansion,
  FitAnswer,
  FitQuestion,
  Grant,
  NodeSpec,
  PoolStatus,
  PoolView,
  ReserveRequest,
  ResourceAllocator,
} from "./types.js";

export class PredictiveAllocator implements ResourceAllocator {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #load: LoadReader;
  readonly #debug: boolean;
  readonly #parts: AllocatorParts;
  readonly #journal: Journal;
  readonly #book: Book;
  readonly #leases: Leases;

  constructor(options: AllocatorOptions) {
    checkParts(options, ["profiles", "ledger", "clock"]);
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#load = options.load ?? NO_LOAD;
    this.#debug = options.debug ?? false;
    this.#parts = openParts(options, (id) => this.#recorded(id));
    this.#journal = this.#parts.journal;
    this.#book = this.#parts.book;
    this.#leases = this.#parts.leases;
  }

  // Nodes

  addNode(spec: NodeSpec): void {
    checkFields(spec, "node");
    checkId(spec.nodeId, "nodeId");
    checkResourceAmounts(spec.allocatable, "allocatable");
    if (this.#book.nodes.has(spec.nodeId)) {
      const details = { field: "nodeId", got: spec.nodeId };
      throw new RepriseError("ERR_DUPLICATE_ID", "the node is there already", details);
    }
    checkLimit(this.#book.nodes.size, LIMITS.nodesMax, "nodes");
    this.#change(() => this.#book.putNode(spec.nodeId, spec.allocatable.map(roundDown)));
  }

  resizeNode(nodeId: string, allocatable: readonly number[]): void {
    checkResourceAmounts(allocatable, "allocatable");
    const node = requireNode(this.#book, nodeId);
    this.#change((nowMs) => {
      this.#book.putNode(nodeId, allocatable.map(roundDown));
      const lacks = shortageOf(this.#book, node, nowMs).some((lack) => lack > 0);
      this.#book.markOvercommitted(nodeId, lacks);
    });
  }

  /** Everything on the node ends with it: allocations are gone, leases are released. */
  removeNode(nodeId: string): void {
    const node = requireNode(this.#book, nodeId);
    this.#change(() => {
      for (const instanceId of [...node.members]) this.#parts.tenancy.clear(instanceId);
      for (const id of [...node.leaseIds].sort()) {
        const lease = this.#book.leases.get(id);
        if (lease !== undefined) this.#leases.end(lease, "released");
      }
      this.#book.markOvercommitted(nodeId, false);
      this.#book.putNode(nodeId, undefined);
    });
  }

  hasNode(nodeId: string): boolean {
    return this.#book.nodes.has(nodeId);
  }

  nodeIds(): readonly string[] {
    return [...this.#parts.table.order()];
  }

  // Allocations

  allocate(instanceId: string, groupId: string, nodeId: string, amounts: readonly number[]): void {
    this.#change((nowMs) => {
      this.#leases.endClaimed(instanceId);
      this.#parts.tenancy.set(instanceId, { groupId, nodeId }, amounts, nowMs);
    });
  }

  allocationOf(
    instanceId: string,
  ): { nodeId: string; groupId: string; amounts: readonly number[] } | undefined {
    const record = this.#book.allocations.get(instanceId);
    if (record !== undefined) {
      return { nodeId: record.nodeId, groupId: record.groupId, amounts: record.allocated };
    }
    const lease = this.#book.leases.get(this.#book.claimedByInstance.get(instanceId) ?? "");
    if (lease === undefined) return undefined;
    const elapsedMs = this.#clock.nowMs() - (lease.claimedMs ?? 0);
    const ended = PHASE_END_MS.filter((endMs) => endMs <= elapsedMs).length;
    const phase = Math.min(ended, PHASE_COUNT - 1);
    const amounts: number[] = [];
    for (let r = 0; r < RESOURCE_COUNT; r++) amounts.push(lease.amounts[needColumn(r, phase)] ?? 0);
    return { nodeId: lease.nodeId, groupId: lease.groupId, amounts };
  }

  release(instanceId: string): void {
    const { allocations, claimedByInstance } = this.#book;
    if (!allocations.has(instanceId) && !claimedByInstance.has(instanceId)) {
      throw new RepriseError("ERR_UNKNOWN_ID", "the instance holds nothing", {
        field: "instanceId",
        got: instanceId,
      });
    }
    this.#change(() => {
      this.#leases.endClaimed(instanceId);
      this.#parts.tenancy.clear(instanceId);
    });
  }

  // Leases

  allocateResources(instanceId: string, request: AllocationRequest): AllocationAnswer {
    return this.#change((nowMs) => this.#parts.requests.answer(instanceId, request, nowMs));
  }

  reserve(request: ReserveRequest): ReservationRecord {
    return this.#change((nowMs) => this.#leases.reserve(request, nowMs));
  }

  reservation(reservationId: string): ReservationRecord | undefined {
    return this.#book.leases.get(reservationId) ?? this.#recorded(reservationId);
  }

  /** The held one where there is one, else the claimed one. */
  reservationOfOwner(ownerId: string): ReservationRecord | undefined {
    const { heldByOwner, claimedByOwner, leases } = this.#book;
    return leases.get(heldByOwner.get(ownerId) ?? claimedByOwner.get(ownerId) ?? "");
  }

  reservations(nodeId?: string): Iterable<ReservationRecord> {
    return this.#book.leasesById(nodeId);
  }

  claim(
    reservationId: string,
    claim: { readonly fencingToken: number; readonly instanceId: string },
  ): Grant {
    return this.#change((nowMs) => this.#leases.claim(reservationId, claim, nowMs));
  }

  releaseReservation(reservationId: string, fencingToken: number): ReservationRecord {
    return this.#change(() => this.#leases.release(reservationId, fencingToken));
  }

  renew(reservationId: string, fencingToken: number, expectedRestartMs: number): ReservationRecord {
    return this.#change((nowMs) =>
      this.#leases.renew(reservationId, fencingToken, expectedRestartMs, nowMs),
    );
  }

  topUp(reservationId: string, fencingToken: number): Grant {
    return this.#change((nowMs) => this.#leases.topUp(reservationId, fencingToken, nowMs));
  }

  consume(
    reservationId: string,
    fencingToken: number,
    allocatable: readonly number[],
  ): ReservationRecord {
    return this.transact(() => {
      const nowMs = this.#clock.nowMs();
      const ended = this.#leases.consume(reservationId, fencingToken, nowMs);
      this.resizeNode(ended.nodeId, allocatable);
      return ended;
    });
  }

  returnGifts(gifts: readonly ShrinkRecord[]): readonly ShrinkRecord[] {
    return this.#change((nowMs) => returnGifts(this.#book, gifts, nowMs));
  }

  expire(isUnderWay?: (lease: ReservationRecord) => boolean): readonly ReservationRecord[] {
    return this.#change((nowMs) => this.#leases.sweep(nowMs, isUnderWay));
  }

  // Questions

  fit(question: FitQuestion): FitAnswer {
    return this.#parts.placement.fit(question, this.#clock.nowMs());
  }

  allocatable(nodeId: string): readonly number[] {
    return requireNode(this.#book, nodeId).allocatable;
  }

  headroom(nodeId: string): readonly number[] {
    return headroomOf(this.#book, requireNode(this.#book, nodeId), this.#clock.nowMs());
  }

  pool(kind: PoolView["kind"], id: string): PoolView {
    return this.#parts.pools.view(kind, id, this.#clock.nowMs());
  }

  donors(search: DonorSearch): readonly ShrinkRecord[] {
    return this.#parts.donors.search(search, this.#clock.nowMs());
  }

  donorRefused(instanceId: string): void {
    this.#parts.donorWatch.refused(instanceId, this.#clock.nowMs());
  }

  expandDonors(): readonly Expansion[] {
    return this.#change((nowMs) => expandDonors(this.#book, this.#load, nowMs));
  }

  paceRestart(
    need: readonly number[],
    nodeId: string,
    nowMs: number,
    reservationId = "",
  ): number | undefined {
    return earliestStart(this.#book, { need, nodeId, reservationId }, nowMs);
  }

  roomAhead(nodeId: string): RoomAhead {
    return roomAhead(this.#book, nodeId, this.#clock.nowMs());
  }

  leakAudit(): LeakAudit {
    return auditLeaks(this.#book, this.#ledger, this.#book.sweptMs);
  }

  poolStatus(): PoolStatus {
    const { poolOffsets: offsets, shortSettlementCount: shortSettlements } = this.#book;
    return { offsets, ...this.#parts.poolWatch.counts, shortSettlements };
  }

  // The whole

  tick(): void {
    const nowMs = this.#clock.nowMs();
    this.#parts.targets.tick(nowMs);
    const observed = this.#parts.poolWatch.look(nowMs);
    const pruned = this.#parts.retention.due(nowMs);
    if (observed.length + pruned.length === 0) return;
    this.#change(() => {
      const offsets = [...this.#book.poolOffsets];
      for (const { resource, exceeded } of observed) {
        offsets[resource] = nextOffset(offsets[resource] ?? 0, exceeded);
      }
      if (observed.length > 0) this.#book.putPoolOffsets(offsets);
      for (const key of pruned) {
        this.#journal.note(() => {}, { table: "reservation", key, remove: true });
      }
    });
  }

  transact<T>(body: () => T, changes?: (result: T) => readonly LedgerChange[]): T {
    return this.#change(() => {
      const result = body();
      for (const change of changes?.(result) ?? []) this.#journal.note(() => {}, change);
      return result;
    });
  }

  group<T>(body: () => T): T {
    return this.#journal.group(body);
  }

  /**
   * Rebuilds allocations and leases from the ledger; nodes added before keep their size, the others
   * come from the ledger. @throws ERR_STATE when something is allocated or leased already
   */
  restore(): void {
    if (this.#book.allocations.size + this.#book.leases.size > 0) {
      throw new RepriseError("ERR_STATE", "only an empty allocator can be restored");
    }
    this.#journal.replay(() => {
      restoreBook(this.#book, this.#ledger);
      const nowMs = this.#clock.nowMs();
      for (const node of this.#book.nodes.values()) {
        const lacks = shortageOf(this.#book, node, nowMs).some((lack) => lack > 0);
        this.#book.markOvercommitted(node.nodeId, lacks);
      }
      checkBook(this.#book, nowMs);
    });
  }

  checkTouched(): number {
    return checkTouched(this.#book, this.#clock.nowMs());
  }

  checkInvariants(): void {
    checkBook(this.#book, this.#clock.nowMs());
  }

  /** One transaction, at one moment. */
  #change<T>(body: (nowMs: number) => T): T {
    const nowMs = this.#clock.nowMs();
    return this.#journal.run(
      () => body(nowMs),
      () => this.#beforeCommit(nowMs),
    );
  }

  #beforeCommit(nowMs: number): void {
    for (const nodeId of [...this.#book.overcommitted]) {
      const lacking = shortageOf(this.#book, this.#book.node(nodeId), nowMs);
      if (lacking.every((lack) => lack === 0)) this.#book.markOvercommitted(nodeId, false);
    }
    if (this.#debug) checkBook(this.#book, nowMs);
  }

  #recorded(reservationId: string): ReservationRecord | undefined {
    return (
      this.#journal.pending("reservation", reservationId) ??
      this.#ledger.get("reservation", reservationId)
    );
  }
}
