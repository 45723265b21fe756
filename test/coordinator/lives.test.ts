/** One record of each life, whoever was told of it, and it outlives the process. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import { withSeen } from "../../host/coordinator/instances.js";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import type { Ledger } from "../../host/ledger/ledger.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { interruption, NOW } from "./cases.js";

const test = suite("lives");
const MINUTE_MS = 60_000;
const WHO = { instanceId: "v", groupId: "g", nodeId: "a", priority: 0, interruptible: true };
const requested = { cpu: 4, memory: 4, network: 1, disk: 1 };

function open(ledger: Ledger, nowMs: number) {
  const clock = new VirtualClock(nowMs);
  const profiler = Profiler.open({
    maxInstances: 8,
    weights: null,
    workers: 0,
    clock,
    lives: (instanceId) => ledger.get("incarnation", instanceId),
  });
  const allocator = new PredictiveAllocator({ profiles: profiler, ledger, clock, debug: true });
  allocator.restore();
  const coordinator = new Coordinator({
    allocator,
    profiles: profiler,
    ledger,
    engine: new DryRunEngine(),
    priorities: new StaticPriorities([["v", 0]]),
    clock,
    modelVersion: () => "test@1",
  });
  profiler.register({ ...WHO, requested });
  coordinator.register({ ...WHO, requested }, NOW - 600 * MINUTE_MS);
  return { clock, profiler, allocator, coordinator };
}

test("what only the profiler was told of is written, and both take it up again", async () => {
  const ledger = new MemoryLedger();
  const first = open(ledger, NOW);
  first.profiler.offer({ instanceId: "v", timeMs: NOW - 60 * MINUTE_MS, cpuCores: 1 });
  first.profiler.stopped("v", NOW - 30 * MINUTE_MS, "interrupted");
  first.profiler.restarted("v", NOW - 20 * MINUTE_MS);
  await first.coordinator.tick();
  const life = {
    instanceId: "v",
    incarnation: 2,
    launchedMs: NOW - 20 * MINUTE_MS,
    interruptionsMs: [NOW - 30 * MINUTE_MS],
  };
  assert.equal(ledger.get("incarnation", "v"), life);
  assert.equal(first.profiler.incarnation("v"), life);
  await first.profiler.close();
  const next = open(ledger, NOW);
  assert.equal(next.profiler.incarnation("v"), life);
  next.profiler.offer({ instanceId: "v", timeMs: NOW, cpuCores: 1 });
  await next.profiler.tick();
  assert.is(next.profiler.profile("v").incarnation, 2);
  await next.coordinator.tick();
  assert.equal(ledger.get("incarnation", "v"), life);
  await next.profiler.close();
});

test("an interruption and a restart told to both count once", async () => {
  const ledger = new MemoryLedger();
  const { clock, profiler, allocator, coordinator } = open(ledger, NOW);
  allocator.addNode({ nodeId: "a", allocatable: [8, 8, 8, 8] });
  allocator.allocate("v", "g", "a", [4, 4, 1, 1]);
  profiler.offer({ instanceId: "v", timeMs: NOW - MINUTE_MS, cpuCores: 1 });
  await profiler.tick();
  coordinator.submit(interruption("v"));
  assert.is((await coordinator.tick()).decisions[0]?.kind, "proceed");
  profiler.stopped("v", NOW + 3_000, "interrupted");
  clock.advanceTo(NOW + 10 * MINUTE_MS);
  await coordinator.tick();
  profiler.restarted("v", NOW + 10 * MINUTE_MS);
  await coordinator.tick();
  await coordinator.restarted("v", NOW + 10 * MINUTE_MS);
  await coordinator.tick();
  const life = ledger.get("incarnation", "v");
  assert.equal([life?.incarnation, life?.interruptionsMs], [2, [NOW]]);
  assert.is(profiler.incarnation("v").incarnation, 2);
  // Told to the profiler first, and taken over from it before the coordinator is told.
  clock.advanceTo(NOW + 60 * MINUTE_MS);
  profiler.restarted("v", clock.nowMs());
  await coordinator.tick();
  await coordinator.restarted("v", clock.nowMs());
  assert.is(ledger.get("incarnation", "v")?.incarnation, 3);
  await profiler.close();
});

test("an older view of a life adds nothing, and the same view twice adds once", () => {
  const life = { instanceId: "v", incarnation: 2, launchedMs: 100, interruptionsMs: [90] };
  assert.is(withSeen(life, { ...life, incarnation: 1, interruptionsMs: [50, 90] }), life);
  const seen = { ...life, interruptionsMs: [92, 150] };
  const once = withSeen(life, seen);
  assert.equal(once.interruptionsMs, [90, 150]);
  assert.is(withSeen(once, seen), once);
  const down = { ...life, downSinceMs: 140, interruptionsMs: [90, 140] };
  assert.is(withSeen(down, { ...seen, incarnation: 3, launchedMs: 200 }), down);
});

test("the model's version is written without a decision, and again when it changes", async () => {
  const ledger = new MemoryLedger();
  const { profiler, coordinator } = open(ledger, NOW);
  await coordinator.tick();
  assert.is(ledger.get("meta", "modelVersion"), "test@1");
  await profiler.close();
});

test.run();
