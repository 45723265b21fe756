import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { PoolDraws } from "../../host/allocator/pool-draws.js";
import { type LeaseOnNode, Pooling } from "../../host/allocator/pooling.js";
import { leaseSteps, peakOver } from "../../host/allocator/timeline.js";
import { compileBinary } from "../../host/core/index.js";
import type { ReservationRecord } from "../../host/ledger/records.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger, FakeProfiles, flat } from "./fakes.js";
import { pooledReference } from "./pool-reference.js";

const test = suite("allocator/pooled");
const MINUTE = 60_000;
const module = compileBinary("release");
const ALWAYS = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

function open(count: number, reserve: "pooled" | "sum" = "pooled") {
  const clock = new VirtualClock(0);
  const ledger = new FailingLedger();
  const profiles = new FakeProfiles();
  for (let index = 0; index < count; index++) {
    profiles.set(`i${index}`, { need: [4, 2, 10, 10], outageMinutes: 10 });
  }
  const allocator = new PredictiveAllocator({
    clock,
    ledger,
    profiles,
    module,
    reserve,
    debug: true,
  });
  return { clock, ledger, profiles, allocator };
}

/** Leases granted on one node of 32 cores to instances that need 4 each. */
function grantedOn(reserve: "pooled" | "sum"): number {
  const { allocator } = open(20, reserve);
  allocator.addNode({ nodeId: "n", allocatable: [32, 1000, 1000, 1000] });
  let granted = 0;
  for (let index = 0; index < 20; index++) {
    const answer = allocator.allocateResources(`i${index}`, { groupId: `g${index}` });
    if (answer.approved) granted++;
  }
  return granted;
}

test("a pool takes more leases than their sum allows", () => {
  assert.is(grantedOn("sum"), 8);
  const pooled = grantedOn("pooled");
  assert.ok(pooled > 8 && pooled < 16, `${pooled}`);
});

test("the whole wave is granted whole within the grace, and settles into what the node has", () => {
  const { allocator, clock } = open(20);
  allocator.addNode({ nodeId: "n", allocatable: [32, 1000, 1000, 1000] });
  const ids: string[] = [];
  for (let index = 0; index < 20; index++) {
    const answer = allocator.allocateResources(`i${index}`, { groupId: `g${index}` });
    if (answer.reservation !== undefined) ids.push(answer.reservation.reservationId);
  }
  for (const [index, id] of ids.entries()) {
    clock.advanceTo(clock.nowMs() + (index === 0 ? 10 * MINUTE : MINUTE / 2));
    const lease = allocator.reservation(id) as ReservationRecord;
    const { instanceId, fencingToken } = lease;
    const grant = allocator.claim(id, { fencingToken, instanceId });
    assert.equal(grant.shortfall, flat(0), `${id}`);
  }
  clock.advanceTo(clock.nowMs() + 61 * MINUTE);
  assert.is(allocator.expire().length, ids.length);
  const pool = allocator.pool("node", "n");
  assert.ok((pool.allocated[0] ?? 0) <= 32);
  const settled = ids.map((id) => {
    const lease = allocator.reservation(id) as ReservationRecord;
    return allocator.allocationOf(lease.instanceId)?.amounts[0] ?? 0;
  });
  // About its median at least: what the pool gets smaller by without it.
  for (const cores of settled) assert.ok(cores >= 1.8, `${settled}`);
});

test("a lease that shares nothing is held whole", () => {
  const { allocator, profiles } = open(1);
  allocator.addNode({ nodeId: "n", allocatable: [32, 1000, 1000, 1000] });
  profiles.set("big", { need: [40, 2, 2, 2] });
  // More than any quantile of its need: a promise of its own.
  const own = { ownerId: "i0", instanceId: "i0", groupId: "g", nodeId: "n", amounts: flat(9) };
  const lease = allocator.reserve({ ...own, expectedRestartMs: 10 * MINUTE });
  assert.is(lease.quantiles, undefined);
  assert.is(allocator.pool("node", "n").reserved[0], 0);
  assert.is(allocator.pool("node", "n").reserved[1], 9);
});

interface Spec {
  readonly need: number;
  readonly spread: readonly number[];
  readonly startMs: number;
  readonly groupId: string;
  readonly given: number;
}

const specs = fc.array(
  fc.record({
    need: fc.integer({ min: 0, max: 9000 }),
    spread: fc.array(fc.integer({ min: 0, max: 1024 }), { minLength: 4, maxLength: 4 }),
    startMs: fc.nat({ max: 40 }).map((minutes) => minutes * MINUTE),
    groupId: fc.constantFrom("a", "b"),
    given: fc.constantFrom(0, 0, 512),
  }),
  { minLength: 1, maxLength: 7 },
);

function leaseOf({ need, spread, startMs, groupId, given }: Spec, index: number): LeaseOnNode {
  const sorted = spread.map((part) => (need * part) / 1024).sort((a, b) => a - b);
  const rows = sorted.map((value) => Math.ceil(value) / 1024);
  const lease: ReservationRecord = {
    reservationId: `lease-${index}`,
    ownerId: `${index}`,
    instanceId: `${index}`,
    nodeId: "n",
    groupId,
    amounts: new Array<number>(12).fill(rows[3] ?? 0),
    quantiles: Array.from({ length: 12 }, () => rows).flat(),
    state: "held",
    fencingToken: index,
    createdMs: 0,
    expectedRestartMs: startMs,
    expiresMs: startMs + 15 * MINUTE,
    shrinks: [
      {
        donorId: "d",
        nodeId: "n",
        given: new Array<number>(4).fill(given / 1024),
        floor: [0, 0, 0, 0],
      },
    ],
  };
  return { lease, steps: leaseSteps(lease), base: undefined };
}

test("one more lease adds at most itself and takes nothing away, whatever its law", () => {
  const pooling = new Pooling(module);
  fc.assert(
    fc.property(specs, (list) => {
      const leases = list.map(leaseOf);
      const without = pooling.sum(leases.slice(1));
      const all = pooling.sum(leases);
      const own = leases[0]?.steps ?? all;
      const largest = Math.max(...leases.map(({ steps }) => peakOver(steps, ALWAYS)[0] ?? 0));
      assert.ok((peakOver(all, ALWAYS)[0] ?? 0) >= largest);
      for (const time of all.times) {
        const window = { fromMs: time, toMs: time };
        const before = peakOver(without, window)[0] ?? 0;
        const after = peakOver(all, window)[0] ?? 0;
        assert.ok(after >= before, `${time}: ${after} from ${before}`);
        assert.ok(after <= before + (peakOver(own, window)[0] ?? 0), `${time}: ${after}`);
      }
      assert.equal([...pooling.sum([...leases].reverse()).amounts], [...all.amounts]);
    }),
    { numRuns: 150 },
  );
});

test("the sweep has the bits of everybody added up anew, while leases come, claim and go", () => {
  const pooling = new Pooling(module);
  const draws = new PoolDraws(module);
  fc.assert(
    fc.property(specs, fc.array(fc.nat(6)), (list, claims) => {
      let leases = list.map(leaseOf);
      for (const who of [...claims, ...claims]) {
        const each = leases[who];
        if (each === undefined) continue;
        const { lease } = each;
        if (lease.state === "held") {
          const claimedMs = lease.expectedRestartMs + (who * MINUTE) / 2;
          const claimed: ReservationRecord = { ...lease, state: "claimed", claimedMs };
          const next = { lease: claimed, steps: leaseSteps(claimed), base: undefined };
          leases = leases.map((other) => (other === each ? next : other));
        } else leases = leases.filter((other) => other !== each);
        const want = pooledReference(draws, leases);
        const got = pooling.sum(leases);
        assert.equal(got.times, want.times);
        assert.equal([...got.amounts], [...want.amounts]);
      }
    }),
    { numRuns: 40 },
  );
});

test("members of more nodes than there are slots for draws keep their draws", () => {
  const pooling = new Pooling(module);
  const spread = [100, 300, 500, 1024];
  const nodes = Array.from({ length: 40 }, (_, node) =>
    Array.from({ length: 7 }, (_, index) =>
      leaseOf({ need: 4000, spread, startMs: 0, groupId: "a", given: 0 }, node * 7 + index),
    ),
  );
  const first = nodes.map((leases) => [...pooling.sum(leases).amounts]);
  assert.equal(
    nodes.map((leases) => [...pooling.sum(leases).amounts]),
    first,
  );
});

const steps = fc.array(
  fc.record({
    act: fc.constantFrom("ask", "claim", "release", "gone", "renew", "expire", "hold"),
    who: fc.nat({ max: 9 }),
    minutes: fc.constantFrom(0, 0, 3, 11, 40),
    cores: fc.integer({ min: 0, max: 8 }),
    fails: fc.boolean(),
  }),
  { maxLength: 40 },
);

test("promises are kept in any order of events, also when the ledger fails", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const { allocator, clock, ledger } = open(10);
      allocator.addNode({ nodeId: "n", allocatable: [14, 20, 100, 100] });
      allocator.addNode({ nodeId: "m", allocatable: [9, 20, 100, 100] });
      for (const { act, who, minutes, cores, fails } of list) {
        clock.advanceTo(clock.nowMs() + minutes * MINUTE);
        const id = `i${who}`;
        const lease = allocator.reservationOfOwner(id);
        const { reservationId = "", fencingToken = 0 } = lease ?? {};
        const before = allocator.pool("total", "total");
        ledger.failNext = fails ? 1 : 0;
        try {
          if (act === "ask")
            allocator.allocateResources(id, { freedForOwner: [2, 1, 1, 1], groupId: "g" });
          else if (act === "hold") allocator.allocate(id, "g", "n", [cores, 1, 5, 5]);
          else if (act === "claim")
            allocator.claim(reservationId, { fencingToken, instanceId: id });
          else if (act === "release") allocator.releaseReservation(reservationId, fencingToken);
          else if (act === "gone") allocator.release(id);
          else if (act === "expire") allocator.expire();
          else allocator.renew(reservationId, fencingToken, clock.nowMs() + cores * MINUTE);
        } catch (error) {
          if (!isRepriseError(error)) throw error;
          assert.is.not(error.code, "ERR_INVARIANT");
          assert.equal(allocator.pool("total", "total"), before, "nothing changed");
        }
        ledger.failNext = 0;
        allocator.checkInvariants();
        allocator.checkTouched();
        assert.is(allocator.checkTouched(), 0);
        assert.equal(allocator.leakAudit().leaks, []);
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
