import { suite } from "uvu";
import * as assert from "uvu/assert";
import { policyNames } from "../../host/cli/replay-outcome.js";
import type { ReclaimRequest } from "../../host/coordinator/types.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { ClusterBook, type Holder } from "../../host/replay/cluster-book.js";
import { openExactCover } from "../../host/replay/outcome/exact-cover.js";
import { judgePlan, overReclaim, wasInverted } from "../../host/replay/outcome/judged-plan.js";
import { kubeRule } from "../../host/replay/outcome/kube-rule.js";
import { drawOutage } from "../../host/replay/outcome/outage-law.js";
import type { JudgedPlan } from "../../host/replay/outcome/outcome-policy.js";
import { meanOf, pairedChange } from "../../host/replay/outcome/outcome-report.js";
import { ProfileTable } from "../../host/replay/outcome/profile-table.js";
import {
  fifoRule,
  randomRule,
  slurmRule,
  yarnRule,
} from "../../host/replay/outcome/rival-rules.js";
import { PROGRAMS, SurgeLaw, surgeFactors } from "../../host/replay/outcome/surges.js";
import { TableProfiler } from "../../host/replay/outcome/table-profiler.js";
import type { ReplayInstance, Scenario } from "../../host/replay/scenario.js";
import type { VictimQuestion, VictimRule } from "../../host/replay/victim-rule.js";

const test = suite("pieces of the outcome world");

test("surges have the stated law, belong to their name, and a backlog is work that waited", () => {
  const amplitudes: number[] = [];
  for (let seed = 0; seed < 2_000; seed++) {
    const law = new SurgeLaw(seed);
    const surge = law.surge(PROGRAMS[0], "one", 20);
    assert.equal(surge, law.surge(PROGRAMS[0], "one", 20));
    assert.ok(surge.decayMinutes >= 3 && surge.decayMinutes <= 12);
    amplitudes.push(surge.amplitude[0] ?? 0);
  }
  amplitudes.sort((a, b) => a - b);
  // Medians of 2,000 draws stray by about 3 %, the P90 by about 5 %.
  assert.ok(Math.abs((amplitudes[1_000] ?? 0) / 1.2 - 1) < 0.12, `median ${amplitudes[1_000]}`);
  assert.ok(Math.abs((amplitudes[1_800] ?? 0) / 4.5 - 1) < 0.2, `P90 ${amplitudes[1_800]}`);
  const queue = PROGRAMS.find(({ hasBacklog }) => hasBacklog);
  assert.ok(queue);
  const law = new SurgeLaw(1);
  for (const outage of [1, 7, 40, 200]) {
    const { amplitude, ...surge } = law.surge(queue, "q", outage);
    const quiet = { ...surge, amplitude: amplitude.map(() => 0) };
    const factors = surgeFactors(quiet, 60);
    let extra = 0;
    for (let minute = 0; minute < 60; minute++) extra += (factors[minute * 4] ?? 1) - 1;
    assert.ok(Math.abs(extra - Math.min(outage, 60)) < 1e-3, `${outage} min: ${extra}`);
  }
});

test("outages follow Google's machines", () => {
  const minutes = Array.from({ length: 4_000 }, (_, seed) => drawOutage(seed, "x"));
  minutes.sort((a, b) => a - b);
  assert.is(minutes[0], 1);
  assert.is(minutes.at(-1), 120);
  const median = minutes[2_000] ?? 0;
  assert.ok(median >= 16 && median <= 17, `${median}`);
});

const HOUR_MS = 3_600_000;

function holder(
  name: string,
  what: { nodeId?: string; priority: number; cpu: number; sinceMs?: number },
): Holder {
  const { nodeId = "n0", priority, cpu, sinceMs = 0 } = what;
  const amounts = [cpu, 1, 0, 0];
  const instance: ReplayInstance = {
    instanceId: name,
    file: "",
    groupId: "g",
    nodeId,
    priority,
    interruptible: true,
    checkpointMinutes: 15,
    allocation: amounts,
    request: amounts,
    cores: undefined,
    memoryGiB: undefined,
  };
  return { instance, nodeId, held: amounts, sinceMs };
}

function victimsOf(rule: VictimRule, holders: readonly Holder[], cpu: number, nodes = ["n0"]) {
  const scenario: Scenario = {
    seed: 1,
    warmUpFromMs: 0,
    fromMs: 0,
    toMs: 1,
    nodes: nodes.map((nodeId) => ({ nodeId, zoneId: "z", capacity: [10, 100, 100, 100] })),
    zones: [],
    instances: holders.map(({ instance }) => instance),
    capacityEvents: [],
    planned: [],
  };
  const book = new ClusterBook(scenario);
  for (const each of holders) book.put(each);
  const amounts = [cpu, 0, 0, 0];
  const request: ReclaimRequest = {
    kind: "reclaim",
    requestId: "r",
    receivedMs: 0,
    nodeIds: nodes,
    amounts,
    deadlineMs: HOUR_MS,
    priorityMax: 3,
    purpose: "capacity-loss",
  };
  const room = book.roomOf(nodes);
  const needed = amounts.map((amount, resource) => amount - (room[resource] ?? 0));
  const question: VictimQuestion = {
    request,
    owed: amounts,
    needed,
    holders,
    book,
    nowMs: 0,
    seed: 1,
  };
  return rule(question).map(({ instance }) => instance.instanceId);
}

test("kube-scheduler spares the most important that it can, on the node with the lowest", () => {
  const holders = [
    holder("low-old", { priority: 0, cpu: 3, sinceMs: 1 }),
    holder("low-young", { priority: 0, cpu: 3, sinceMs: 2 }),
    holder("high", { priority: 2, cpu: 4 }),
  ];
  assert.equal(victimsOf(kubeRule, holders, 3), ["low-young"]);
  assert.equal(victimsOf(kubeRule, holders, 5).sort(), ["low-old", "low-young"]);
  const two = [
    holder("a", { nodeId: "n0", priority: 2, cpu: 10 }),
    holder("b", { nodeId: "n1", priority: 1, cpu: 5 }),
    holder("c", { nodeId: "n1", priority: 1, cpu: 5 }),
  ];
  // Two pods of two cores: n1 has the lower highest victim; what it frees takes both.
  assert.equal(victimsOf(kubeRule, two, 4, ["n0", "n1"]).length, 1);
  assert.not.ok(victimsOf(kubeRule, two, 4, ["n0", "n1"]).includes("a"));
});

test("FIFO, Slurm, random and YARN take in their orders", () => {
  const holders = [
    holder("old", { priority: 1, cpu: 4, sinceMs: 1 }),
    holder("young", { priority: 1, cpu: 2, sinceMs: 2 }),
    holder("small", { priority: 1, cpu: 1, sinceMs: 3 }),
    holder("high", { priority: 2, cpu: 3 }),
  ];
  assert.equal(victimsOf(fifoRule, holders, 4), ["old"]);
  // Smallest first takes two for 3; the reordering finds that the last alone is not enough for 3.
  assert.equal(victimsOf(slurmRule, holders, 3), ["young", "small"]);
  assert.equal(victimsOf(slurmRule, holders, 4), ["old"]);
  assert.equal(victimsOf(yarnRule, holders, 0.9), [], "within its dead zone");
  assert.is(victimsOf(yarnRule, holders, 3)[0], "small", "the latest first");
  const random = victimsOf(randomRule, holders, 5);
  assert.equal(random, victimsOf(randomRule, holders, 5));
  const freed = holders
    .filter(({ instance }) => random.includes(instance.instanceId))
    .reduce((sum, { held }) => sum + (held[0] ?? 0), 0);
  assert.ok(freed >= 5);
});

test("a plan is judged by what was short and by the classes it touched", () => {
  const candidate = (priority: number, cpu: number, chosen: boolean) => ({
    instanceId: `${priority}-${cpu}`,
    priority,
    freed: [cpu, 0, 0, 0],
    cost: 1,
    chosen,
  });
  const plan = (candidates: JudgedPlan["candidates"]): JudgedPlan => ({
    requestId: "r",
    needed: [4, -1, 0, 0],
    candidates,
  });
  assert.ok(wasInverted(plan([candidate(0, 4, false), candidate(1, 4, true)])));
  assert.not.ok(wasInverted(plan([candidate(0, 3, false), candidate(1, 4, true)])));
  assert.is(overReclaim(plan([candidate(0, 8, true)])), 0.5);
  assert.is(overReclaim(plan([candidate(0, 4, true), candidate(1, 9, false)])), 0);
  assert.equal(
    judgePlan({ requestId: "r", needed: [0], candidates: [], victims: [] }, {
      get: () => undefined,
    } as never).candidates,
    [],
  );
});

test("changes are paired over seeds, with an interval that holds the mean", () => {
  const change = pairedChange([1, 2, 3], [2, 4, 6]);
  assert.is(change.mean, -0.5);
  assert.equal(change.interval, [-0.5, -0.5]);
  const mean = meanOf([1, 2, 3, 10]);
  assert.is(mean.mean, 4);
  assert.ok(mean.interval[0] >= 1 && mean.interval[0] < 4);
  assert.ok(mean.interval[1] > 4 && mean.interval[1] <= 10);
  assert.ok(Number.isNaN(pairedChange([1], [0]).mean), "no share of nothing");
});

test("the exact cover touches the lowest classes and loses least in the highest", async () => {
  const cover = await openExactCover();
  const candidate = (priority: number, cpu: number, cost: number) => ({
    priority,
    freed: [cpu, 0, 0, 0],
    cost,
  });
  const needed = [4, 0, 0, 0];
  const low = [candidate(0, 2, 9), candidate(0, 2, 9), candidate(1, 4, 0)];
  assert.equal(cover(low, needed), [true, true, false]);
  const tied = [candidate(0, 1, 1), candidate(1, 3, 5), candidate(1, 4, 2)];
  assert.equal(cover(tied, needed), [false, false, true]);
  assert.is(cover([candidate(0, 3, 1)], needed), null);
  assert.equal(cover(low, [-1, 0, 0, 0]), [false, false, false]);
});

test("policies are chosen by name, and others are named in the refusal", () => {
  assert.equal(policyNames("kube,oracle"), ["kube", "oracle"]);
  assert.throws(() => policyNames("kube,nobody"), /some of kube, .*oracle are expected/);
});

test("restarts whose hours overlap share eight steps, those that follow each other take whole ones", () => {
  const names = Array.from({ length: 16 }, (_, index) => `vm-${index}`);
  const learnt = (overlap: boolean): number => {
    // Of each instance 48 quantiles, 16 to keep, 4 recommended, 4 units; all of them 1.
    const rows = new Float32Array(names.length * 72).fill(1);
    const parts = { fromMs: 0, rows, instanceIds: names, modelVersion: "test" };
    const clock = new VirtualClock(0);
    const table = new ProfileTable(parts);
    const profiler = new TableProfiler({ table, clock, predictor: "network" });
    for (const instanceId of names) {
      const where = { groupId: "g", nodeId: "n", priority: 0, interruptible: true };
      profiler.register({ instanceId, ...where });
    }
    const restart = (instanceId: string): void => {
      profiler.stopped(instanceId, 0);
      profiler.restarted(instanceId);
    };
    const outcome = (instanceId: string): void => {
      const { envelope } = profiler.profile(instanceId);
      const peaks = new Array<number>(12).fill(9);
      profiler.outcome({ instanceId, restartedMs: 0, peaks, predicted: [...envelope] });
    };
    if (overlap) for (const name of names) restart(name);
    for (const name of names) {
      if (!overlap) restart(name);
      outcome(name);
    }
    return Math.asinh(profiler.profile("vm-0").envelope[0] ?? 0) - Math.asinh(1);
  };
  // Sixteen misses of a median, .05 / 2 each; sixteen at once count as eight.
  assert.ok(Math.abs(learnt(false) - 0.4) < 1e-3, `${learnt(false)}`);
  assert.ok(Math.abs(learnt(true) - 0.2) < 1e-3, `${learnt(true)}`);
});

test.run();
