import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { compileBinary } from "../../host/core/index.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger, FakeProfiles, flat } from "./fakes.js";

const test = suite("allocator/donors");
const MINUTE = 60_000;
const module = compileBinary("release");
const MISSING = [2, 1, 0, 0];

function open(options: { shrinkAfterTicks?: number; reserve?: "pooled" | "sum" } = {}) {
  const clock = new VirtualClock(0);
  const ledger = new FailingLedger();
  const profiles = new FakeProfiles();
  const usage = new Map<string, readonly number[]>();
  const load = { nodeUsage: () => undefined, instanceUsage: (id: string) => usage.get(id) };
  const ports = { clock, ledger, profiles, load, module, debug: true };
  const allocator = new PredictiveAllocator({ ...ports, ...options });
  const after = (minutes: number): void => {
    clock.advanceTo(clock.nowMs() + minutes * MINUTE);
    allocator.tick();
  };
  return { allocator, clock, ledger, profiles, usage, after };
}

type Opened = ReturnType<typeof open>;

/** Donors d and e on a node of 20 with nothing idle beside `idle`. */
function fill({ allocator, profiles }: Opened, idle = 0): void {
  allocator.addNode({ nodeId: "n", allocatable: [20 + idle, 20 + idle, 20, 20] });
  profiles.set("d", { need: [1, 1, 1, 1], keep: [5, 5, 1, 1] });
  profiles.set("e", { need: [1, 1, 1, 1], keep: [5, 9, 1, 1] });
  allocator.allocate("d", "g", "n", [10, 10, 1, 1]);
  allocator.allocate("e", "g", "n", [10, 10, 1, 1]);
}

function donorsOf({ allocator }: Opened, missing = MISSING): string[] {
  const search = { nodeId: "n", groupId: "g", missing };
  return allocator.donors(search).map(({ donorId }) => donorId);
}

/** Holds 4 cores and 2 GiB for `x`, of which d gives 2 and 1. */
function borrow(opened: Opened) {
  const { allocator, clock } = opened;
  const shrinks = allocator.donors({ nodeId: "n", groupId: "g", missing: MISSING });
  const expectedRestartMs = clock.nowMs() + 10 * MINUTE;
  const names = { instanceId: "x", ownerId: "x", groupId: "g", nodeId: "n" };
  return allocator.reserve({ ...names, amounts: flat(2, 1), expectedRestartMs, shrinks });
}

test("a donor has held clearly more than it needs for three ticks", () => {
  const opened = open();
  fill(opened);
  const seen = [0, 1, 1, 1].map((minutes) => {
    const before = donorsOf(opened);
    opened.after(minutes);
    return before;
  });
  assert.equal(seen, [[], [], [], ["d"]]);
});

test("a tick in which it needed it starts the count anew", () => {
  const opened = open();
  fill(opened);
  for (let tick = 0; tick < 3; tick++) opened.after(1);
  opened.profiles.set("d", { need: [1, 1, 1, 1], keep: [9, 5, 1, 1] });
  opened.after(1);
  opened.profiles.set("d", { need: [1, 1, 1, 1], keep: [5, 5, 1, 1] });
  opened.after(1);
  opened.after(1);
  // Memory it has held all the time.
  assert.equal(donorsOf(opened), ["d", "e"]);
  assert.equal(donorsOf(opened, [2, 0, 0, 0]), ["e"]);
  opened.after(1);
  assert.equal(donorsOf(opened), ["d"]);
});

test("one that comes back after it was gone is watched anew", () => {
  const opened = open();
  fill(opened);
  for (let tick = 0; tick < 3; tick++) opened.after(1);
  opened.allocator.release("d");
  opened.after(1);
  opened.allocator.allocate("d", "g", "n", [10, 10, 1, 1]);
  assert.equal(donorsOf(opened), []);
});

test("who refused is left alone for ten minutes, others are asked", () => {
  const opened = open({ shrinkAfterTicks: 0 });
  fill(opened);
  assert.equal(donorsOf(opened), ["d"]);
  opened.allocator.donorRefused("d");
  assert.equal(donorsOf(opened, [2, 0, 0, 0]), ["e"]);
  opened.after(9);
  assert.equal(donorsOf(opened, [2, 0, 0, 0]), ["e"]);
  opened.after(1);
  assert.equal(donorsOf(opened), ["d"]);
});

test("a donor that uses nearly all of its grant gets back at once what is idle", () => {
  const opened = open({ shrinkAfterTicks: 0 });
  fill(opened);
  const lease = borrow(opened);
  const { allocator, usage } = opened;
  assert.equal(allocator.allocationOf("d")?.amounts, [8, 9, 1, 1]);
  usage.set("d", [7.2, 8, 0.9, 0]);
  assert.equal(allocator.expandDonors(), [], "nine tenths are not more than that");
  usage.set("d", [7.3, 8, 0.9, 0]);
  assert.equal(allocator.expandDonors(), [], "all of it is promised");
  allocator.resizeNode("n", [21, 21, 20, 20]);
  const [back, ...more] = allocator.expandDonors();
  assert.equal(more, []);
  assert.equal([back?.donorId, back?.given], ["d", [1, 0, 0, 0]], "cpu alone was tight");
  assert.is(back?.reservationId, lease.reservationId);
  assert.equal(allocator.allocationOf("d")?.amounts, [9, 9, 1, 1]);
  const left = allocator.reservation(lease.reservationId);
  assert.equal(left?.amounts, lease.amounts, "what was promised stays promised");
  assert.equal(left?.shrinks[0]?.given, [1, 1, 0, 0]);
  assert.is(left?.fencingToken, back?.fencingToken);
  allocator.releaseReservation(lease.reservationId, left?.fencingToken ?? 0);
  assert.equal(allocator.allocationOf("d")?.amounts, [10, 10, 1, 1], "the rest, once");
  assert.is(allocator.leakAudit().count, 0);
});

test("a tight donor whose usage nobody measures waits for the end of the lease", () => {
  const opened = open({ shrinkAfterTicks: 0 });
  fill(opened, 4);
  opened.allocator.allocate("y", "g", "n", [4, 4, 0, 0]);
  borrow(opened);
  opened.allocator.release("y");
  assert.equal(opened.allocator.expandDonors(), []);
  opened.usage.set("d", [Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  assert.equal(opened.allocator.expandDonors(), []);
});

test("what it gave comes back on expiry, on release, and when the restart is elsewhere", () => {
  const ends = {
    expiry: ({ allocator, clock }: Opened) => {
      clock.advanceTo(clock.nowMs() + 26 * MINUTE);
      allocator.expire();
    },
    release: ({ allocator }: Opened, id: string, token: number) => {
      allocator.releaseReservation(id, token);
    },
    elsewhere: ({ allocator }: Opened) => {
      // Seen on another node: the lease that waited for it here is let go by its owner.
      allocator.addNode({ nodeId: "m", allocatable: flat(9).slice(0, 4) });
      allocator.allocate("x", "g", "m", [1, 1, 0, 0]);
      const lease = allocator.reservationOfOwner("x");
      allocator.releaseReservation(lease?.reservationId ?? "", lease?.fencingToken ?? 0);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    const opened = open({ shrinkAfterTicks: 0 });
    fill(opened);
    const lease = borrow(opened);
    assert.equal(opened.allocator.allocationOf("d")?.amounts, [8, 9, 1, 1], name);
    end(opened, lease.reservationId, lease.fencingToken);
    assert.equal(opened.allocator.allocationOf("d")?.amounts, [10, 10, 1, 1], name);
    assert.is(opened.allocator.leakAudit().count, 0, name);
    opened.allocator.checkInvariants();
  }
});

const events = fc.array(
  fc.record({
    act: fc.constantFrom(
      ...(["ask", "ask", "ask", "gone", "expand", "expand"] as const),
      ...(["claim", "release", "expire", "hold", "refuse"] as const),
    ),
    who: fc.nat({ max: 7 }),
    minutes: fc.constantFrom(0, 0, 2, 9, 30),
    cores: fc.integer({ min: 0, max: 6 }),
    used: fc.constantFrom(0, 0, 1, 8),
    fails: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 8, maxLength: 40 },
);

for (const reserve of ["pooled", "sum"] as const) {
  test(`${reserve}: whatever happens donors keep their floor, and nothing leaks`, () => {
    let expanded = 0;
    fc.assert(
      fc.property(events, (list) => {
        const { allocator, clock, ledger, profiles, usage, after } = open({
          shrinkAfterTicks: 1,
          reserve,
        });
        for (let index = 0; index < 8; index++) {
          profiles.set(`i${index}`, { need: [3, 2, 1, 1], keep: [1, 1, 0, 0], outageMinutes: 5 });
        }
        allocator.addNode({ nodeId: "n", allocatable: [16, 12, 100, 100] });
        for (const id of ["i0", "i1", "i2", "i3"]) allocator.allocate(id, "g", "n", [4, 3, 1, 1]);
        after(0);
        for (const { act, who, minutes, cores, used, fails } of list) {
          after(minutes);
          const id = `i${who}`;
          const { reservationId = "", fencingToken = 0 } = allocator.reservationOfOwner(id) ?? {};
          for (let index = 0; index < 8; index++) usage.set(`i${index}`, [used, used / 2, 0, 0]);
          const before = allocator.pool("total", "total");
          ledger.failNext = fails ? 1 : 0;
          try {
            if (act === "ask") allocator.allocateResources(id, { groupId: "g" });
            else if (act === "claim")
              allocator.claim(reservationId, { fencingToken, instanceId: id });
            else if (act === "release") allocator.releaseReservation(reservationId, fencingToken);
            else if (act === "gone") allocator.release(id);
            else if (act === "expire") allocator.expire();
            else if (act === "expand") expanded += allocator.expandDonors().length;
            else if (act === "refuse") allocator.donorRefused(id);
            else allocator.allocate(id, "g", "n", [cores, cores, 1, 1]);
          } catch (error) {
            if (!isRepriseError(error)) throw error;
            assert.is.not(error.code, "ERR_INVARIANT");
            assert.equal(allocator.pool("total", "total"), before, "nothing changed");
          }
          ledger.failNext = 0;
          allocator.checkInvariants();
          if (clock.nowMs() === 0) continue;
          assert.equal(allocator.leakAudit().leaks, []);
        }
      }),
      { numRuns: 120 },
    );
    assert.ok(expanded > 0, "some donors were given back to");
  });
}

test.run();
