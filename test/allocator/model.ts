/**
 * A plain model of the allocator, written from its rules and not from its code: no indexes, no
 * undo, every question answered by looking at every lease at every moment that matters. An
 * operation that is refused throws the code and leaves the model half changed: work on a copy.
 */

import type { ReservationRecord, ShrinkRecord } from "../../host/ledger/records.js";
import type { ErrorCode } from "../../host/lib/errors.js";

const MINUTE = 60_000;
const PHASES = [
  [0, 10],
  [10, 30],
  [30, 60],
] as const;
const up = (value: number): number => Math.ceil(value * 1024) / 1024;
const down = (value: number): number => Math.floor(value * 1024) / 1024;
const FOUR = [0, 1, 2, 3] as const;

export class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

function refuseIf(condition: boolean, code: ErrorCode): void {
  if (condition) throw new Refusal(code);
}

export interface Holding {
  nodeId: string;
  groupId: string;
  amounts: number[];
}

export class Model {
  now: number;
  token = 0;
  nodes = new Map<string, number[]>();
  overcommitted = new Set<string>();
  holdings = new Map<string, Holding>();
  live = new Map<string, ReservationRecord>();
  ended = new Map<string, ReservationRecord>();

  constructor(now: number) {
    this.now = now;
  }

  copy(): Model {
    const other = new Model(this.now);
    other.token = this.token;
    other.nodes = new Map(this.nodes);
    other.overcommitted = new Set(this.overcommitted);
    other.holdings = structuredClone(this.holdings);
    other.live = structuredClone(this.live);
    other.ended = structuredClone(this.ended);
    return other;
  }

  // What holds when

  windows(lease: ReservationRecord): [number, number][] {
    const claimed = lease.claimedMs;
    const start = claimed ?? lease.expectedRestartMs;
    const slack = claimed === undefined ? lease.expiresMs - lease.expectedRestartMs : 0;
    return PHASES.map(([from, to], k) => [
      start + from * MINUTE,
      k === 2 ? Number.POSITIVE_INFINITY : start + to * MINUTE + slack,
    ]);
  }

  hold(lease: ReservationRecord, r: number, t: number, base: number): number {
    const given = lease.shrinks.reduce((sum, shrink) => sum + (shrink.given[r] ?? 0), 0);
    let phases = 0;
    this.windows(lease).forEach(([from, to], k) => {
      if (t >= from && t < to) phases = Math.max(phases, lease.amounts[r * 3 + k] ?? 0);
    });
    const shared = Math.min(base, lease.freedForOwner?.[r] ?? 0, phases);
    return Math.max(given, phases - shared);
  }

  baseOf(lease: ReservationRecord, r: number): number {
    const holding = this.holdings.get(lease.instanceId);
    return holding?.nodeId === lease.nodeId ? (holding.amounts[r] ?? 0) : 0;
  }

  allocated(nodeId: string, r: number): number {
    let sum = 0;
    for (const holding of this.holdings.values()) {
      if (holding.nodeId === nodeId) sum += holding.amounts[r] ?? 0;
    }
    return sum;
  }

  leasesOf(nodeId: string, except?: string): ReservationRecord[] {
    return [...this.live.values()].filter((l) => l.nodeId === nodeId && l.reservationId !== except);
  }

  leased(leases: readonly ReservationRecord[], r: number, t: number): number {
    return leases.reduce((sum, lease) => sum + this.hold(lease, r, t, this.baseOf(lease, r)), 0);
  }

  /** Moments in [from, to) at which anything changes, `from` included. */
  moments(leases: readonly ReservationRecord[], from: number, to: number): number[] {
    const edges = leases.flatMap((lease) => this.windows(lease).flat());
    return [from, ...edges.filter((edge) => edge > from && edge < to)];
  }

  peak(leases: readonly ReservationRecord[], r: number, from: number, to: number): number {
    const values = this.moments(leases, from, to).map((t) => this.leased(leases, r, t));
    return Math.max(...values);
  }

  reserved(leases: readonly ReservationRecord[]): number[] {
    return FOUR.flatMap((r) =>
      PHASES.map(([from, to], band) => {
        const end = band === 2 ? Number.POSITIVE_INFINITY : this.now + to * MINUTE;
        return this.peak(leases, r, this.now + from * MINUTE, end);
      }),
    );
  }

  lack(nodeId: string): number[] {
    const size = this.nodes.get(nodeId) ?? [];
    const leases = this.leasesOf(nodeId);
    return FOUR.map((r) =>
      Math.max(
        0,
        this.allocated(nodeId, r) +
          this.peak(leases, r, this.now, Number.POSITIVE_INFINITY) -
          (size[r] ?? 0),
      ),
    );
  }

  // Operations

  addNode(nodeId: string, size: readonly number[]): void {
    refuseIf(this.nodes.has(nodeId), "ERR_DUPLICATE_ID");
    this.nodes.set(nodeId, size.map(down));
  }

  resizeNode(nodeId: string, size: readonly number[]): void {
    refuseIf(!this.nodes.has(nodeId), "ERR_UNKNOWN_ID");
    this.nodes.set(nodeId, size.map(down));
    if (this.lack(nodeId).some((lack) => lack > 0)) this.overcommitted.add(nodeId);
  }

  removeNode(nodeId: string): void {
    refuseIf(!this.nodes.has(nodeId), "ERR_UNKNOWN_ID");
    for (const [id, holding] of this.holdings) {
      if (holding.nodeId === nodeId) this.vacate(id);
    }
    const ids = this.leasesOf(nodeId).map((lease) => lease.reservationId);
    for (const id of ids.sort()) this.end(id, "released");
    this.nodes.delete(nodeId);
    this.overcommitted.delete(nodeId);
  }

  allocate(
    instanceId: string,
    place: { groupId: string; nodeId: string },
    amounts: number[],
  ): void {
    this.endClaimed(instanceId);
    refuseIf(
      amounts.some((amount) => !(amount >= 0 && amount <= 2 ** 22)),
      "ERR_ARGUMENT",
    );
    refuseIf(!this.nodes.has(place.nodeId), "ERR_UNKNOWN_ID");
    const before = this.holdings.get(instanceId);
    const lacked = this.lack(place.nodeId);
    const rounded = amounts.map(up);
    const same =
      before?.nodeId === place.nodeId &&
      before.groupId === place.groupId &&
      before.amounts.every((amount, r) => amount === rounded[r]);
    if (same) return;
    this.vacate(instanceId);
    this.holdings.set(instanceId, { ...place, amounts: rounded });
    this.lack(place.nodeId).forEach((lack, r) => {
      const held = before?.nodeId === place.nodeId ? (before.amounts[r] ?? 0) : 0;
      const grew = (rounded[r] ?? 0) > held;
      refuseIf(lack > 0 && (grew || lack > (lacked[r] ?? 0)), "ERR_NO_ROOM");
    });
  }

  /** Its allocation is gone, and with it what it had given. */
  vacate(instanceId: string): void {
    if (!this.holdings.delete(instanceId)) return;
    for (const [id, lease] of this.live) {
      const shrinks = lease.shrinks.filter((shrink) => shrink.donorId !== instanceId);
      this.live.set(id, { ...lease, shrinks });
    }
  }

  release(instanceId: string): void {
    const known = this.holdings.has(instanceId) || this.claimedBy(instanceId) !== undefined;
    refuseIf(!known, "ERR_UNKNOWN_ID");
    this.endClaimed(instanceId);
    this.vacate(instanceId);
  }

  claimedBy(instanceId: string): ReservationRecord | undefined {
    return [...this.live.values()].find(
      (lease) => lease.state === "claimed" && lease.instanceId === instanceId,
    );
  }

  endClaimed(instanceId: string): void {
    const lease = this.claimedBy(instanceId);
    if (lease !== undefined) this.end(lease.reservationId, "released");
  }

  end(id: string, state: "expired" | "released"): ReservationRecord {
    const lease = this.live.get(id) as ReservationRecord;
    const ended = { ...lease, state, fencingToken: ++this.token };
    this.live.delete(id);
    this.ended.set(id, ended);
    for (const { donorId, given } of lease.shrinks) {
      const donor = this.holdings.get(donorId) as Holding;
      donor.amounts = donor.amounts.map((amount, r) => amount + (given[r] ?? 0));
    }
    return ended;
  }

  reserve(lease: {
    instanceId: string;
    ownerId: string;
    groupId: string;
    nodeId: string;
    amounts: number[];
    expectedRestartMs: number;
    graceMs: number;
    freedForOwner?: number[];
    shrinks: ShrinkRecord[];
  }): ReservationRecord {
    const { graceMs, ...rest } = lease;
    refuseIf(
      lease.amounts.some((amount) => !(amount >= 0 && amount <= 2 ** 22)),
      "ERR_ARGUMENT",
    );
    refuseIf(!this.nodes.has(lease.nodeId), "ERR_UNKNOWN_ID");
    for (const other of this.live.values()) {
      const same = other.ownerId === lease.ownerId || other.instanceId === lease.instanceId;
      refuseIf(same && other.state === "held", "ERR_STATE");
    }
    const expiresMs = lease.expectedRestartMs + graceMs;
    refuseIf(expiresMs <= this.now, "ERR_ARGUMENT");
    const shrinks = lease.shrinks.map((shrink) => this.give(shrink, lease));
    const fencingToken = ++this.token;
    const record: ReservationRecord = {
      ...rest,
      reservationId: `lease-${String(fencingToken).padStart(12, "0")}`,
      amounts: lease.amounts.map(up),
      state: "held",
      fencingToken,
      createdMs: this.now,
      expiresMs,
      shrinks,
    };
    this.live.set(record.reservationId, record);
    refuseIf(
      this.lack(lease.nodeId).some((lack) => lack > 0),
      "ERR_NO_ROOM",
    );
    return record;
  }

  give(shrink: ShrinkRecord, lease: { instanceId: string; nodeId: string }): ShrinkRecord {
    const wrong = shrink.donorId === lease.instanceId || shrink.nodeId !== lease.nodeId;
    refuseIf(wrong, "ERR_ARGUMENT");
    const donor = this.holdings.get(shrink.donorId);
    refuseIf(donor?.nodeId !== lease.nodeId, "ERR_STATE");
    const earlier = [...this.live.values()]
      .flatMap((other) => other.shrinks)
      .filter(({ donorId }) => donorId === shrink.donorId);
    const given = shrink.given.map(down);
    const left = (donor as Holding).amounts.map((amount, r) => amount - (given[r] ?? 0));
    const floor = shrink.floor.map((own, r) =>
      Math.max(up(own), ...earlier.map((other) => other.floor[r] ?? 0)),
    );
    for (const r of FOUR) {
      refuseIf((given[r] ?? 0) > 0 && (left[r] ?? 0) < (floor[r] ?? 0), "ERR_STATE");
    }
    (donor as Holding).amounts = left;
    return { ...shrink, given, floor: floor.map((f, r) => Math.min(f, left[r] ?? 0)) };
  }

  find(id: string, token: number): ReservationRecord {
    const lease = this.live.get(id) ?? this.ended.get(id);
    refuseIf(lease === undefined, "ERR_UNKNOWN_ID");
    refuseIf(lease?.fencingToken !== token, "ERR_FENCED");
    refuseIf(!this.live.has(id), "ERR_STATE");
    return lease as ReservationRecord;
  }

  claim(id: string, token: number, instanceId: string): number[] {
    const lease = this.find(id, token);
    refuseIf(lease.state !== "held" || lease.expiresMs <= this.now, "ERR_STATE");
    const { freedForOwner: _, ...was } = lease;
    const earlier = [...this.live.values()].find(
      (other) => other.state === "claimed" && other.ownerId === lease.ownerId,
    );
    if (earlier !== undefined) this.end(earlier.reservationId, "released");
    for (const old of new Set([lease.instanceId, instanceId])) {
      this.endClaimed(old);
      this.vacate(old);
    }
    const shrinks = (this.live.get(id) as ReservationRecord).shrinks;
    const claimed: ReservationRecord = {
      ...was,
      shrinks,
      instanceId,
      state: "claimed",
      claimedMs: this.now,
      fencingToken: ++this.token,
    };
    const others = this.leasesOf(lease.nodeId, id);
    const all = [...others, lease];
    const amounts = FOUR.flatMap((r) =>
      this.windows(claimed).map(([from, to], k) => {
        const size = this.nodes.get(lease.nodeId)?.[r] ?? 0;
        const idle = size - this.allocated(lease.nodeId, r);
        const room = this.moments(all, from, to).map((t) =>
          Math.max(idle - this.leased(others, r, t), this.hold(was, r, t, 0)),
        );
        return Math.max(0, Math.min(lease.amounts[r * 3 + k] ?? 0, ...room));
      }),
    );
    const isShort = amounts.some((amount, column) => amount < (lease.amounts[column] ?? 0));
    const wanted = isShort ? { wanted: lease.amounts } : {};
    this.live.set(id, { ...claimed, amounts, ...wanted });
    return amounts;
  }

  renew(id: string, token: number, expectedRestartMs: number): ReservationRecord {
    const lease = this.find(id, token);
    refuseIf(lease.state !== "held" || lease.expiresMs <= this.now, "ERR_STATE");
    const expiresMs = expectedRestartMs + lease.expiresMs - lease.expectedRestartMs;
    refuseIf(expiresMs <= this.now, "ERR_ARGUMENT");
    const before = this.lack(lease.nodeId);
    const renewed = { ...lease, expectedRestartMs, expiresMs, fencingToken: ++this.token };
    this.live.set(id, renewed);
    this.lack(lease.nodeId).forEach((lack, r) => {
      refuseIf(lack > 0 && lack > (before[r] ?? 0), "ERR_NO_ROOM");
    });
    return renewed;
  }

  releaseReservation(id: string, token: number): ReservationRecord {
    this.find(id, token);
    return this.end(id, "released");
  }

  expire(): ReservationRecord[] {
    const over = (lease: ReservationRecord): boolean =>
      (lease.state === "held" ? lease.expiresMs : (lease.claimedMs ?? 0) + 60 * MINUTE) <= this.now;
    const ids = [...this.live.values()].filter(over).map((lease) => lease.reservationId);
    return ids.sort().map((id) => {
      const lease = this.live.get(id) as ReservationRecord;
      return lease.state === "held" ? this.end(id, "expired") : this.settle(lease);
    });
  }

  settle(lease: ReservationRecord): ReservationRecord {
    const { reservationId: id, instanceId, nodeId, groupId } = lease;
    const ended: ReservationRecord = { ...lease, state: "released", fencingToken: ++this.token };
    this.live.delete(id);
    this.ended.set(id, ended);
    const amounts = FOUR.map((r) => lease.amounts[r * 3 + 2] ?? 0);
    this.holdings.set(instanceId, { nodeId, groupId, amounts });
    for (const { donorId, given } of lease.shrinks) {
      const donor = this.holdings.get(donorId) as Holding;
      donor.amounts = donor.amounts.map((amount, r) => {
        const leases = this.leasesOf(nodeId);
        const peak = this.peak(leases, r, this.now, Number.POSITIVE_INFINITY);
        const idle = (this.nodes.get(nodeId)?.[r] ?? 0) - this.allocated(nodeId, r) - peak;
        return amount + Math.max(0, Math.min(given[r] ?? 0, idle));
      });
    }
    return ended;
  }

  /** After each operation: a node that keeps its promises again is no longer overcommitted. */
  finish(): void {
    for (const nodeId of [...this.overcommitted]) {
      if (this.lack(nodeId).every((lack) => lack === 0)) this.overcommitted.delete(nodeId);
    }
  }
}
