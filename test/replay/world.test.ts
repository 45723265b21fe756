import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { fits } from "../../host/replay/capacity.js";
import { planScenario } from "../../host/replay/plan-scenario.js";
import type { CapacityLoss, Interruption, LossOutcome } from "../../host/replay/policy.js";
import { PriorityOnlyPolicy } from "../../host/replay/priority-only.js";
import { runPolicy } from "../../host/replay/run-policy.js";
import type { Amounts, ReplayInstance, Scenario } from "../../host/replay/scenario.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";
import { World } from "../../host/replay/world.js";
import type { Sample } from "../../host/sources/sample.js";

const test = suite("world of the replay");
const MINUTE_MS = 60_000;
const folder = openTraceFolder(undefined);
const small = await planScenario(folder, { seed: 5, days: 2, vmCount: 12, nodeCount: 3 });

/** Watches what a policy is told and what it answers. */
class Watched extends PriorityOnlyPolicy {
  readonly samples: Sample[] = [];
  readonly down = new Set<string>();
  readonly events: string[] = [];
  readonly capacity = new Map<string, Amounts>();
  readonly priorities = new Map<string, number>();
  readonly nodes = new Map<string, string>();

  constructor(scenario: Scenario, clock: VirtualClock) {
    super(scenario, clock, "p95");
    for (const node of scenario.nodes) this.capacity.set(node.nodeId, node.capacity);
    for (const one of scenario.instances) {
      this.priorities.set(one.instanceId, one.priority);
      this.nodes.set(one.instanceId, one.nodeId);
    }
  }

  override observe(sample: Sample = missing()): void {
    assert.not.ok(this.down.has(sample.instanceId), "a sample of an instance that is down");
    this.samples.push(sample);
  }

  override async turn(): Promise<readonly Interruption[]> {
    return this.note(await super.turn());
  }

  note(interruptions: readonly Interruption[]): readonly Interruption[] {
    for (const { instanceId, cause } of interruptions) {
      assert.not.ok(this.down.has(instanceId), "interrupted twice");
      this.down.add(instanceId);
      this.events.push(`${cause} ${instanceId}`);
      const victim = this.priorities.get(instanceId) ?? 0;
      if (cause !== "reclaim") continue;
      for (const [other, priority] of this.priorities) {
        if (this.nodes.get(other) !== this.nodes.get(instanceId) || this.down.has(other)) continue;
        assert.ok(priority >= victim, `${instanceId} before ${other}`);
      }
    }
    return interruptions;
  }

  override async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const outcome = await super.lose(loss);
    this.note(outcome.evicted);
    this.events.push(`lost ${outcome.met}`);
    loss.amounts.forEach((amount, resource) => {
      const taken = [...outcome.taken.values()].reduce((sum, one) => sum + (one[resource] ?? 0), 0);
      assert.ok(Math.abs(taken - amount) < 1e-9);
    });
    return outcome;
  }

  override async restart(instance: ReplayInstance, waitedMinutes: number) {
    assert.ok(this.down.has(instance.instanceId), "restarted while up");
    const grant = await super.restart(instance, waitedMinutes);
    if (grant === null) return null;
    this.down.delete(instance.instanceId);
    this.nodes.set(instance.instanceId, grant.nodeId);
    return grant;
  }
}

function missing(): never {
  throw new Error("no sample");
}

test("instances are seen while they are up, once a sample, in order", async () => {
  const clock = new VirtualClock(small.warmUpFromMs);
  const policy = new Watched(small, clock);
  const world = new World(small, policy, clock);
  let last = 0;
  await world.run((nowMs) => {
    assert.ok(nowMs > last);
    last = nowMs;
  });
  await world.close();
  assert.is(last, small.toMs);
  assert.is(policy.samples.length, world.counts.samples);
  const seen = new Map<string, number>();
  for (const { instanceId, timeMs } of policy.samples) {
    assert.ok(timeMs > (seen.get(instanceId) ?? 0));
    assert.ok(timeMs > small.warmUpFromMs && timeMs <= small.toMs);
    seen.set(instanceId, timeMs);
  }
  assert.is(seen.size, small.instances.length);
  const { interruptions, reclaims, restarts } = world.tally.figures();
  const stopped = interruptions.planned + interruptions.reclaim + interruptions.evicted;
  assert.ok(stopped > 3);
  assert.ok(world.counts.unseen > 0);
  assert.is(stopped - restarts.granted, policy.down.size);
  assert.ok(reclaims.announced >= reclaims.met + reclaims.missed);
  assert.ok(reclaims.met > 5);
});

test("the same scenario gives the same report, another seed another one", async () => {
  const play = (scenario: Scenario) =>
    runPolicy(
      scenario,
      async (clock) => new PriorityOnlyPolicy(scenario, clock, "largest"),
      () => {},
    );
  const first = JSON.stringify(await play(small));
  const again = await planScenario(folder, { seed: 5, days: 2, vmCount: 12, nodeCount: 3 });
  assert.is(JSON.stringify(await play(again)), first);
  const other = await planScenario(folder, { seed: 6, days: 2, vmCount: 12, nodeCount: 3 });
  assert.is.not(JSON.stringify(await play(other)), first);
});

test("without losses and requests nobody goes down", async () => {
  const calm: Scenario = { ...small, capacityEvents: [], planned: [] };
  const report = await runPolicy(
    calm,
    async (clock) => new PriorityOnlyPolicy(calm, clock, "largest"),
    () => {},
  );
  assert.equal(report.interruptions, { planned: 0, reclaim: 0, evicted: 0 });
  assert.is(report.restarts.granted, 0);
  assert.is(report.lostCoreHours, 0);
  assert.is(report.unseenSamples, 0);
});

test("a restart under priority alone waits until its request fits somewhere", async () => {
  const [instance] = small.instances;
  assert.ok(instance);
  const asks: Scenario = {
    ...small,
    instances: small.instances.map((one) => ({
      ...one,
      interruptible: true,
      request: one.allocation.map((amount) => amount * 1000),
    })),
    capacityEvents: [],
    planned: [{ timeMs: small.fromMs + MINUTE_MS, instanceId: instance.instanceId }],
  };
  const largest = await runPolicy(
    asks,
    async (clock) => new PriorityOnlyPolicy(asks, clock, "largest"),
    () => {},
  );
  assert.is(largest.interruptions.planned, 1);
  assert.equal([largest.restarts.granted, largest.restarts.stillWaiting], [0, 1]);
  assert.ok(largest.waitingCoreHours > 0);
  const p95 = await runPolicy(
    asks,
    async (clock) => new PriorityOnlyPolicy(asks, clock, "p95"),
    () => {},
  );
  assert.equal([p95.restarts.granted, p95.restarts.waited], [1, 0]);
  assert.is(p95.waitingCoreHours, 0);
  assert.is(p95.need.cpu.phases, 3);
});

test("fits means every resource", () => {
  assert.is(fits([1, 1], [1, 1]), true);
  assert.is(fits([1, 1], [2, 0.5]), false);
  assert.is(fits([0, 0], [0, -1]), false);
  assert.is(fits([Number.NaN, 0], [1, 1]), false);
});

test.run();
