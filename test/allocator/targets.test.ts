import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { POOL_RHO, POOL_Z } from "../../host/allocator/policy.js";
import { QuantileSums, readMemberNeed } from "../../host/allocator/quantile-sums.js";
import { aggregateQuantileReference } from "../../host/allocator/reference.js";
import { compileBinary, ENVELOPE_ROWS, NEED_COLUMNS, PHASE_COUNT } from "../../host/core/index.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Prng } from "../../host/lib/prng.js";
import type { BehaviourProfile } from "../../host/profiler/profile.js";
import { FakeProfiles } from "./fakes.js";

const test = suite("allocator/targets");
const START = 1_700_000_000_000;
const NODES = 20;
const POOL_Z_SINGLE = Math.fround(POOL_Z);

class CountingProfiles extends FakeProfiles {
  reads: string[] = [];
  failing: string | undefined;

  override profile(instanceId: string): BehaviourProfile {
    if (instanceId === this.failing) throw new Error("unreadable");
    this.reads.push(instanceId);
    return super.profile(instanceId);
  }
}

function world(targetsEveryMs: number) {
  const profiles = new CountingProfiles();
  const clock = new VirtualClock(START);
  const ledger = new MemoryLedger();
  const allocator = new PredictiveAllocator({ profiles, clock, ledger, targetsEveryMs });
  for (let node = 0; node < NODES; node++) {
    allocator.addNode({ nodeId: `n${node}`, allocatable: [64, 64, 64, 64] });
    for (let index = 0; index < 3; index++) {
      const id = `i${node}-${index}`;
      profiles.set(id, { need: [1 + node, 2, 0, 0] });
      allocator.allocate(id, `g${index}`, `n${node}`, [4, 4, 0, 0]);
    }
  }
  const pools = () => [
    allocator.pool("total", "total").target,
    ...["g0", "g1", "g2"].map((id) => allocator.pool("group", id).target),
    ...Array.from({ length: NODES }, (_, node) => allocator.pool("node", `n${node}`).target),
  ];
  return { profiles, clock, allocator, pools };
}

test("a pass spread over ticks reads everybody once, a share each, and ends at the same targets", () => {
  const spread = world(10_000);
  const whole = world(0);
  for (const { allocator } of [spread, whole]) allocator.tick();
  assert.equal(spread.pools(), whole.pools(), "the first pass is whole");
  for (const { profiles } of [spread, whole]) {
    for (let node = 0; node < NODES; node++) profiles.set(`i${node}-1`, { need: [50, 60, 1, 0] });
  }
  const before = spread.pools();
  spread.profiles.reads = [];
  const counts: number[] = [];
  spread.allocator.tick();
  for (let second = 1; second <= 10; second++) {
    spread.clock.advanceTo(START + second * 1_000);
    spread.profiles.reads = second === 1 ? [] : spread.profiles.reads;
    const already = spread.profiles.reads.length;
    assert.equal(spread.pools(), before, "the old ones hold until the pass ends");
    spread.allocator.tick();
    counts.push(spread.profiles.reads.length - already);
  }
  const all = Array.from({ length: NODES * 3 }, (_, at) => `i${Math.floor(at / 3)}-${at % 3}`);
  assert.equal(spread.profiles.reads, all);
  assert.ok(Math.max(...counts) <= 9, `at most three nodes a tick: ${counts}`);
  whole.allocator.tick();
  assert.equal(spread.pools(), whole.pools());
});

test("who leaves while a pass is under way is left out, who moves counts once in total", () => {
  const { allocator, clock, pools } = world(10_000);
  allocator.tick();
  const before = pools();
  allocator.tick();
  clock.advanceTo(START + 5_000);
  allocator.tick();
  allocator.release("i0-0");
  allocator.removeNode(`n${NODES - 1}`);
  allocator.allocate("i1-0", "g0", `n${NODES - 2}`, [4, 4, 0, 0]);
  clock.advanceTo(START + 10_000);
  allocator.tick();
  const total = allocator.pool("total", "total").target[0] ?? 0;
  assert.ok(total > 0 && total <= (before[0]?.[0] ?? 0));
});

test("a tick that throws leaves the targets of the pass before, the next one begins anew", () => {
  const { allocator, clock, profiles, pools } = world(10_000);
  allocator.tick();
  const before = pools();
  allocator.tick();
  profiles.failing = "i7-0";
  clock.advanceTo(START + 9_000);
  assert.throws(() => allocator.tick(), /unreadable/);
  assert.equal(pools(), before);
  profiles.failing = undefined;
  profiles.reads = [];
  allocator.tick();
  clock.advanceTo(START + 19_000);
  allocator.tick();
  assert.is(profiles.reads.length, NODES * 3);
});

test("sums of any number of members, added one by one, are those of the reference", () => {
  const prng = new Prng(7);
  const sums = new QuantileSums(compileBinary("release"), 4);
  for (const count of [0, 1, 3, 4, 5, 63, 64, 65, 200]) {
    sums.clear();
    const medians: number[][] = Array.from({ length: NEED_COLUMNS }, () => []);
    const uppers: number[][] = Array.from({ length: NEED_COLUMNS }, () => []);
    for (let member = 0; member < count; member++) {
      const envelope = Float64Array.from({ length: ENVELOPE_ROWS }, () => prng.below(64) / 16);
      const need = new Float32Array(2 * NEED_COLUMNS);
      readMemberNeed(need, envelope);
      sums.add(need);
      for (let column = 0; column < NEED_COLUMNS; column++) {
        medians[column]?.push(need[column] ?? 0);
        uppers[column]?.push(need[NEED_COLUMNS + column] ?? 0);
      }
    }
    const rho = medians.map((_, column) => POOL_RHO[Math.floor(column / PHASE_COUNT)] ?? 0);
    const want = aggregateQuantileReference(medians, uppers, rho.map(Math.fround), POOL_Z_SINGLE);
    sums.quantile().forEach((value, column) => {
      const expected = want[column] ?? Number.NaN;
      assert.ok(Math.abs(value - expected) <= 1e-9 * (1 + expected), `${count}: ${value}`);
    });
  }
});

test.run();
