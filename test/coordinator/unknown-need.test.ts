/** "Nothing is known" is never "nothing is needed": the real profiler, allocator and coordinator. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import { compileBinary } from "../../host/core/binary.js";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Profiler } from "../../host/profiler/profiler.js";
import type { ResourceAmounts } from "../../host/sources/sample.js";
import { flat } from "../allocator/fakes.js";
import { interruption, NOW } from "./cases.js";

const test = suite("coordinator/unknown-need");
const DAY_MS = 86_400_000;
const WHOLE = [8, 32, 1000, 200];
const module = compileBinary("release");

class World {
  readonly clock = new VirtualClock(NOW);
  readonly ledger = new MemoryLedger();
  readonly priorities = new StaticPriorities();
  readonly profiler = Profiler.open({
    maxInstances: 8,
    weights: null,
    workers: 0,
    clock: this.clock,
  });
  readonly allocator = new PredictiveAllocator({
    profiles: this.profiler,
    ledger: this.ledger,
    clock: this.clock,
    module,
    shrinkAfterTicks: 0,
    debug: true,
  });
  readonly coordinator = new Coordinator({
    allocator: this.allocator,
    profiles: this.profiler,
    ledger: this.ledger,
    engine: new DryRunEngine(),
    priorities: this.priorities,
    clock: this.clock,
    modelVersion: () => "none",
  });

  constructor() {
    this.allocator.addNode({ nodeId: "n1", allocatable: WHOLE });
  }

  register(instanceId: string, requested?: ResourceAmounts): void {
    const registration = {
      instanceId,
      groupId: "g",
      nodeId: "n1",
      priority: 0,
      interruptible: true,
      ...(requested === undefined ? {} : { requested }),
    };
    this.profiler.register(registration);
    this.coordinator.register(registration, NOW - DAY_MS);
    this.priorities.set(instanceId, 0);
  }
}

test("an instance of which nothing is known keeps the room of what it holds", async () => {
  const w = new World();
  w.register("a");
  w.allocator.allocate("a", "g", "n1", WHOLE);
  assert.equal(w.profiler.profile("a").unknown, ["cpu", "memory", "network", "disk"]);
  w.coordinator.submit(interruption("a"));
  const { decisions } = await w.coordinator.tick();
  assert.is(decisions[0]?.kind, "proceed");
  const all = flat(8, 32, 1000, 200);
  assert.equal(w.allocator.reservationOfOwner("a")?.amounts, all);
  await w.coordinator.stopped("a", NOW);
  assert.throws(() => w.allocator.allocate("b", "g", "n1", [1, 1, 1, 1]));
  const grant = await w.coordinator.restarted("a", NOW);
  assert.equal([grant.amounts, grant.shortfall, grant.unknown], [all, flat(0), undefined]);
  await w.profiler.close();
});

test("a restart without a lease gets what it held; with nothing held its need is unknown", async () => {
  const w = new World();
  w.register("a");
  w.allocator.allocate("a", "g", "n1", [3, 3, 3, 3]);
  const again = await w.coordinator.restarted("a", NOW);
  assert.equal([again.amounts, again.unknown], [flat(3, 3, 3, 3), undefined]);
  w.register("b");
  const grant = await w.coordinator.restarted("b", NOW);
  assert.is(grant.reservationId, null);
  assert.equal(grant.unknown, ["cpu", "memory", "network", "disk"]);
  const answer = w.allocator.allocateResources("b", {});
  assert.equal([answer.approved, answer.unknown], [false, grant.unknown]);
  await w.profiler.close();
});

test("an instance without a sample is no donor", async () => {
  const w = new World();
  w.register("new");
  w.register("asked", { cpu: 1, memory: 1, network: 1, disk: 1 });
  w.allocator.allocate("new", "g", "n1", [4, 16, 500, 100]);
  w.allocator.allocate("asked", "g", "n1", [4, 16, 500, 100]);
  w.register("a", { cpu: 6, memory: 20, network: 10, disk: 10 });
  const answer = w.allocator.allocateResources("a", { outageMinutes: 10 });
  assert.equal([answer.approved, answer.shrinks], [false, []]);
  assert.is(answer.unknown, undefined);
  assert.is(answer.missing[0], 6);
  // Once something is measured of it, its neighbours' needs may be met from the rest.
  const use = { cpuCores: 1, memoryGiB: 2, networkMbps: 3, disk: 4 };
  assert.is(w.profiler.offer({ instanceId: "new", timeMs: NOW, ...use }), "accepted");
  await w.profiler.tick();
  const missing = [2.5, 0, 0, 0];
  const found = w.allocator.donors({ nodeId: "n1", groupId: "g", missing });
  assert.equal(
    found.map(({ donorId, given }) => [donorId, given[0]]),
    [["new", 2.5]],
  );
  await w.profiler.close();
});

test.run();
