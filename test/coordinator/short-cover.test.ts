import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Candidate,
  GroupBudgets,
  isCandidate,
  judge,
} from "../../host/coordinator/candidates.js";
import { selectVictims } from "../../host/coordinator/cover.js";
import { decide } from "../../host/coordinator/decision.js";
import type { InstanceInput } from "../../host/coordinator/inputs.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { Rooms } from "../../host/coordinator/rooms.js";
import { type Evictable, leastWithEvictions } from "../../host/coordinator/short-cover.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator/short-cover");

const PINNED = { interruptible: false };

/** A forced plan for cores and network when its deadline is near. */
function forcedPlan(cores: number, network: number, instances: readonly InstanceInput[]) {
  const request = reclaim(cores, ["a"], {
    amounts: [cores, 0, network, 0],
    force: true,
    deadlineMs: NOW + MINUTE_MS,
  });
  const full = node("a", 64, 0);
  const room = full.room.map((each, column) => (column >= 6 && column < 9 ? 0 : each));
  const inputs = inputsOf(request, [{ ...full, room }, node("b", 64, 64)], instances);
  const { proposal, kind } = decide(inputs, () => []);
  assert.is(kind, "proceed");
  return proposal;
}

function idsOf({ placements }: ReturnType<typeof forcedPlan>): string[] {
  return placements.map(({ candidate }) => candidate.input.instanceId).sort();
}

const holding = (network: number, cores = 1) => ({ freed: [cores, cores, network, 0] });

test("nobody goes for a little of what the one that holds most will be evicted for", () => {
  const six = ["l1", "l2", "l3", "l4", "l5", "l6"].map((id) =>
    instance(id, "a", { priority: 1, ...holding(0.15) }),
  );
  const blocker = instance("blocker", "a", { priority: 0, ...holding(7), ...PINNED });
  const plan = forcedPlan(0, 7, [...six, blocker]);
  assert.equal(idsOf(plan), []);
  const [reason] = plan.reasons;
  assert.is(reason?.code, "FORCED_SHORTFALL");
  assert.match(reason?.text ?? "", /^7 network cannot be freed, which evicts blocker$/);
});

test("who would be evicted in any case is interrupted in order", () => {
  const low = ["l1", "l2"].map((id) => instance(id, "a", { priority: 0, ...holding(0.5) }));
  const blocker = instance("blocker", "a", { priority: 2, ...holding(7), ...PINNED });
  assert.equal(idsOf(forcedPlan(0, 7.5, [...low, blocker])), ["l1", "l2"]);
});

test("what is freed spares a higher class its eviction", () => {
  const low = ["l1", "l2"].map((id) => instance(id, "a", { priority: 0, ...holding(2) }));
  const middle = instance("m", "a", { priority: 1, ...holding(2), ...PINNED });
  const high = instance("h", "a", { priority: 2, ...holding(4), ...PINNED });
  const plan = forcedPlan(0, 6, [...low, middle, high]);
  assert.equal(idsOf(plan), ["l1", "l2"]);
  assert.match(plan.reasons.at(-1)?.text ?? "", /^2 network cannot be freed, which evicts m$/);
});

test("cores that can be freed whole are, unless an eviction frees them", () => {
  const low = instance("low", "a", { priority: 1, ...holding(0, 4) });
  const small = instance("blocker", "a", { priority: 0, ...holding(7, 1), ...PINNED });
  assert.equal(idsOf(forcedPlan(4, 7, [low, small])), ["low"]);
  const large = instance("blocker", "a", { priority: 0, ...holding(7, 4), ...PINNED });
  assert.equal(idsOf(forcedPlan(4, 7, [low, large])), []);
});

interface Problem {
  readonly needed: readonly number[];
  readonly candidates: readonly Candidate[];
  readonly evictables: readonly Evictable[];
  readonly budget: number;
}

/** What a set of victims loses with the evictions it leaves, class by class from the top. */
function lossOf(problem: Problem, victims: readonly Candidate[]): number[] {
  const classes = [3, 2, 1, 0];
  const loss = classes.map((each) =>
    victims.reduce((sum, { priority, lostCoreHours: x }) => (priority === each ? sum + x : sum), 0),
  );
  let left = problem.needed.map((amount, resource) =>
    victims.reduce((rest, { input }) => rest - (input.freed[resource] ?? 0), amount),
  );
  for (const each of [...problem.evictables].sort((a, b) => a.priority - b.priority)) {
    if (left.every((amount) => amount <= 0)) break;
    if (victims.some(({ input }) => input.instanceId === each.instanceId)) continue;
    const at = classes.indexOf(each.priority);
    loss[at] = (loss[at] ?? 0) + each.cost;
    left = left.map((amount, resource) => amount - (each.freed[resource] ?? 0));
  }
  return loss;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => Math.abs(value - (b[index] ?? 0)) > 1e-9);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

const member = fc.record({
  priority: fc.integer({ min: 0, max: 3 }),
  cores: fc.integer({ min: 0, max: 6 }),
  network: fc.integer({ min: 0, max: 6 }),
  group: fc.integer({ min: 0, max: 2 }),
  pinned: fc.boolean(),
  ageMinutes: fc.integer({ min: 6, max: 60 }),
});

function problemOf(members: readonly (typeof member extends fc.Arbitrary<infer T> ? T : never)[]) {
  const inputs = members.map((each, index) =>
    instance(`i${index}`, "a", {
      priority: each.priority,
      freed: [each.cores, 1, each.network, 0],
      groupId: `g${each.group}`,
      interruptible: !each.pinned,
      launchedMs: NOW - each.ageMinutes * MINUTE_MS,
    }),
  );
  const plan = inputsOf(reclaim(1, ["a"]), [node("a", 64, 0), node("b", 64, 64)], inputs);
  const rooms = new Rooms(plan.nodes);
  const candidates = inputs.map((input) => judge(input, plan, rooms)).filter(isCandidate);
  const evictables = inputs.map(({ instanceId, priority, freed }, index) => ({
    instanceId,
    priority: priority ?? 0,
    freed,
    cost: 1 + ((index * 7) % 5),
  }));
  return { candidates, evictables };
}

test("any shortage: no better for sparing a victim, and not worse than all or none", () => {
  let shortCount = 0;
  fc.assert(
    fc.property(
      fc.array(member, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 3 }),
      (members, cores, network, budget) => {
        const needed = [cores, 0, network, 0];
        const { candidates, evictables } = problemOf(members);
        const problem = { needed, candidates, evictables, budget };
        const question = { needed, candidates, budgets: new GroupBudgets(budget) };
        const cover = selectVictims(question);
        if (cover.covered) return;
        shortCount++;
        const { victims, left, spare } = leastWithEvictions(cover, question, evictables);
        const loss = lossOf(problem, victims);
        assert.not(isLess(lossOf(problem, cover.victims), loss), "all that can go");
        assert.not(isLess(lossOf(problem, []), loss), "nobody");
        for (const victim of victims) {
          const others = victims.filter((each) => each !== victim);
          assert.not(isLess(lossOf(problem, others), loss), victim.input.instanceId);
          const mates = victims.filter(({ input }) => input.groupId === victim.input.groupId);
          assert.ok(mates.length <= budget, "budget");
        }
        needed.forEach((amount, resource) => {
          const freed = victims.reduce((sum, { input }) => sum + (input.freed[resource] ?? 0), 0);
          assert.is((left[resource] ?? 0) - (spare[resource] ?? 0), amount - freed);
        });
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(shortCount > 300, `${shortCount} of 1000 were short`);
});

test("the shortfall is on the plan's record", async () => {
  const cluster = new Cluster().node("a", 4).node("b", 8);
  cluster.tenant("pinned", "a", { size: 3, interruptible: false, priority: 1 });
  cluster.tenant("v", "a", { size: 1, need: 1 });
  cluster.coordinator.submit({
    ...reclaim(3, ["a"], { force: true, deadlineMs: NOW + MINUTE_MS }),
    requestId: "loss",
  });
  const { decisions } = await cluster.coordinator.tick();
  assert.equal(decisions[0]?.victims, ["v"]);
  const plan = cluster.ledger.get("plan", decisions[0]?.planId ?? "");
  assert.equal(
    plan?.shortfalls?.map(({ code, missing }) => [code, missing?.slice(0, 3)]),
    [["FORCED_SHORTFALL", [2, 2, 2]]],
  );
  await cluster.coordinator.close();
});

test.run();
