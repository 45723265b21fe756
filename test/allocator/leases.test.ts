import { suite } from "uvu";
import * as assert from "uvu/assert";
import { flat } from "./fakes.js";

import { cpuOf, donate, lease, MINUTE, START, throwsCode, world } from "./lease-world.js";

const test = suite("allocator/leases");

test("a lease holds its phases on absolute time, widened by its grace", () => {
  const { allocator, clock } = world();
  allocator.reserve(lease([6, 4, 2, ...Array<number>(9).fill(0)]));
  // Restart in 10 min, grace 15: phase 0 holds 10-35, phase 1 20-55, phase 2 from 40 on.
  assert.equal(cpuOf(allocator.pool("node", "n").reserved), [0, 6, 6]);
  clock.advanceTo(START + 10 * MINUTE);
  assert.equal(cpuOf(allocator.pool("node", "n").reserved), [6, 6, 4]);
  assert.equal(cpuOf(allocator.headroom("n")), [4, 4, 6]);
});

test("room for a lease that comes later is not given away before", () => {
  const { allocator } = world();
  allocator.reserve(lease(flat(6), { expectedRestartMs: START + 300 * MINUTE }));
  assert.equal(cpuOf(allocator.headroom("n")), [10, 10, 4]);
  throwsCode(() => allocator.allocate("b", "g", "n", [5, 0, 0, 0]), "ERR_NO_ROOM");
  allocator.allocate("b", "g", "n", [4, 0, 0, 0]);
  assert.is(allocator.allocationOf("b")?.amounts[0], 4);
});

test("claim grants at once, in full, at any time within the grace", () => {
  for (const late of [0, 7, 14]) {
    const { allocator, clock } = world();
    const held = allocator.reserve(lease([6, 4, 2, ...Array<number>(9).fill(1)]));
    allocator.allocate("b", "g", "n", [4, 9, 9, 9]);
    clock.advanceTo(START + (10 + late) * MINUTE);
    const grant = allocator.claim(held.reservationId, {
      fencingToken: held.fencingToken,
      instanceId: "a",
    });
    assert.equal(grant.amounts, held.amounts);
    assert.equal(
      grant.shortfall,
      held.amounts.map(() => 0),
    );
    assert.equal(allocator.allocationOf("a")?.amounts, [6, 1, 1, 1]);
    clock.advanceTo(clock.nowMs() + 10 * MINUTE);
    assert.equal(allocator.allocationOf("a")?.amounts, [4, 1, 1, 1]);
  }
});

test("after the last phase a claimed lease settles into a plain allocation", () => {
  const { allocator, clock, ledger } = world();
  const held = allocator.reserve(lease([6, 4, 2, ...Array<number>(9).fill(1)]));
  clock.advanceTo(START + 10 * MINUTE);
  const { fencingToken } = held;
  allocator.claim(held.reservationId, { fencingToken, instanceId: "a2" });
  clock.advanceTo(START + 69 * MINUTE);
  assert.equal(allocator.expire(), []);
  clock.advanceTo(START + 70 * MINUTE);
  const [ended] = allocator.expire();
  assert.is(ended?.state, "released");
  assert.equal(allocator.allocationOf("a2")?.amounts, [2, 1, 1, 1]);
  assert.equal(ledger.get("allocation", "a2")?.allocated, [2, 1, 1, 1]);
  assert.is(ledger.get("reservation", held.reservationId)?.state, "released");
  assert.equal(cpuOf(allocator.pool("node", "n").reserved), [0, 0, 0]);
});

test("a restart before its time gets what is there and the shortfall is said", () => {
  const { allocator, clock } = world();
  const later = START + 60 * MINUTE;
  const held = allocator.reserve(lease(flat(6), { expectedRestartMs: later, graceMs: 0 }));
  // Until then another one's first phase uses the room, and little after it.
  const busy = [8, 4, 4, ...Array<number>(9).fill(0)];
  const other = lease(busy, {
    instanceId: "b",
    ownerId: "job-b",
    expectedRestartMs: START,
    graceMs: MINUTE,
  });
  allocator.reserve(other);
  const { fencingToken } = held;
  const grant = allocator.claim(held.reservationId, { fencingToken, instanceId: "a" });
  assert.equal(
    cpuOf(grant.amounts),
    [2, 6, 6].map((cpu, phase) => (phase === 1 ? 2 : cpu)),
  );
  assert.equal(cpuOf(grant.shortfall), [4, 4, 0]);
  assert.is(clock.nowMs(), START);
});

test("tokens: each change takes a new one, a stale one is refused and changes nothing", () => {
  const { allocator, ledger } = world();
  const held = allocator.reserve(lease(flat(2)));
  const renewed = allocator.renew(held.reservationId, held.fencingToken, START + 20 * MINUTE);
  assert.ok(renewed.fencingToken > held.fencingToken);
  assert.is(renewed.expiresMs, START + 35 * MINUTE);
  const before = ledger.commitCount;
  const stale = { fencingToken: held.fencingToken, instanceId: "a" };
  throwsCode(() => allocator.claim(held.reservationId, stale), "ERR_FENCED");
  throwsCode(() => allocator.releaseReservation(held.reservationId, 0), "ERR_FENCED");
  throwsCode(() => allocator.renew(held.reservationId, 99, START), "ERR_FENCED");
  assert.is(ledger.commitCount, before);
  assert.equal(allocator.reservation(held.reservationId), renewed);
});

test("renewing needs room at the new time", () => {
  const { allocator } = world();
  const held = allocator.reserve(lease(flat(6)));
  const busy = [6, 6, 2, ...Array<number>(9).fill(0)];
  const later = START + 120 * MINUTE;
  const other = { instanceId: "b", ownerId: "job-b", expectedRestartMs: later, graceMs: 0 };
  throwsCode(() => allocator.reserve(lease(busy, other)), "ERR_NO_ROOM");
  allocator.releaseReservation(held.reservationId, held.fencingToken);
  allocator.reserve(lease(busy, other));
  const first = allocator.reserve(
    lease([6, 6, 4, ...Array<number>(9).fill(0)], {
      expectedRestartMs: START + MINUTE,
      graceMs: 0,
    }),
  );
  const renew = (minutes: number): unknown =>
    allocator.renew(first.reservationId, first.fencingToken, START + minutes * MINUTE);
  throwsCode(() => renew(91), "ERR_NO_ROOM");
  assert.equal(allocator.reservation(first.reservationId), first);
  renew(90);
});

test("ended and unknown leases", () => {
  const { allocator, clock } = world();
  const held = allocator.reserve(lease(flat(2)));
  const token = held.fencingToken;
  throwsCode(() => allocator.releaseReservation("lease-x", token), "ERR_UNKNOWN_ID");
  const ended = allocator.releaseReservation(held.reservationId, token);
  assert.is(ended.state, "released");
  assert.equal(allocator.reservation(held.reservationId), ended);
  assert.equal([...allocator.reservations()], []);
  throwsCode(() => allocator.releaseReservation(held.reservationId, token), "ERR_FENCED");
  const claim = { fencingToken: ended.fencingToken, instanceId: "a" };
  throwsCode(() => allocator.claim(held.reservationId, claim), "ERR_STATE");
  const second = allocator.reserve(lease(flat(2)));
  clock.advanceTo(second.expiresMs);
  const late = { fencingToken: second.fencingToken, instanceId: "a" };
  throwsCode(() => allocator.claim(second.reservationId, late), "ERR_STATE");
  assert.is(allocator.expire()[0]?.state, "expired");
  assert.is(allocator.reservationOfOwner("job-a"), undefined);
});

test("one held lease an owner; a claimed one may be followed by the next", () => {
  const { allocator } = world();
  const held = allocator.reserve(lease(flat(2), { expectedRestartMs: START }));
  throwsCode(() => allocator.reserve(lease(flat(2))), "ERR_STATE");
  throwsCode(() => allocator.reserve(lease(flat(2), { ownerId: "job-b" })), "ERR_STATE");
  allocator.claim(held.reservationId, { fencingToken: held.fencingToken, instanceId: "a" });
  const next = allocator.reserve(lease(flat(3)));
  assert.equal(allocator.reservationOfOwner("job-a"), next);
  allocator.release("a");
  assert.is(allocator.reservation(held.reservationId)?.state, "released");
  assert.is(allocator.allocationOf("a"), undefined);
});

test("what the interruption frees is not held twice, unless it goes to somebody else", () => {
  const { allocator } = world();
  allocator.allocate("a", "g", "n", [8, 0, 0, 0]);
  throwsCode(() => allocator.reserve(lease(flat(9))), "ERR_NO_ROOM");
  const held = allocator.reserve(lease(flat(9), { freedForOwner: [8, 0, 0, 0] }));
  assert.equal(cpuOf(allocator.pool("node", "n").reserved), [0, 1, 1]);
  // It stops: now the lease holds everything itself, and what was left is still all there is.
  allocator.release("a");
  assert.equal(cpuOf(allocator.pool("node", "n").reserved), [0, 9, 9]);
  throwsCode(() => allocator.allocate("b", "g", "n", [2, 0, 0, 0]), "ERR_NO_ROOM");
  allocator.allocate("b", "g", "n", [1, 0, 0, 0]);
  assert.is(allocator.reservation(held.reservationId)?.state, "held");
});

test("donors give, get it back when the lease ends unused, and nobody takes it meanwhile", () => {
  const { allocator, clock } = world();
  allocator.allocate("d", "g", "n", [8, 0, 0, 0]);
  const held = allocator.reserve(lease(flat(5), { shrinks: [donate("d", 3, 4)] }));
  assert.is(allocator.allocationOf("d")?.amounts[0], 5);
  // Before the restart the given room stays with the lease: only the rest is free.
  throwsCode(() => allocator.allocate("b", "g", "n", [3, 0, 0, 0]), "ERR_NO_ROOM");
  clock.advanceTo(held.expiresMs);
  assert.is(allocator.expire()[0]?.state, "expired");
  assert.is(allocator.allocationOf("d")?.amounts[0], 8);
});

test("donors: never below the floor, never the owner, and a donor set anew gets nothing back", () => {
  const { allocator } = world();
  allocator.allocate("d", "g", "n", [8, 0, 0, 0]);
  const below = lease(flat(5), { shrinks: [donate("d", 5, 4)] });
  throwsCode(() => allocator.reserve(below), "ERR_STATE");
  throwsCode(
    () => allocator.reserve(lease(flat(1), { shrinks: [donate("a", 0, 0)] })),
    "ERR_ARGUMENT",
  );
  assert.is(allocator.allocationOf("d")?.amounts[0], 8);
  const held = allocator.reserve(lease(flat(5), { shrinks: [donate("d", 3, 4)] }));
  allocator.allocate("d", "g", "n", [4, 0, 0, 0]);
  assert.equal(allocator.reservation(held.reservationId)?.shrinks, []);
  allocator.releaseReservation(held.reservationId, held.fencingToken);
  assert.is(allocator.allocationOf("d")?.amounts[0], 4);
});

test("after a claim donors wait until the lease ends, then get what is idle", () => {
  const { allocator, clock } = world();
  allocator.allocate("d", "g", "n", [8, 0, 0, 0]);
  const held = allocator.reserve(
    lease([5, 5, 4, ...Array<number>(9).fill(0)], { shrinks: [donate("d", 3, 4)] }),
  );
  clock.advanceTo(START + 10 * MINUTE);
  allocator.claim(held.reservationId, { fencingToken: held.fencingToken, instanceId: "a" });
  assert.is(allocator.allocationOf("d")?.amounts[0], 5);
  clock.advanceTo(START + 70 * MINUTE);
  allocator.expire();
  assert.is(allocator.allocationOf("a")?.amounts[0], 4);
  assert.is(allocator.allocationOf("d")?.amounts[0], 6);
});

test("a node made smaller shows negative headroom; its leases are still granted", () => {
  const { allocator, clock } = world();
  allocator.allocate("b", "g", "n", [4, 0, 0, 0]);
  const held = allocator.reserve(lease(flat(6)));
  allocator.resizeNode("n", [7, 7, 7, 7]);
  clock.advanceTo(START + 10 * MINUTE);
  assert.equal(cpuOf(allocator.headroom("n")), [-3, -3, -3]);
  throwsCode(
    () => allocator.reserve(lease(flat(0), { instanceId: "c", ownerId: "c" })),
    "ERR_NO_ROOM",
  );
  allocator.allocate("b", "g", "n", [3, 0, 0, 0]);
  throwsCode(() => allocator.allocate("b", "g", "n", [4, 0, 0, 0]), "ERR_NO_ROOM");
  const { fencingToken } = held;
  const grant = allocator.claim(held.reservationId, { fencingToken, instanceId: "a" });
  assert.equal(cpuOf(grant.amounts), [6, 6, 6]);
  allocator.checkInvariants();
});

test("a node that leaves takes its allocations and leases along", () => {
  const { allocator } = world();
  allocator.addNode({ nodeId: "m", allocatable: [5, 5, 5, 5] });
  allocator.allocate("b", "g", "n", [4, 0, 0, 0]);
  const held = allocator.reserve(lease(flat(6), { shrinks: [donate("b", 1, 0)] }));
  allocator.removeNode("n");
  assert.equal(allocator.nodeIds(), ["m"]);
  assert.is(allocator.allocationOf("b"), undefined);
  assert.is(allocator.reservation(held.reservationId)?.state, "released");
  throwsCode(() => allocator.headroom("n"), "ERR_UNKNOWN_ID");
  assert.equal(allocator.pool("total", "").allocatable, [5, 5, 5, 5]);
});

test.run();
