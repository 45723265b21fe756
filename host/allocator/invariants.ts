/** What must hold after every operation, of the book alone. */
import { RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import { invariant } from "../lib/assert.js";
import type { Book } from "./book.js";
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
  const sums = new Map<string, Float64Array>();
  const counts = new Map<string, number>();
  for (const [instanceId, record] of book.allocations) {
    invariant(record.instanceId === instanceId, `allocation of ${instanceId} under its own id`);
    for (const key of [`node/${record.nodeId}`, `group/${record.groupId}`]) {
      const sum = sums.get(key) ?? new Float64Array(RESOURCE_COUNT);
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        invariant((record.allocated[r] ?? -1) >= 0, `allocation of ${instanceId} not negative`);
        sum[r] = (sum[r] ?? 0) + (record.allocated[r] ?? 0);
      }
      sums.set(key, sum);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    invariant(!book.claimedByInstance.has(instanceId), `${instanceId} holds one thing`);
  }
  const pools = [
    ...[...book.nodes.values()].map((node) => ({ key: `node/${node.nodeId}`, pool: node })),
    ...[...book.groups.values()].map((group) => ({ key: `group/${group.groupId}`, pool: group })),
  ];
  for (const { key, pool } of pools) {
    invariant(pool.members.size === (counts.get(key) ?? 0), `members of ${key}`);
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      invariant(
        pool.allocated[r] === (sums.get(key)?.[r] ?? 0),
        `sum of ${RESOURCES[r]} in ${key}`,
      );
    }
    sums.delete(key);
  }
  invariant(sums.size === 0, `pool of ${[...sums.keys()].join()}`);
}

/** allocated + reserved <= allocatable, now and later, unless the node itself was made smaller. */
function checkPromises(book: Book, nowMs: number): void {
  for (const node of book.nodes.values()) {
    if (book.overcommitted.has(node.nodeId)) continue;
    shortageOf(book, node, nowMs).forEach((lack, r) => {
      invariant(lack === 0, `node ${node.nodeId} promised ${lack} ${RESOURCES[r]} too much`);
    });
  }
}

/** One held and one claimed lease an owner; none outlives its time; tokens rise. */
function checkLeases(book: Book): void {
  let held = 0;
  for (const [id, lease] of book.leases) {
    invariant(lease.reservationId === id, `lease ${id} under its own id`);
    invariant(lease.fencingToken <= book.fencingToken, `token of ${id} was given out`);
    invariant(dueMs(lease) > book.sweptMs, `lease ${id} outlives its time`);
    invariant(book.nodes.get(lease.nodeId)?.leaseIds.has(id) === true, `lease ${id} in its node`);
    invariant(
      book.groups.get(lease.groupId)?.leaseIds.has(id) === true,
      `lease ${id} in its group`,
    );
    if (lease.state === "held") {
      held++;
      invariant(book.heldByOwner.get(lease.ownerId) === id, `${lease.ownerId} holds one lease`);
      invariant(book.heldByInstance.get(lease.instanceId) === id, `${id} has one instance`);
    } else {
      invariant(lease.state === "claimed", `lease ${id} is live`);
      invariant(book.claimedByInstance.get(lease.instanceId) === id, `${id} has one claimant`);
      invariant(book.claimedByOwner.get(lease.ownerId) === id, `${lease.ownerId} claimed once`);
    }
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

/** No donor below its floor. */
function checkDonors(book: Book): void {
  for (const [id, lease] of book.leases) {
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
}
