/** What must hold after every operation, of the book alone. */
import { RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import type { AllocationRecord, ReservationRecord } from "../ledger/records.js";
import { invariant, present } from "../lib/assert.js";
import type { Book, GroupState, NodeState } from "./book.js";
import { dueMs } from "./leases.js";
import { shortageOf } from "./room.js";

/** @throws ERR_INVARIANT naming the first one that is broken */
export function checkBook(book: Book, nowMs: number): void {
  checkSums(book);
  checkPromises(book, nowMs);
  checkLeases(book);
  checkDonors(book);
}

/** Each pool's totals equal the sum over its members, and nobody is in two pools. */
function checkSums(book: Book): void {
  const nodes = new Map<string, Tally>();
  const groups = new Map<string, Tally>();
  for (const [instanceId, record] of book.allocations) {
    invariant(record.instanceId === instanceId, `allocation of ${instanceId} under its own id`);
    const isSound = record.allocated.every((amount) => amount >= 0);
    invariant(isSound, `allocation of ${instanceId} not negative`);
    invariant(!book.claimedByInstance.has(instanceId), `${instanceId} holds one thing`);
    count(nodes, record.nodeId, record);
    count(groups, record.groupId, record);
  }
  checkTallies("node", book.nodes, nodes);
  checkTallies("group", book.groups, groups);
}

interface Tally {
  readonly sum: Float64Array;
  members: number;
}

function count(tallies: Map<string, Tally>, id: string, { allocated }: AllocationRecord): void {
  let tally = tallies.get(id);
  if (tally === undefined) {
    tally = { sum: new Float64Array(RESOURCE_COUNT), members: 0 };
    tallies.set(id, tally);
  }
  tally.members++;
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    tally.sum[r] = (tally.sum[r] ?? 0) + (allocated[r] ?? Number.NaN);
  }
}

function checkTallies(
  kind: "node" | "group",
  pools: ReadonlyMap<string, NodeState | GroupState>,
  tallies: Map<string, Tally>,
): void {
  for (const [id, pool] of pools) {
    const tally = tallies.get(id);
    invariant(pool.members.size === (tally?.members ?? 0), `members of ${kind}/${id}`);
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      invariant(
        pool.allocated[r] === (tally?.sum[r] ?? 0),
        `sum of ${RESOURCES[r]} in ${kind}/${id}`,
      );
    }
    tallies.delete(id);
  }
  invariant(tallies.size === 0, `pool of ${kind}/${[...tallies.keys()].join()}`);
}

/** allocated + reserved <= allocatable, now and later, unless the node itself was made smaller. */
function checkPromises(book: Book, nowMs: number): void {
  for (const node of book.nodes.values()) checkPromise(book, node, nowMs);
}

function checkPromise(book: Book, node: NodeState, nowMs: number): void {
  if (book.overcommitted.has(node.nodeId)) return;
  shortageOf(book, node, nowMs).forEach((lack, r) => {
    invariant(lack === 0, `node ${node.nodeId} promised ${lack} ${RESOURCES[r]} too much`);
  });
}

/**
 * The same for the pools that changed since the last call, and the leases and donors on them: the
 * cost is that of their members, not of everybody.
 *
 * @returns how many pools were looked at
 * @throws ERR_INVARIANT naming the first broken one; the pools are then looked at again next time
 */
export function checkTouched(book: Book, nowMs: number): number {
  const { touchedNodes, touchedGroups } = book;
  for (const nodeId of touchedNodes) {
    const node = book.nodes.get(nodeId);
    if (node === undefined) continue;
    checkPool(book, node, `node/${nodeId}`);
    checkPromise(book, node, nowMs);
    for (const id of node.leaseIds) {
      const lease = present(book.leases.get(id), `lease ${id}`);
      checkLease(book, id, lease);
      checkDonorsOf(book, id, lease);
    }
  }
  for (const groupId of touchedGroups) {
    const group = book.groups.get(groupId);
    if (group !== undefined) checkPool(book, group, `group/${groupId}`);
  }
  const owners = book.heldByOwner.size + book.claimedByOwner.size;
  invariant(owners === book.leases.size, "every lease has one owner");
  const count = touchedNodes.size + touchedGroups.size;
  touchedNodes.clear();
  touchedGroups.clear();
  return count;
}

/** The pool's sum is that of its members, who know that they are in it. */
function checkPool(book: Book, pool: NodeState | GroupState, key: string): void {
  const sum = new Float64Array(RESOURCE_COUNT);
  for (const instanceId of pool.members) {
    const record = present(book.allocations.get(instanceId), `allocation of ${instanceId}`);
    const own = "nodeId" in pool ? `node/${record.nodeId}` : `group/${record.groupId}`;
    invariant(own === key, `${instanceId} is in ${key}`);
    invariant(!book.claimedByInstance.has(instanceId), `${instanceId} holds one thing`);
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      invariant((record.allocated[r] ?? -1) >= 0, `allocation of ${instanceId} not negative`);
      sum[r] = (sum[r] ?? 0) + (record.allocated[r] ?? 0);
    }
  }
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    invariant(pool.allocated[r] === sum[r], `sum of ${RESOURCES[r]} in ${key}`);
  }
}

/** One held and one claimed lease an owner; none outlives its time; tokens rise. */
function checkLeases(book: Book): void {
  let held = 0;
  for (const [id, lease] of book.leases) {
    checkLease(book, id, lease);
    if (lease.state === "held") held++;
  }
  invariant(book.heldByOwner.size === held && book.heldByInstance.size === held, "held leases");
  for (const claims of [book.claimedByInstance, book.claimedByOwner]) {
    invariant(claims.size === book.leases.size - held, "claimed leases");
  }
  for (const pools of [book.nodes, book.groups]) {
    let count = 0;
    for (const pool of pools.values()) count += pool.leaseIds.size;
    invariant(count === book.leases.size, "leases of the pools");
  }
}

function checkLease(book: Book, id: string, lease: ReservationRecord): void {
  invariant(lease.reservationId === id, `lease ${id} under its own id`);
  invariant(lease.fencingToken <= book.fencingToken, `token of ${id} was given out`);
  invariant(dueMs(lease) > book.sweptMs, `lease ${id} outlives its time`);
  invariant(book.nodes.get(lease.nodeId)?.leaseIds.has(id) === true, `lease ${id} in its node`);
  invariant(book.groups.get(lease.groupId)?.leaseIds.has(id) === true, `lease ${id} in its group`);
  if (lease.state === "held") {
    invariant(book.heldByOwner.get(lease.ownerId) === id, `${lease.ownerId} holds one lease`);
    invariant(book.heldByInstance.get(lease.instanceId) === id, `${id} has one instance`);
  } else {
    invariant(lease.state === "claimed", `lease ${id} is live`);
    invariant(book.claimedByInstance.get(lease.instanceId) === id, `${id} has one claimant`);
    invariant(book.claimedByOwner.get(lease.ownerId) === id, `${lease.ownerId} claimed once`);
  }
}

/** No donor below its floor. */
function checkDonors(book: Book): void {
  for (const [id, lease] of book.leases) checkDonorsOf(book, id, lease);
}

function checkDonorsOf(book: Book, id: string, lease: ReservationRecord): void {
  for (const { donorId, nodeId, floor } of lease.shrinks) {
    const record = book.allocations.get(donorId);
    invariant(record?.nodeId === nodeId, `donor ${donorId} of ${id} is on its node`);
    invariant(nodeId === lease.nodeId, `donor ${donorId} is where ${id} needs it`);
    invariant(book.leasesByDonor.get(donorId)?.has(id) === true, `${donorId} knows ${id}`);
    record?.allocated.forEach((amount, r) => {
      invariant(amount >= (floor[r] ?? 0), `donor ${donorId} below its floor`);
    });
  }
}
