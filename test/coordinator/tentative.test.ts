import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Candidate } from "../../host/coordinator/candidates.js";
import { type Cover, type CoverProblem, selectVictims } from "../../host/coordinator/cover.js";
import { decide, decisionRecord } from "../../host/coordinator/decision.js";
import type { AskDonors, InstanceInput, PlanInputs } from "../../host/coordinator/inputs.js";
import { DEFAULT_POLICY, MINUTE_MS } from "../../host/coordinator/policy.js";
import { deferred } from "../../host/coordinator/state.js";
import { isWorthChanging, keptCover } from "../../host/coordinator/tentative.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { inversionsOf, tiedProblem } from "../plan/classes.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator/tentative");
const nobodyGives: AskDonors = () => [];
const SAVING = DEFAULT_POLICY.switchSavingRatio;

/** Two that could go; one hour of a run counts its whole time, so minutes are cost. */
function pair(uMinutes: number, vMinutes: number): InstanceInput[] {
  return [
    instance("u", "a", { size: 4, launchedMs: NOW - uMinutes * MINUTE_MS }),
    instance("v", "a", { size: 4, launchedMs: NOW - vMinutes * MINUTE_MS }),
  ];
}

/** Where a restart has a place on `b` or has none. */
function tryOf(
  instances: readonly InstanceInput[],
  so: { readonly placed: boolean; readonly tentative?: readonly string[] },
): PlanInputs {
  const policy = { ...DEFAULT_POLICY, unknownCheckpointMinutes: 1e6 };
  const nodes = [node("a", 8, 0), node("b", 8, so.placed ? 8 : 0)];
  const { tentative } = so;
  const remembered = tentative === undefined ? {} : { tentative };
  return inputsOf(reclaim(4, ["a"]), nodes, instances, { policy, ...remembered });
}

function outcome(inputs: PlanInputs): readonly string[] {
  const { kind, proposal } = decide(inputs, nobodyGives);
  return [kind, ...proposal.placements.map(({ candidate }) => candidate.input.instanceId)];
}

test("a deferral says whom it means, and small changes of cost do not change them", () => {
  const first = decide(tryOf(pair(600, 610), { placed: false }), nobodyGives);
  assert.equal([first.kind, first.tentative], ["defer", ["u"]]);
  const record = decisionRecord(first, { decisionId: "d" });
  const pending = deferred({ request: reclaim(4, ["a"]), attempts: 0, dueMs: NOW }, record);
  assert.equal(pending.tentative, ["u"]);
  const tentative = pending.tentative ?? [];
  assert.equal(outcome(tryOf(pair(630, 600), { placed: true })), ["proceed", "v"]);
  assert.equal(outcome(tryOf(pair(630, 600), { placed: true, tentative })), ["proceed", "u"]);
  assert.equal(outcome(tryOf(pair(900, 600), { placed: true, tentative })), ["proceed", "v"]);
});

test("costs that go up and down between tries change nobody, as long as it is deferred", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(noise(), noise()), { minLength: 1, maxLength: 8 }), (steps) => {
      let tentative = ["u"];
      for (const [u, v] of steps) {
        const verdict = decide(tryOf(pair(u, v), { placed: false, tentative }), nobodyGives);
        tentative = [...(verdict.tentative ?? [])];
        assert.equal(tentative, ["u"]);
      }
      assert.equal(outcome(tryOf(pair(630, 600), { placed: true, tentative })), ["proceed", "u"]);
    }),
    { numRuns: 100 },
  );
});

function noise(): fc.Arbitrary<number> {
  return fc.integer({ min: 600, max: 655 });
}

test("a set that does not suffice, may not go or has no place is not kept", () => {
  const tentative = ["u"];
  const [u, v] = pair(630, 600) as [InstanceInput, InstanceInput];
  const how = { placed: true, tentative };
  assert.equal(outcome(tryOf([{ ...u, freed: [3, 4, 0, 0] }, v], how)), ["proceed", "v"]);
  assert.equal(outcome(tryOf([{ ...u, interruptible: false }, v], how)), ["proceed", "v"]);
  assert.equal(outcome(tryOf([v], how)), ["proceed", "v"]);
  const tooLarge = u.envelope?.map((need) => need * 20) ?? null;
  assert.equal(outcome(tryOf([{ ...u, envelope: tooLarge }, v], how)), ["proceed", "v"]);
  const none = decide(tryOf([{ ...u, freed: [1, 1, 0, 0] }], how), nobodyGives);
  assert.equal([none.kind, none.tentative], ["defer", undefined]);
});

test("nobody of a higher class is kept for whom a lower one can go by now", () => {
  const [u, v] = pair(600, 630) as [InstanceInput, InstanceInput];
  const low = { ...v, priority: -1 };
  assert.equal(outcome(tryOf([u, low], { placed: true, tentative: ["u"] })), ["proceed", "v"]);
});

test("whoever of them is not needed any more is spared", () => {
  const [u, v] = pair(630, 600) as [InstanceInput, InstanceInput];
  const both = { placed: true, tentative: ["u", "v"] };
  assert.equal(outcome(tryOf([u, v], both)), ["proceed", "v"]);
  const inputs = tryOf([u, v], both);
  const there = { ...inputs, nodes: [node("a", 8, 4), node("b", 8, 8)] };
  assert.equal(outcome(there), ["proceed"]);
});

test("a requester keeps its node as well, until another one saves enough", () => {
  const at = (uMinutes: number, tentative?: readonly string[]) => {
    const [u, v] = pair(uMinutes, 600) as [InstanceInput, InstanceInput];
    const inputs = tryOf([u, { ...v, nodeId: "b" }], { placed: true });
    const nodes = [node("a", 8, 0), node("b", 8, 0), node("c", 8, 8)];
    const request = reclaim(4, ["a", "b"], { purpose: "requester" });
    return { ...inputs, nodes, request, ...(tentative === undefined ? {} : { tentative }) };
  };
  assert.equal(outcome(at(630)), ["proceed", "v"]);
  assert.equal(outcome(at(630, ["u"])), ["proceed", "u"]);
  assert.equal(outcome(at(900, ["u"])), ["proceed", "v"]);
});

test("what could not be looked at keeps them, what the allocator refuses is meant again", () => {
  const inputs = tryOf(pair(630, 600), { placed: true, tentative: ["u"] });
  const refusal = { code: "ALLOCATOR_REFUSED", text: "no" } as const;
  const refused = decide({ ...inputs, allocatorRefusal: refusal }, nobodyGives);
  assert.equal([refused.kind, refused.tentative], ["defer", ["u"]]);
  const failure = { code: "INPUTS_FAILED", text: "no" } as const;
  const failed = decide({ ...inputs, nodes: [], instances: [], failure }, nobodyGives);
  assert.equal([failed.kind, failed.tentative], ["defer", ["u"]]);
});

test("they survive the process", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const before = new Cluster({ ledger, clock }).node("a", 8).node("b", 2);
  before.tenant("u", "a", { size: 4, need: 4 }).tenant("v", "a", { size: 4, need: 4.01 });
  before.coordinator.submit(reclaim(4, ["a"]));
  const [first] = (await before.after(0)).decisions;
  assert.equal([first?.kind, first?.tentative], ["defer", ["u"]]);
  const victims = async (copy: boolean) => {
    const next = new Cluster({ ledger: copy ? ledger : new MemoryLedger(), clock });
    if (copy) next.allocator.restore();
    else next.node("a", 8).node("b", 2);
    const [u, v] = [{ size: 4, need: 4.01 }, { size: 4 }];
    if (copy) next.know("u", "a", u).know("v", "a", v);
    else next.tenant("u", "a", u).tenant("v", "a", v);
    if (copy) await next.coordinator.recover();
    else next.coordinator.submit(reclaim(4, ["a"]));
    next.allocator.resizeNode("b", [8, 8, 100, 100]);
    return (await next.after(copy ? 20 : 0)).decisions[0]?.victims;
  };
  assert.equal(await victims(false), ["v"], "a fresh request takes the cheaper one");
  assert.equal(await victims(true), ["u"]);
});

test("a kept set covers, keeps the limits, has nobody in vain, no inversion, little dearer", () => {
  const counts = { kept: 0, cheaper: 0 };
  fc.assert(
    fc.property(fc.nat({ max: 100_000 }), fc.integer({ min: 0, max: 60 }), (seed, percent) => {
      const before = tiedProblem(seed);
      const chosen = selectVictims(before);
      const problem = {
        ...before,
        candidates: before.candidates.map(noisy(percent / 100, seed)),
      };
      const fresh = selectVictims(problem);
      if (!chosen.covered || !fresh.covered) return;
      const ids = chosen.victims.map(({ input }) => input.instanceId);
      if (fresh.victims.every(({ input }) => ids.includes(input.instanceId))) return;
      const kept = keptCover(ids, fresh, { problem, savingRatio: SAVING });
      counts[kept === undefined ? "cheaper" : "kept"]++;
      if (kept !== undefined) checkKept(kept, fresh, problem);
    }),
    { numRuns: 2000 },
  );
  assert.ok(counts.kept > counts.cheaper, `${counts.kept} were kept, ${counts.cheaper} not`);
});

/** The same instance with another cost, some of which have gone up and others down. */
function noisy(by: number, seed: number): (candidate: Candidate, index: number) => Candidate {
  return (candidate, index) => {
    const share = (((index + seed) * 7919) % 1000) / 1000;
    return { ...candidate, cost: candidate.cost * (1 + by * (share - 0.5)) };
  };
}

function checkKept(kept: Cover, fresh: Cover, problem: CoverProblem): void {
  const left = (victims: readonly Candidate[]) =>
    problem.needed.map((amount, resource) =>
      victims.reduce((sum, { input }) => sum - (input.freed[resource] ?? 0), amount),
    );
  const covers = (victims: readonly Candidate[]) => left(victims).every((amount) => amount <= 0);
  assert.ok(covers(kept.victims));
  assert.equal(
    kept.spare,
    left(kept.victims).map((amount) => Math.max(0, -amount)),
  );
  const groups = new Map<string, number>();
  for (const victim of kept.victims) {
    const { groupId } = victim.input;
    groups.set(groupId, (groups.get(groupId) ?? 0) + 1);
    assert.ok((groups.get(groupId) ?? 0) <= problem.budgets.left(groupId), "budget");
    assert.not.ok(covers(kept.victims.filter((each) => each !== victim)), "in vain");
  }
  assert.equal(inversionsOf(problem, kept), []);
  assert.not.ok(isWorthChanging(kept.victims, fresh.victims, SAVING));
  const tops = [kept, fresh].map(({ victims }) => Math.max(...victims.map((v) => v.priority)));
  assert.is(tops[0], tops[1]);
  for (const { priority, cost, bound } of kept.bounds) {
    const own = kept.victims.filter((each) => each.priority === priority);
    const sum = own.reduce((total, each) => total + each.cost, 0);
    assert.ok(Math.abs(cost - sum) <= 1e-9 * (1 + sum) && bound <= cost + 1e-9);
  }
}

test("the highest class in which the costs differ decides, and by how much they do", () => {
  const of = (...costs: readonly (readonly [number, number])[]): Candidate[] =>
    costs.map(([priority, cost], index) => {
      const [candidate] = tiedProblem(1).candidates;
      assert.ok(candidate);
      const instanceId = `i${index}`;
      return { ...candidate, input: { ...candidate.input, instanceId }, priority, cost };
    });
  assert.is(isWorthChanging(of([2, 10], [1, 1]), of([2, 9.1]), 0.1), false);
  assert.is(isWorthChanging(of([2, 10], [1, 1]), of([2, 8.9], [1, 9]), 0.1), true);
  assert.is(isWorthChanging(of([2, 10], [1, 5]), of([2, 10], [1, 4]), 0.1), true);
  assert.is(isWorthChanging(of([2, 10]), of([1, 50]), 0.1), true);
  assert.is(isWorthChanging(of([1, 50]), of([2, 1]), 0.1), false);
  assert.is(isWorthChanging(of([2, 10]), of([2, 10]), 0), false);
});

test.run();
