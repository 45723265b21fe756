/**
 * The allocator's memory: nodes, allocations and live leases, with the indexes and sums over them.
 *
 * Every change goes through one of four `put` methods, which keep the indexes, note the undo and
 * name what the ledger must store. Decisions are taken elsewhere.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { AllocationRecord, ReservationRecord } from "../ledger/records.js";
import { present } from "../lib/assert.js";
import type { Journal } from "./journal.js";
import type { LeaseOnNode, Pooling } from "./pooling.js";
import { leaseSteps, type Steps, sumSteps } from "./timeline.js";

export interface NodeState {
  readonly nodeId: string;
  allocatable: readonly number[];
  /** Sum of the members' allocations, one value a resource. */
  readonly allocated: Float64Array;
  readonly members: Set<string>;
  readonly leaseIds: Set<string>;
  /** What the leases hold together; undefined when it must be computed again. */
  steps: Steps | undefined;
  /** Sum of what they hold one by one; undefined when it must be computed again. */
  plainSteps: Steps | undefined;
  /** As it was last worked out; undefined when it must be computed again. */
  headroom: Headroom | undefined;
}

export interface Headroom {
  readonly nowMs: number;
  /** Resource x phase; never changed. */
  readonly values: readonly number[];
}

export interface GroupState {
  readonly groupId: string;
  readonly allocated: Float64Array;
  readonly members: Set<string>;
  readonly leaseIds: Set<string>;
}

export const NODE_KEY_PREFIX = "node/";
export const TOKEN_KEY = "fencingToken";
export const POOL_OFFSETS_KEY = "poolOffsets";

export class Book {
  readonly nodes = new Map<string, NodeState>();
  readonly groups = new Map<string, GroupState>();
  readonly allocations = new Map<string, AllocationRecord>();
  /** Live leases only: held and claimed. */
  readonly leases = new Map<string, ReservationRecord>();
  readonly heldByOwner = new Map<string, string>();
  readonly heldByInstance = new Map<string, string>();
  readonly claimedByInstance = new Map<string, string>();
  readonly claimedByOwner = new Map<string, string>();
  /** Live leases that a donor gave to. */
  readonly leasesByDonor = new Map<string, Set<string>>();
  /** Nodes that were made smaller than what is promised on them. */
  readonly overcommitted = new Set<string>();
  /** Nodes whose room may differ from what a reader copied. */
  readonly dirtyNodes = new Set<string>();
  /** Pools that changed since they were last checked. */
  readonly touchedNodes = new Set<string>();
  readonly touchedGroups = new Set<string>();
  /** Counts changes of the set of nodes. */
  nodeSetVersion = 0;
  fencingToken = 0;
  /** Added to 1 and multiplied with the needs of new pooled leases, one value a resource. */
  poolOffsets: readonly number[] = new Array<number>(RESOURCE_COUNT).fill(0);
  shortSettlementCount = 0;
  /** No live lease that was over at or before this time is left. */
  sweptMs = Number.NEGATIVE_INFINITY;

  readonly #journal: Journal;

  /** Undefined where leases add up plainly. */
  readonly #pooling: Pooling | undefined;

  /** Records are never changed; a lease that changes has a new one. */
  readonly #parts = new WeakMap<ReservationRecord, LeaseOnNode>();

  constructor(journal: Journal, pooling?: Pooling) {
    this.#journal = journal;
    this.#pooling = pooling;
  }

  get pooled(): boolean {
    return this.#pooling !== undefined;
  }

  node(nodeId: string): NodeState {
    return present(this.nodes.get(nodeId), `node ${nodeId}`);
  }

  /** Live leases in the order of their ids; those of one node when it is named. */
  leasesById(nodeId?: string): ReservationRecord[] {
    const ids = nodeId === undefined ? this.leases.keys() : this.nodes.get(nodeId)?.leaseIds;
    // Most nodes of a large cluster have no lease.
    if (ids === undefined || ("size" in ids && ids.size === 0)) return [];
    return [...ids].sort().map((id) => present(this.leases.get(id), `lease ${id}`));
  }

  /** What the leases of a node hold over time. */
  stepsOf(node: NodeState): Steps {
    if (this.#pooling === undefined) return this.plainStepsOf(node);
    node.steps ??= this.#pooling.sum(this.#partsOf(node.leaseIds), this.plainStepsOf(node));
    return node.steps;
  }

  /** What they would hold one by one: never less. */
  plainStepsOf(node: NodeState): Steps {
    node.plainSteps ??= sumSteps(this.#partsOf(node.leaseIds).map(({ steps }) => steps));
    return node.plainSteps;
  }

  /** What leases of one node hold together, with one that is only thought of. */
  together(leaseIds: Iterable<string>, thought?: ReservationRecord): Steps {
    const parts = this.#partsOf(leaseIds);
    if (thought !== undefined) parts.push(this.#partOf(thought));
    return this.#pooling?.sum(parts) ?? sumSteps(parts.map(({ steps }) => steps));
  }

  stepsOfLease(reservationId: string): Steps {
    return this.#partOf(present(this.leases.get(reservationId), `lease ${reservationId}`)).steps;
  }

  #partsOf(leaseIds: Iterable<string>): LeaseOnNode[] {
    return Array.from(leaseIds, (id) => this.#partOf(present(this.leases.get(id), `lease ${id}`)));
  }

  #partOf(lease: ReservationRecord): LeaseOnNode {
    const base = this.baseOn(lease.nodeId, lease.instanceId);
    const known = this.#parts.get(lease);
    if (known !== undefined && known.base === base) return known;
    const part = { lease, base, steps: leaseSteps(lease, base) };
    this.#parts.set(lease, part);
    return part;
  }

  /** What an instance holds on this node, undefined when it is not there. */
  baseOn(nodeId: string, instanceId: string): readonly number[] | undefined {
    const allocation = this.allocations.get(instanceId);
    return allocation?.nodeId === nodeId ? allocation.allocated : undefined;
  }

  /** What pools have learnt, see `pool-watch.ts`. */
  putPoolOffsets(offsets: readonly number[]): void {
    const before = this.poolOffsets;
    this.poolOffsets = offsets;
    this.#journal.note(
      () => {
        this.poolOffsets = before;
      },
      { table: "meta", key: POOL_OFFSETS_KEY, put: JSON.stringify(offsets) },
    );
  }

  /** Counts a settled lease that got less than its last phase. */
  noteShortSettlement(): void {
    this.shortSettlementCount++;
    this.#journal.note(() => {
      this.shortSettlementCount--;
    });
  }

  nextToken(): number {
    const before = this.fencingToken;
    this.fencingToken = before + 1;
    this.#journal.note(
      () => {
        this.fencingToken = before;
      },
      { table: "meta", key: TOKEN_KEY, put: this.fencingToken },
    );
    return this.fencingToken;
  }

  putNode(nodeId: string, allocatable: readonly number[] | undefined): void {
    const before = this.nodes.get(nodeId)?.allocatable;
    this.#setNode(nodeId, allocatable);
    const key = `${NODE_KEY_PREFIX}${nodeId}`;
    this.#journal.note(
      () => this.#setNode(nodeId, before),
      allocatable === undefined
        ? { table: "meta", key, remove: true }
        : { table: "meta", key, put: JSON.stringify(allocatable) },
    );
  }

  putAllocation(instanceId: string, record: AllocationRecord | undefined): void {
    const before = this.allocations.get(instanceId);
    this.#setAllocation(instanceId, record);
    this.#journal.note(
      () => this.#setAllocation(instanceId, before),
      record === undefined
        ? { table: "allocation", key: instanceId, remove: true }
        : { table: "allocation", key: instanceId, put: record },
    );
  }

  /** A record that is no longer live leaves memory and stays in the ledger. */
  putLease(record: ReservationRecord): void {
    const { reservationId } = record;
    const before = this.leases.get(reservationId);
    const live = record.state === "held" || record.state === "claimed";
    this.#setLease(reservationId, live ? record : undefined);
    this.#journal.note(() => this.#setLease(reservationId, before), {
      table: "reservation",
      key: reservationId,
      put: record,
    });
  }

  markSwept(nowMs: number): void {
    const before = this.sweptMs;
    this.sweptMs = nowMs;
    this.#journal.note(() => {
      this.sweptMs = before;
    });
  }

  markOvercommitted(nodeId: string, overcommitted: boolean): void {
    const before = this.overcommitted.has(nodeId);
    if (before === overcommitted) return;
    this.#setOvercommitted(nodeId, overcommitted);
    this.#journal.note(() => this.#setOvercommitted(nodeId, before));
  }

  #setOvercommitted(nodeId: string, overcommitted: boolean): void {
    if (overcommitted) this.overcommitted.add(nodeId);
    else this.overcommitted.delete(nodeId);
  }

  #setNode(nodeId: string, allocatable: readonly number[] | undefined): void {
    const node = this.nodes.get(nodeId);
    this.dirtyNodes.add(nodeId);
    this.touchedNodes.add(nodeId);
    if (node !== undefined && allocatable !== undefined) {
      node.allocatable = allocatable;
      node.headroom = undefined;
      return;
    }
    this.nodeSetVersion++;
    if (allocatable === undefined) this.nodes.delete(nodeId);
    else {
      this.nodes.set(nodeId, {
        nodeId,
        allocatable,
        allocated: new Float64Array(RESOURCE_COUNT),
        members: new Set(),
        leaseIds: new Set(),
        steps: undefined,
        plainSteps: undefined,
        headroom: undefined,
      });
    }
  }

  #setAllocation(instanceId: string, record: AllocationRecord | undefined): void {
    const before = this.allocations.get(instanceId);
    if (before !== undefined) this.#count(before, -1);
    if (record === undefined) this.allocations.delete(instanceId);
    else {
      this.allocations.set(instanceId, record);
      this.#count(record, 1);
    }
  }

  #count(record: AllocationRecord, sign: 1 | -1): void {
    const node = this.node(record.nodeId);
    const group = this.#group(record.groupId);
    node.headroom = undefined;
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const amount = sign * (record.allocated[r] ?? 0);
      node.allocated[r] = (node.allocated[r] ?? 0) + amount;
      group.allocated[r] = (group.allocated[r] ?? 0) + amount;
    }
    for (const members of [node.members, group.members]) {
      if (sign === 1) members.add(record.instanceId);
      else members.delete(record.instanceId);
    }
    this.#dropEmpty(group);
    // The instance's own lease may count on what it holds here.
    if (this.heldByInstance.has(record.instanceId)) forgetSteps(node);
    this.dirtyNodes.add(record.nodeId);
    this.touchedNodes.add(record.nodeId);
    this.touchedGroups.add(record.groupId);
  }

  #setLease(reservationId: string, record: ReservationRecord | undefined): void {
    const before = this.leases.get(reservationId);
    if (before !== undefined) {
      this.leases.delete(reservationId);
      this.#index(before, false);
    }
    if (record !== undefined) {
      this.leases.set(reservationId, record);
      this.#index(record, true);
    }
  }

  #index(record: ReservationRecord, live: boolean): void {
    const { reservationId: id, nodeId } = record;
    const put = (map: Map<string, string>, key: string): void => {
      if (live) map.set(key, id);
      else map.delete(key);
    };
    const toggle = (set: Set<string>): void => {
      if (live) set.add(id);
      else set.delete(id);
    };
    if (record.state === "held") {
      put(this.heldByOwner, record.ownerId);
      put(this.heldByInstance, record.instanceId);
    } else {
      put(this.claimedByOwner, record.ownerId);
      put(this.claimedByInstance, record.instanceId);
    }
    const node = this.node(nodeId);
    const group = this.#group(record.groupId);
    toggle(node.leaseIds);
    toggle(group.leaseIds);
    this.#dropEmpty(group);
    for (const { donorId } of record.shrinks) {
      const leases = this.leasesByDonor.get(donorId) ?? new Set<string>();
      toggle(leases);
      if (leases.size === 0) this.leasesByDonor.delete(donorId);
      else this.leasesByDonor.set(donorId, leases);
    }
    forgetSteps(node);
    this.dirtyNodes.add(nodeId);
    this.touchedNodes.add(nodeId);
    this.touchedGroups.add(record.groupId);
  }

  #group(groupId: string): GroupState {
    let group = this.groups.get(groupId);
    if (group === undefined) {
      group = {
        groupId,
        allocated: new Float64Array(RESOURCE_COUNT),
        members: new Set(),
        leaseIds: new Set(),
      };
      this.groups.set(groupId, group);
    }
    return group;
  }

  #dropEmpty(group: GroupState): void {
    if (group.members.size + group.leaseIds.size === 0) this.groups.delete(group.groupId);
  }
}

function forgetSteps(node: NodeState): void {
  node.steps = undefined;
  node.plainSteps = undefined;
  node.headroom = undefined;
}
