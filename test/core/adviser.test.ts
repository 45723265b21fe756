import { getHeapStatistics } from "node:v8";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  Adviser,
  compileBinary,
  DEFER,
  KNOWN_SAMPLES_MIN,
  NEED_COLUMNS,
  PROCEED,
  RESOURCES,
  UNKNOWN,
} from "../../host/core/index.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler } from "../../host/profiler/profiler.js";
import type { Sample } from "../../host/sources/sample.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const test = suite("core/adviser");
const module = compileBinary("release");
const weights = untrainedWeights(3);
const NO_LIMITS = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];

function openAdviser(maxInstances = 24, maxNodes = 10): Adviser {
  return new Adviser({
    module,
    weights,
    maxInstances,
    maxNodes,
    unitWeights: [1, 0.25, 0.01, 0.1],
  });
}

function valuesOf(sample: Sample): number[] {
  return [
    sample.cpuCores ?? Number.NaN,
    sample.memoryGiB ?? Number.NaN,
    sample.networkMbps ?? Number.NaN,
    sample.disk ?? Number.NaN,
    sample.cpuPeakCores ?? Number.NaN,
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ];
}

function limitsOf(slot: number): number[] {
  const limits = registrationOf(slot).limits;
  return RESOURCES.map((resource) => limits?.[resource] ?? Number.NaN);
}

/** Enters the slots and offers each `steps` samples. */
function feed(adviser: Adviser, slots: number, steps: number): void {
  for (let slot = 0; slot < slots; slot++) {
    adviser.enter(slot, limitsOf(slot), registrationOf(slot).typicalOutageMinutes ?? 10);
  }
  for (let step = 0; step < steps; step++) {
    for (let slot = 0; slot < slots; slot++) {
      const sample = sampleOf(slot, step);
      assert.ok(adviser.offer(slot, sample.timeMs / 1_000, valuesOf(sample), false));
    }
    // Not after each: a lane whose sample waits has it settled by the next one.
    if (step % 3 === 0) adviser.refresh();
  }
  adviser.refresh();
}

const roomOf = (value: number) => new Array<number>(NEED_COLUMNS).fill(value);

test("profiles have the bits of the profiler's", async () => {
  const slots = 19;
  const steps = 30;
  const adviser = openAdviser();
  feed(adviser, slots, steps);
  const clock = new VirtualClock(FLEET_START_MS);
  const profiler = Profiler.open({
    maxInstances: 24,
    workers: 0,
    weights,
    clock,
    shadowCutsPerTick: 0,
  });
  for (let slot = 0; slot < slots; slot++) profiler.register(registrationOf(slot));
  for (let step = 0; step < steps; step++) {
    for (let slot = 0; slot < slots; slot++) {
      assert.is(profiler.offer(sampleOf(slot, step)), "accepted");
    }
    clock.advanceTo(FLEET_START_MS + step * 300_000 + 299_000);
    await profiler.tick();
  }
  const envelope = new Float64Array(48);
  for (let slot = 0; slot < slots; slot++) {
    assert.is(adviser.profile(slot, envelope), true);
    const profile = profiler.profile(`i${slot}`);
    assert.is(profile.rung, 0);
    assert.equal(envelope, profile.envelope, `slot ${slot}`);
  }
  await profiler.close();
});

test("the verdict is that of a search over exact numbers", () => {
  // Two blocks of nodes, the second one not full.
  const NODES = 70;
  const adviser = openAdviser(8, NODES);
  feed(adviser, 8, 20);
  const amount = fc.oneof(
    fc.integer({ min: 0, max: 40 * 1_024 }).map((steps) => steps / 1_024),
    fc.constantFrom(Number.POSITIVE_INFINITY, Number.NaN, -1, 0),
  );
  const row = fc.array(amount, { minLength: NEED_COLUMNS, maxLength: NEED_COLUMNS });
  const rooms = fc.array(row, { minLength: NODES, maxLength: NODES });
  const weigh = [1, 0.25, 0.01, 0.1];
  fc.assert(
    fc.property(rooms, fc.nat(7), (table, slot) => {
      for (const [node, room] of table.entries()) adviser.setRoom(node, room);
      const verdict = adviser.consider(slot);
      const { need } = adviser;
      const fitting = table.flatMap((room, node) =>
        room.every((value, column) => value >= (need[column] ?? Number.NaN)) ? [node] : [],
      );
      assert.is(verdict, fitting.length > 0 ? PROCEED : DEFER);
      assert.is(fitting.includes(adviser.node), fitting.length > 0);
      const scoreOf = (node: number) =>
        (table[node] ?? []).reduce((sum, value, column) => {
          const weight = weigh[Math.floor(column / 3)] ?? 0;
          return Number.isFinite(value) ? sum + weight * value : sum;
        }, 0);
      const least = Math.min(...fitting.map(scoreOf));
      if (verdict === PROCEED) assert.ok(scoreOf(adviser.node) <= least + 1e-4);
      for (let column = 0; column < NEED_COLUMNS && verdict === DEFER; column++) {
        const some = table.some((room) => (room[column] ?? -1) >= (need[column] ?? 0));
        assert.is((adviser.short >> column) & 1, some ? 0 : 1, `column ${column}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("the need is the .95 quantile, .99 of memory, rounded up to 1/1024", () => {
  const adviser = openAdviser();
  feed(adviser, 3, 15);
  adviser.consider(1);
  const envelope = new Float64Array(48);
  adviser.profile(1, envelope);
  adviser.need.forEach((need, column) => {
    const quantile = Math.floor(column / 3) === 1 ? 3 : 2;
    const predicted = envelope[column * 4 + quantile] ?? Number.NaN;
    assert.ok(need >= predicted && need < predicted + 1 / 1_024);
    assert.is(need * 1_024, Math.round(need * 1_024));
  });
  assert.is(adviser.isByLimit, false);
});

test("what is held is no longer there, and freed it is there again to the bit", () => {
  const adviser = openAdviser(8, 2);
  feed(adviser, 1, 15);
  adviser.setRoom(1, roomOf(1_000.1));
  const before = Array.from({ length: NEED_COLUMNS }, (_, column) => adviser.roomOf(1, column));
  assert.ok(before.every((amount) => amount <= 1_000.1 && amount > 1_000.099));
  const holds: Float64Array[] = [];
  while (adviser.consider(0) === PROCEED) {
    assert.is(adviser.node, 1);
    adviser.hold(1, adviser.need);
    holds.push(adviser.need.slice());
    assert.ok(holds.length < 1e6);
  }
  assert.ok(holds.length >= 2);
  assert.ok(adviser.short > 0);
  assert.is(adviser.node, -1);
  for (const need of holds.reverse()) adviser.free(1, need);
  assert.equal(
    before.map((_, column) => adviser.roomOf(1, column)),
    before,
  );
  assert.is(adviser.consider(0), PROCEED);
});

test("an instance that is not known goes by its limits, else by what was seen, else is unknown", () => {
  const adviser = openAdviser(8, 1);
  adviser.setRoom(0, roomOf(64));
  adviser.enter(0, [4, 8, 100, 50], 10);
  assert.is(adviser.consider(0), DEFER);
  assert.equal([...adviser.need], [4, 4, 4, 8, 8, 8, 100, 100, 100, 50, 50, 50]);
  assert.is(adviser.isByLimit, true);
  assert.is(adviser.short, 0b000_111_000_000);
  adviser.enter(1, [4, 8, Number.NaN, Number.NaN], 10);
  assert.is(adviser.consider(1), UNKNOWN);
  assert.ok([...adviser.need].every(Number.isNaN));
  const values = [1, 2, 3, 4, Number.NaN, Number.NaN, Number.NaN, Number.NaN];
  assert.is(adviser.offer(1, 1_000, values, false), true);
  adviser.refresh();
  assert.is(adviser.consider(1), PROCEED);
  assert.ok((adviser.need[6] ?? 0) >= 3 && (adviser.need[6] ?? 0) < 3.3);
});

test("answers count from the refresh that followed the samples that make an instance known", () => {
  const adviser = openAdviser(8, 1);
  adviser.enter(0, [4, 8, 9, 9], 10);
  const envelope = new Float64Array(48);
  for (let step = 0; step <= KNOWN_SAMPLES_MIN; step++) {
    adviser.offer(0, 1_000 + step * 300, valuesOf(sampleOf(0, step)), false);
    adviser.consider(0);
    assert.is(adviser.isByLimit, true);
  }
  assert.is(adviser.profile(0, envelope), false);
  assert.is(adviser.refresh(), 1);
  assert.is(adviser.refresh(), 0);
  adviser.consider(0);
  assert.is(adviser.isByLimit, false);
  adviser.leave(0);
  adviser.enter(0, NO_LIMITS, 10);
  assert.is(adviser.consider(0), UNKNOWN);
});

test("a sample that is not later is not taken and changes nothing", () => {
  const [one, other] = [openAdviser(8, 1), openAdviser(8, 1)];
  for (const adviser of [one, other]) feed(adviser, 2, 14);
  const late = [9, 9, 9, 9, 9, 9, 9, 9];
  for (const seconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1_000]) {
    assert.is(one.offer(0, seconds, late, false), false);
  }
  one.refresh();
  const [a, b] = [new Float64Array(48), new Float64Array(48)];
  one.profile(0, a);
  other.profile(0, b);
  assert.equal(a, b);
});

test("wrong arguments are refused by name", () => {
  const adviser = openAdviser(8, 2);
  assert.throws(() => adviser.consider(0), /field slot/);
  assert.throws(() => adviser.enter(8, NO_LIMITS, 10), /slot from 0 to 7/);
  assert.throws(() => adviser.enter(0.5, NO_LIMITS, 10), /field slot/);
  assert.throws(() => adviser.enter(0, [1, 2], 10), /limits\[2\]/);
  assert.throws(() => adviser.enter(0, NO_LIMITS, -1), /outageMinutes/);
  assert.throws(() => adviser.setRoom(2, roomOf(1)), /node from 0 to 1/);
  assert.throws(() => openAdviser(8, 0), /maxNodes/);
  assert.throws(
    () => new Adviser({ module, weights, maxInstances: 8, maxNodes: 1, unitWeights: [1] }),
    /unitWeights\[1\]/,
  );
});

test("100,000 considerations, offers and refreshes leave nothing for the collector", () => {
  const adviser = openAdviser(64, 1_000);
  feed(adviser, 64, 14);
  for (let node = 0; node < 1_000; node++) adviser.setRoom(node, roomOf((node % 50) * 10));
  const values = Float64Array.from(valuesOf(sampleOf(0, 0)));
  let seconds = FLEET_START_MS / 1_000 + 30 * 300;
  let proceeds = 0;
  const consider = (count: number) => {
    for (let call = 0; call < count; call++) {
      if (adviser.consider(call & 63) !== PROCEED) continue;
      proceeds++;
      adviser.hold(adviser.node, adviser.need);
      adviser.free(adviser.node, adviser.need);
    }
  };
  const take = (count: number) => {
    for (let call = 0; call < count; call++) {
      adviser.offer(call & 63, seconds, values, false);
      if ((call & 63) === 63) {
        seconds += 60;
        adviser.refresh();
      }
    }
  };
  // The least of several tries: the engine's own compiling allocates too, a leak is in each try.
  const grownBytes = (work: () => void) => {
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5; attempt++) {
      const before = getHeapStatistics().used_heap_size;
      work();
      const grown = getHeapStatistics().used_heap_size - before;
      // Negative when the collector ran meanwhile, which says nothing.
      if (grown >= 0) least = Math.min(least, grown);
    }
    return least;
  };
  consider(30_000);
  take(20_000);
  const considered = grownBytes(() => consider(100_000));
  assert.ok(considered < 50_000, `${considered} bytes in 100,000 considerations`);
  const taken = grownBytes(() => take(6_400));
  assert.ok(taken < 32_000, `${taken} bytes in 6,400 samples and 100 refreshes`);
  assert.ok(proceeds > 0);
});

test.run();
