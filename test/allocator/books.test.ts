import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import type { LedgerChange } from "../../host/ledger/ledger.js";
import type { ErrorCode } from "../../host/lib/errors.js";
import { flat } from "./fakes.js";

import { cpuOf, donate, lease, START, throwsCode, world } from "./lease-world.js";

/** The books as a whole: all or nothing, and the same again from the ledger. */
const test = suite("allocator/books");

test("a refused commit leaves memory as it was", () => {
  const { allocator, ledger } = world();
  allocator.allocate("d", "g", "n", [8, 0, 0, 0]);
  ledger.failNext = 1;
  const request = lease(flat(5), { shrinks: [donate("d", 3, 4)] });
  throwsCode(() => allocator.reserve(request), "ERR_LEDGER");
  assert.is(allocator.allocationOf("d")?.amounts[0], 8);
  assert.is(allocator.reservationOfOwner("job-a"), undefined);
  allocator.checkInvariants();
  assert.is(allocator.reserve(request).fencingToken, 1);
});

test("a transaction: one commit with the caller's changes, or nothing", () => {
  const { allocator, ledger } = world();
  const before = ledger.commitCount;
  allocator.transact(
    () => {
      allocator.allocate("b", "g", "n", [1, 1, 1, 1]);
      // A step that fails within is undone alone; the transaction goes on.
      throwsCode(() => allocator.allocate("c", "g", "n", [11, 0, 0, 0]), "ERR_NO_ROOM");
      return allocator.reserve(lease(flat(2)));
    },
    (held) => [{ table: "meta", key: "noted", put: held.reservationId }],
  );
  assert.is(ledger.commitCount, before + 1);
  assert.is(ledger.get("meta", "noted"), allocator.reservationOfOwner("job-a")?.reservationId);
  assert.is(allocator.allocationOf("c"), undefined);
  const stop = (): void => {
    allocator.transact(() => {
      allocator.release("b");
      throw new Error("stop");
    });
  };
  assert.throws(stop, "stop");
  assert.is(allocator.allocationOf("b")?.amounts[0], 1);
  throwsCode(() => allocator.transact(async () => allocator.release("b")), "ERR_ARGUMENT");
  assert.is(allocator.allocationOf("b")?.amounts[0], 1);
});

test("bad calls: typed errors, nothing changes", () => {
  const { allocator, ledger } = world();
  const before = ledger.commitCount;
  const bad: [() => unknown, ErrorCode][] = [
    [() => allocator.addNode({ nodeId: "n", allocatable: [1, 1, 1, 1] }), "ERR_DUPLICATE_ID"],
    [() => allocator.addNode({ nodeId: "", allocatable: [1, 1, 1, 1] }), "ERR_ARGUMENT"],
    [() => allocator.addNode({ nodeId: "x", allocatable: [1, 1, 1] }), "ERR_ARGUMENT"],
    [() => allocator.addNode({ nodeId: "x", allocatable: [1, 1, 1, -1] }), "ERR_ARGUMENT"],
    [() => allocator.resizeNode("x", [1, 1, 1, 1]), "ERR_UNKNOWN_ID"],
    [() => allocator.removeNode("x"), "ERR_UNKNOWN_ID"],
    [() => allocator.allocate("a", "g", "x", [1, 1, 1, 1]), "ERR_UNKNOWN_ID"],
    [() => allocator.allocate("a", "g", "n", [Number.NaN, 1, 1, 1]), "ERR_ARGUMENT"],
    [() => allocator.allocate("a", "g", "n", [2 ** 40, 1, 1, 1]), "ERR_ARGUMENT"],
    [() => allocator.allocate("a".repeat(300), "g", "n", [1, 1, 1, 1]), "ERR_ARGUMENT"],
    [() => allocator.release("a"), "ERR_UNKNOWN_ID"],
    [() => allocator.reserve(lease([1])), "ERR_ARGUMENT"],
    [() => allocator.reserve(lease(flat(1), { nodeId: "x" })), "ERR_UNKNOWN_ID"],
    [() => allocator.reserve(lease(flat(1), { expectedRestartMs: Number.NaN })), "ERR_ARGUMENT"],
    [() => allocator.reserve(lease(flat(1), { expectedRestartMs: 0 })), "ERR_ARGUMENT"],
    [() => allocator.reserve(lease(flat(11))), "ERR_NO_ROOM"],
    [() => allocator.reserve(lease(flat(1), { shrinks: [donate("d", 1, 0)] })), "ERR_STATE"],
    [() => allocator.pool("node", "x"), "ERR_UNKNOWN_ID"],
    [() => allocator.pool("group", "x"), "ERR_UNKNOWN_ID"],
    [() => allocator.fit({ need: [1] }), "ERR_ARGUMENT"],
    [() => allocator.fit({ need: flat(1), nodeIds: ["x"] }), "ERR_UNKNOWN_ID"],
    [() => allocator.allocateResources("ghost", {}), "ERR_UNKNOWN_ID"],
  ];
  for (const [body, code] of bad) throwsCode(body, code);
  assert.is(ledger.commitCount, before);
  assert.equal(allocator.pool("node", "n").allocated, [0, 0, 0, 0]);
});

test("amounts are rounded: needs up, capacities down, sums exact", () => {
  const { allocator } = world();
  allocator.addNode({ nodeId: "m", allocatable: [0.3, 1, 1, 1] });
  assert.is(allocator.pool("node", "m").allocatable[0], 307 / 1024);
  allocator.allocate("b", "g", "m", [0.1, 0, 0, 0]);
  assert.is(allocator.allocationOf("b")?.amounts[0], 103 / 1024);
  allocator.allocate("c", "g", "m", [0.1, 0, 0, 0]);
  throwsCode(() => allocator.allocate("d", "g", "m", [0.1, 0, 0, 0]), "ERR_NO_ROOM");
  allocator.release("b");
  allocator.release("c");
  assert.equal(allocator.pool("node", "m").allocated, [0, 0, 0, 0]);
});

test("restore rebuilds pools and leases exactly", () => {
  const { allocator, clock, ledger, profiles } = world();
  allocator.allocate("d", "g", "n", [6, 1, 1, 1]);
  const held = allocator.reserve(lease(flat(3), { shrinks: [donate("d", 1, 2)] }));
  const other = { instanceId: "b", ownerId: "b", groupId: "h", expectedRestartMs: START };
  const next = allocator.reserve(lease(flat(2), other));
  allocator.claim(next.reservationId, { fencingToken: next.fencingToken, instanceId: "b" });
  const again = new PredictiveAllocator({
    clock,
    ledger,
    profiles,
    debug: true,
    shrinkAfterTicks: 0,
  });
  again.restore();
  for (const [kind, id] of [
    ["node", "n"],
    ["group", "g"],
    ["group", "h"],
    ["total", ""],
  ] as const) {
    assert.equal(again.pool(kind, id), allocator.pool(kind, id));
  }
  assert.equal([...again.reservations()], [...allocator.reservations()]);
  assert.equal(again.reservationOfOwner("job-a"), held);
  again.checkInvariants();
  // The counter goes on where it was: no token and no id comes twice.
  const last = again.reserve(lease(flat(0), { instanceId: "e", ownerId: "e" }));
  assert.is(last.fencingToken, 4);
  throwsCode(() => again.restore(), "ERR_STATE");
});

test("a ledger that contradicts itself is refused, and the allocator stays empty", () => {
  const bad: [string, LedgerChange][] = [
    ["token", { table: "meta", key: "fencingToken", put: -1 }],
    ["node size", { table: "meta", key: "node/n", put: "[1,2]" }],
    ["node size", { table: "meta", key: "node/n", put: "[1,2,3,null]" }],
    ["node size", { table: "meta", key: "node/n", put: "[1," }],
    ["node", { table: "meta", key: "node/n", remove: true }],
    ["promise", { table: "meta", key: "node/n", put: "[1,1,1,1]" }],
  ];
  for (const [what, change] of bad) {
    const { allocator, clock, ledger, profiles } = world();
    allocator.allocate("d", "g", "n", [6, 1, 1, 1]);
    ledger.commit([change]);
    const again = new PredictiveAllocator({ clock, ledger, profiles });
    if (what === "promise") {
      again.restore();
      assert.equal(cpuOf(again.headroom("n")), [-5, -5, -5], "a node may have become smaller");
      continue;
    }
    throwsCode(() => again.restore(), "ERR_LEDGER");
    assert.equal(again.nodeIds(), []);
    assert.is(again.allocationOf("d"), undefined);
    again.checkInvariants();
  }
});

test("the table of nodes grows past its first size", () => {
  const { allocator } = world();
  for (let index = 1; index < 64; index++) {
    allocator.addNode({ nodeId: `n${index}`, allocatable: [1, 1, 1, 1] });
  }
  assert.is(allocator.nodeIds().length, 64);
  // One more than the fit table held: it grows and answers as before.
  allocator.addNode({ nodeId: "x", allocatable: [2, 0, 0, 0] });
  assert.is(allocator.fit({ need: flat(2) }).nodeId, "x");
  assert.is(allocator.fit({ need: flat(1) }).nodeCount, 65);
});

test.run();
