import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { roundDown, roundUp } from "../../host/allocator/amounts.js";
import {
  bandWindows,
  leaseSteps,
  leaseWindows,
  peakOver,
  sumSteps,
} from "../../host/allocator/timeline.js";
import type { ReservationRecord } from "../../host/ledger/records.js";
import { ceilToSingle, floorToSingle } from "../../host/lib/single.js";

const test = suite("allocator/numbers");
const MINUTE = 60_000;

test("needs are rounded up and capacities down, by less than 2^-10", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2 ** 22, noNaN: true }), (value) => {
      const [low, high] = [roundDown(value), roundUp(value)];
      assert.ok(low <= value && value <= high);
      assert.ok(high - low <= 2 ** -10);
      assert.ok(Number.isInteger(low * 1024) && Number.isInteger(high * 1024));
      assert.is(roundUp(high), high);
      assert.is(roundDown(low), low);
    }),
  );
  assert.ok(Object.is(roundUp(-0), 0) && Object.is(roundDown(-0), 0));
});

test("float32 copies err on the safe side, by one step at most", () => {
  const next = (value: number): number => {
    const words = new Uint32Array(new Float32Array([value]).buffer);
    words[0] = (words[0] ?? 0) + 1;
    return new Float32Array(words.buffer)[0] ?? Number.NaN;
  };
  fc.assert(
    fc.property(fc.double({ min: 2 ** -20, max: 2 ** 23, noNaN: true }), (value) => {
      for (const signed of [value, -value]) {
        const [low, high] = [floorToSingle(signed), ceilToSingle(signed)];
        assert.ok(low <= signed && signed <= high, `${low} ${signed} ${high}`);
        assert.is(Math.fround(low), low);
        assert.is(Math.fround(high), high);
        if (signed > 0) assert.ok(high === low || high === next(low));
        else assert.ok(high === low || low === -next(-high));
      }
    }),
  );
  for (const exact of [0, 1, -1, 0.125, 4096.25]) {
    assert.is(floorToSingle(exact), exact);
    assert.ok(ceilToSingle(exact) === exact);
  }
  assert.ok(floorToSingle(-1e-300) < 0, "a room that is negative stays negative");
});

const START = 1_700_000_000_000;
const amounts = fc.array(
  fc.integer({ min: 0, max: 64 }).map((quarters) => quarters / 4),
  { minLength: 12, maxLength: 12 },
);
const leases = fc.record({
  amounts,
  restart: fc.integer({ min: -30, max: 120 }),
  grace: fc.integer({ min: 0, max: 50 }),
  claimed: fc.option(fc.integer({ min: -70, max: 0 }), { nil: undefined }),
  given: fc.nat(8),
});

function record(lease: typeof leases extends fc.Arbitrary<infer T> ? T : never): ReservationRecord {
  const expectedRestartMs = START + lease.restart * MINUTE;
  return {
    reservationId: "lease-1",
    ownerId: "o",
    instanceId: "i",
    nodeId: "n",
    groupId: "g",
    amounts: lease.amounts,
    state: lease.claimed === undefined ? "held" : "claimed",
    fencingToken: 1,
    createdMs: START,
    expectedRestartMs,
    expiresMs: expectedRestartMs + lease.grace * MINUTE,
    ...(lease.claimed === undefined ? {} : { claimedMs: START + lease.claimed * MINUTE }),
    shrinks: [
      { donorId: "d", nodeId: "n", given: [lease.given / 2, 0, 0, 0], floor: [0, 0, 0, 0] },
    ],
  };
}

/** What the lease holds of cpu at a moment, straight from the rule. */
function holds(lease: ReservationRecord, time: number): number {
  let hold = lease.shrinks[0]?.given[0] ?? 0;
  leaseWindows(lease).forEach(({ fromMs, toMs }, phase) => {
    if (time >= fromMs && time < toMs) hold = Math.max(hold, lease.amounts[phase] ?? 0);
  });
  return hold;
}

test("the peak of a sum of leases is that of a minute by minute look", () => {
  fc.assert(
    fc.property(
      fc.array(leases, { maxLength: 6 }),
      fc.integer({ min: -60, max: 200 }),
      fc.nat(60),
      (drawn, from, length) => {
        const records = drawn.map(record);
        const steps = sumSteps(records.map((lease) => leaseSteps(lease)));
        // All edges are whole minutes, so every minute of the window is a complete look.
        let want = 0;
        for (let minute = from; minute < from + Math.max(length, 1); minute++) {
          const time = START + minute * MINUTE;
          want = Math.max(
            want,
            records.reduce((sum, lease) => sum + holds(lease, time), 0),
          );
        }
        const window = { fromMs: START + from * MINUTE, toMs: START + (from + length) * MINUTE };
        assert.is(peakOver(steps, window)[0], want);
      },
    ),
    { numRuns: 500 },
  );
});

test("whenever a held lease is claimed, its phases lie within what it held", () => {
  fc.assert(
    fc.property(leases, fc.nat(49), (drawn, late) => {
      const held = record({ ...drawn, claimed: undefined });
      const claimedMs = held.expectedRestartMs + Math.min(late, drawn.grace) * MINUTE;
      const claimed: ReservationRecord = { ...held, state: "claimed", claimedMs };
      for (let minute = 0; minute < 200; minute++) {
        const time = claimedMs + minute * MINUTE;
        assert.ok(holds(claimed, time) <= holds(held, time));
      }
    }),
    { numRuns: 200 },
  );
});

test("bands follow the clock", () => {
  assert.equal(bandWindows(START), [
    { fromMs: START, toMs: START + 10 * MINUTE },
    { fromMs: START + 10 * MINUTE, toMs: START + 30 * MINUTE },
    { fromMs: START + 30 * MINUTE, toMs: Number.POSITIVE_INFINITY },
  ]);
});

test.run();
