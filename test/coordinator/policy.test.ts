import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { availability, chanceToFit, prospects, restartNeed } from "../../host/coordinator/need.js";
import {
  backoffMs,
  capEndMs,
  coolDownEndMs,
  DEFAULT_POLICY,
  HOUR_MS,
  interruptionCost,
  MINUTE_MS,
  minRunEndMs,
} from "../../host/coordinator/policy.js";
import { envelopeOf, NOW } from "./cases.js";

const test = suite("coordinator policy");
const life = (interruptionsMs: readonly number[]) => ({ launchedMs: NOW, interruptionsMs });

test("minimum run time counts from the launch", () => {
  assert.is(minRunEndMs(life([]), DEFAULT_POLICY), NOW + 5 * MINUTE_MS);
});

test("the cool-down doubles with each interruption within a day, up to four hours", () => {
  const ends = (count: number) => {
    const times = Array.from({ length: count }, (_, index) => NOW - (count - index) * MINUTE_MS);
    return (coolDownEndMs(life(times), NOW, DEFAULT_POLICY) - (NOW - MINUTE_MS)) / MINUTE_MS;
  };
  assert.equal([1, 2, 3, 4, 5, 30].map(ends), [60, 120, 240, 240, 240, 240]);
  assert.is(coolDownEndMs(life([]), NOW, DEFAULT_POLICY), Number.NEGATIVE_INFINITY);
});

test("an interruption of yesterday no longer counts", () => {
  const old = life([NOW - 25 * HOUR_MS]);
  assert.is(coolDownEndMs(old, NOW, DEFAULT_POLICY), Number.NEGATIVE_INFINITY);
});

test("the wait between tries grows by half, up to its maximum", () => {
  const waits = [0, 1, 2, 3, 100].map((attempts) => backoffMs(attempts, DEFAULT_POLICY));
  assert.equal(waits, [60_000, 90_000, 135_000, 202_500, 900_000]);
});

test("cost: lost work and outage, surge above the steady need, doubling within the hour", () => {
  const parts = {
    allocatedCores: 6,
    restartCores: [5, 2, 1],
    keepCores: 2,
    outageMinutes: 10,
    history: { launchedMs: NOW - 20 * MINUTE_MS, interruptionsMs: [] as number[] },
    availability: 1,
    shortMinutes: 0,
  };
  // 6 cores x (20 + 10) min = 3, surge 3 cores x 10 min = 0.5, and 0.25 for the first time.
  assert.is(interruptionCost(parts, NOW, DEFAULT_POLICY), 3.75);
  const thrice = [NOW - 3 * HOUR_MS, NOW - 30 * MINUTE_MS, NOW - 20 * MINUTE_MS];
  const history = { launchedMs: NOW - 20 * MINUTE_MS, interruptionsMs: thrice };
  assert.is(interruptionCost({ ...parts, history }, NOW, DEFAULT_POLICY), 4.5);
  // A long run loses no more than half an hour, because its checkpoint is unknown.
  const long = { launchedMs: NOW - 100 * HOUR_MS, interruptionsMs: [] };
  assert.is(interruptionCost({ ...parts, history: long }, NOW, DEFAULT_POLICY), 4.75);
});

test("a policy recorded before short minutes counted is explained without them", () => {
  const history = { launchedMs: NOW - 20 * MINUTE_MS, interruptionsMs: [] };
  const parts = {
    keepCores: 6,
    allocatedCores: 6,
    restartCores: [9, 6, 6],
    outageMinutes: 10,
    availability: 1,
    shortMinutes: 30,
    history,
  };
  const { sloWeight: _absent, ...recorded } = DEFAULT_POLICY;
  const cost = interruptionCost(parts, NOW, recorded as typeof DEFAULT_POLICY);
  assert.is(cost, interruptionCost(parts, NOW, { ...DEFAULT_POLICY, sloWeight: 0 }));
  assert.ok(cost > 0);
});

test("the restart need is .95, memory .99, rounded up to 2^-10", () => {
  const envelope = new Array<number>(48).fill(0);
  [0.1, 0.2, 0.3, 0.4].forEach((value, quantile) => {
    envelope[quantile] = value;
    envelope[12 + quantile] = value;
  });
  const need = restartNeed(envelope);
  assert.is(need[0], Math.ceil(0.3 * 1024) / 1024);
  assert.is(need[3], Math.ceil(0.4 * 1024) / 1024);
  assert.is(need[1], 0);
});

test("chance to fit: the tightest column, linear between quantiles", () => {
  const envelope = envelopeOf([10, 0, 0, 0]);
  const room = (cores: number) => new Array<number>(12).fill(0).map((_, c) => (c < 3 ? cores : 0));
  assert.is(chanceToFit(envelope, room(10)), 0.99);
  assert.is(chanceToFit(envelope, room(5)), 0.5);
  assert.is(chanceToFit(envelope, room(2.5)), 0.25);
  assert.is(chanceToFit(envelope, room(7)), 0.7);
  assert.is(chanceToFit(envelope, room(-1)), 0);
  assert.is(chanceToFit(envelopeOf([0, 0, 0, 0]), room(0)), 1);
  const tight = room(10);
  tight[1] = 2.5;
  assert.is(chanceToFit(envelope, tight), 0.25);
});

const loss = { ratePerHour: 0.01, hours: 2 };

function shortMinutes(envelope: readonly number[], rooms: readonly (readonly number[])[]): number {
  const found = prospects(envelope, rooms, loss);
  assert.is(found.availability, availability(envelope, rooms, loss), "the same bits");
  return found.shortMinutes;
}

test("short minutes: by phase, on the node on which they are fewest", () => {
  const envelope = envelopeOf([10, 0, 0, 0]);
  const room = (...cores: readonly number[]) =>
    new Array<number>(12).fill(0).map((_, c) => (c < 3 ? (cores[c] ?? 0) : 0));
  const close = (got: number, expected: number) =>
    assert.ok(Math.abs(got - expected) < 1e-9, `${got}, not ${expected}`);
  close(shortMinutes(envelope, []), 60);
  close(shortMinutes(envelope, [room(-1, -1, -1)]), 60);
  close(shortMinutes(envelope, [room(10, 10, 10)]), 0.6);
  close(shortMinutes(envelope, [room(5, 10, 10)]), 5.5);
  close(shortMinutes(envelope, [room(5, 5, 5), room(5, 10, 7), room(0, 0, 10)]), 5 + 0.2 + 9);
  close(shortMinutes(envelopeOf([0, 0, 0, 0]), [room(0, 0, 0)]), 0);
});

test("short minutes: never more with more room or with one node more", () => {
  const amount = fc.double({ min: -1, max: 20, noNaN: true });
  const rooms = fc.array(fc.array(amount, { minLength: 12, maxLength: 12 }), { maxLength: 4 });
  const peak = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), {
    minLength: 4,
    maxLength: 4,
  });
  fc.assert(
    fc.property(peak, rooms, fc.double({ min: 0, max: 5, noNaN: true }), (high, some, more) => {
      const envelope = envelopeOf(high);
      const minutes = shortMinutes(envelope, some);
      assert.ok(minutes >= 0 && minutes <= 60);
      const larger = some.map((room) => room.map((each) => each + more));
      assert.ok(shortMinutes(envelope, larger) <= minutes);
      assert.ok(shortMinutes(envelope, [...some, new Array<number>(12).fill(3)]) <= minutes);
    }),
  );
});

test("availability: one minus the chance that no node has it", () => {
  const envelope = envelopeOf([10, 0, 0, 0]);
  const half = new Array<number>(12).fill(5);
  const never = { ratePerHour: 0, hours: 2 };
  assert.is(availability(envelope, [], never), 0);
  assert.is(availability(envelope, [half], never), 0.5);
  assert.is(availability(envelope, [half, half], never), 0.75);
  assert.is(availability(envelope, [half], { ratePerHour: 0.5, hours: 2 }), 0.25);
});

test("a ninth interruption within a day waits until the first is a day old", () => {
  const history = {
    launchedMs: 0,
    interruptionsMs: [1, 2, 3, 4, 5, 6, 7, 8].map((h) => h * HOUR_MS),
  };
  assert.is(capEndMs(history, 20 * HOUR_MS, DEFAULT_POLICY), 25 * HOUR_MS);
  assert.is(capEndMs(history, 25 * HOUR_MS, DEFAULT_POLICY), undefined);
  const seven = { ...history, interruptionsMs: history.interruptionsMs.slice(1) };
  assert.is(capEndMs(seven, 20 * HOUR_MS, DEFAULT_POLICY), undefined);
  const uncapped = { ...DEFAULT_POLICY, interruptionsPerDayMax: 0 };
  assert.is(capEndMs(history, 20 * HOUR_MS, uncapped), undefined);
});

test.run();
