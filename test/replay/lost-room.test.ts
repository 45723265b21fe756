import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { LostRoom } from "../../host/replay/lost-room.js";

const test = suite("capacity that leaves and returns");
const flat = (amounts: readonly number[]) => amounts.flatMap((amount) => [amount, amount, amount]);

function setUp() {
  const clock = new VirtualClock(1_000_000);
  const profiles = {
    has: () => false,
    profile: () => assert.unreachable("nobody asks for a profile") as never,
  };
  const ledger = new MemoryLedger();
  const allocator = new PredictiveAllocator({ profiles, ledger, clock, debug: true });
  for (const nodeId of ["a", "b"]) allocator.addNode({ nodeId, allocatable: [4, 8, 100, 100] });
  allocator.allocate("one", "g", "a", [2, 4, 10, 10]);
  allocator.allocate("two", "g", "a", [1, 2, 10, 10]);
  allocator.allocate("three", "g", "b", [2, 4, 10, 10]);
  const lost = new LostRoom(
    allocator,
    ["a", "b"].map((nodeId) => [nodeId, [4, 8, 100, 100]] as const),
  );
  return { clock, allocator, lost };
}

test("takes free room and gives it back", async () => {
  const { allocator, lost } = setUp();
  const loss = { requestId: "r", nodeIds: ["a", "b"], amounts: [1.5, 3, 20, 20] };
  const { taken, met } = await lost.lose(loss, [], async () => assert.unreachable() as never);
  assert.is(met, true);
  assert.equal(taken.get("a")?.slice(0, 2), [0.5, 1]);
  assert.equal(taken.get("b")?.slice(0, 2), [1, 2]);
  allocator.checkInvariants();
  lost.gain(taken);
  assert.equal(allocator.headroom("a").slice(0, 6), flat([1, 2]));
  assert.equal(allocator.headroom("b").slice(0, 6), flat([2, 4]));
});

test("evicts one after the other until the loss is there, and says that it was missed", async () => {
  const { allocator, lost } = setUp();
  const victims = ["two", "one"];
  const loss = { requestId: "r", nodeIds: ["a"], amounts: [2, 4, 0, 0] };
  const { met, taken } = await lost.lose(loss, [], async () => {
    const victim = victims.shift();
    if (victim === undefined) return false;
    allocator.release(victim);
    return true;
  });
  assert.is(met, false);
  assert.equal(victims, ["one"]);
  assert.equal(taken.get("a"), [2, 4, 0, 0]);
  assert.equal(allocator.headroom("a").slice(0, 6), flat([0, 0]));
  allocator.checkInvariants();
});

test("capacity goes even when nobody is left to evict; the node shows it", async () => {
  const { allocator, lost } = setUp();
  const loss = { requestId: "r", nodeIds: ["a"], amounts: [3, 0, 0, 0] };
  const { met } = await lost.lose(loss, [], async () => false);
  assert.is(met, false);
  assert.equal(allocator.headroom("a").slice(0, 3), [-2, -2, -2]);
});

test("a shrink made for the loss lasts until capacity returns", async () => {
  const { clock, allocator, lost } = setUp();
  const hold = allocator.reserve({
    instanceId: "hold/r/0",
    ownerId: "hold/r/0",
    groupId: "hold",
    nodeId: "a",
    amounts: flat([1.5, 2, 0, 0]),
    expectedRestartMs: clock.nowMs(),
    shrinks: [{ donorId: "one", nodeId: "a", given: [0.5, 0, 0, 0], floor: [1, 1, 0, 0] }],
  });
  assert.equal(allocator.allocationOf("one")?.amounts.slice(0, 2), [1.5, 4]);
  const loss = { requestId: "r", nodeIds: ["a", "b"], amounts: [1.5, 2, 0, 0] };
  const { met, taken } = await lost.lose(loss, [hold], async () => false);
  assert.is(met, true);
  assert.equal(taken.get("a"), [1.5, 2, 0, 0]);
  assert.equal(taken.get("b"), [0, 0, 0, 0]);
  assert.is(allocator.reservation(hold.reservationId)?.state, "released");
  assert.equal(allocator.allocationOf("one")?.amounts.slice(0, 2), [1.5, 4]);
  allocator.checkInvariants();
  lost.gain(new Map([["a", [0.25, 0, 0, 0]]]));
  assert.equal(allocator.allocationOf("one")?.amounts.slice(0, 2), [1.5, 4]);
  lost.gain(new Map([["a", [1.25, 2, 0, 0]]]));
  assert.equal(allocator.allocationOf("one")?.amounts.slice(0, 2), [2, 4]);
  assert.equal(allocator.headroom("a").slice(0, 6), flat([1, 2]));
  allocator.checkInvariants();
});

test.run();
