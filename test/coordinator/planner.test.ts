import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import type { AskDonors, InstanceInput, PlanInputs } from "../../host/coordinator/inputs.js";
import { DEFAULT_POLICY, HOUR_MS, MINUTE_MS } from "../../host/coordinator/policy.js";
import { leaseSpans } from "../../host/coordinator/rooms.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import {
  codes,
  envelopeOf,
  inputsOf,
  instance,
  interruption,
  NOW,
  nobodyGives,
  node,
  reclaim,
  victimsOf,
} from "./cases.js";

const test = suite("planner");

test("room that is there already needs no victim", () => {
  const inputs = inputsOf(reclaim(4, ["a"]), [node("a", 8, 4)], [instance("i", "a")]);
  const verdict = decide(inputs, nobodyGives);
  assert.is(verdict.kind, "proceed");
  assert.equal(victimsOf(inputs), []);
  assert.equal(verdict.proposal.holds, [{ nodeId: "a", amounts: [4, 4, 0, 0], shrinks: [] }]);
});

test("the lowest class that suffices is touched, however dear", () => {
  const low = ["l1", "l2"].map((id) => instance(id, "a", { priority: 1, size: 4 }));
  const high = instance("h", "a", { priority: 2, size: 8 });
  const inputs = inputsOf(reclaim(8, ["a"]), [node("a", 16, 0), node("b", 16, 16)], [high, ...low]);
  assert.equal(victimsOf(inputs), ["l1", "l2"]);
});

test("a higher class is touched only for what the lower ones cannot give", () => {
  const low = instance("l", "a", { priority: 1, size: 4 });
  const high = ["h1", "h2"].map((id) => instance(id, "a", { priority: 2, size: 4 }));
  const nodes = [node("a", 16, 0), node("b", 16, 16)];
  assert.equal(victimsOf(inputsOf(reclaim(8, ["a"]), nodes, [...high, low])), ["h1", "l"]);
  const capped = reclaim(8, ["a"], { priorityMax: 1 });
  assert.equal(codes(inputsOf(capped, nodes, [...high, low])), ["refuse", "PRIORITY_TOO_HIGH"]);
});

test("nobody is interrupted beyond what is needed (reverse delete)", () => {
  const sizes = [1, 1, 1, 6];
  const all = sizes.map((size, index) => instance(`i${index}`, "a", { size }));
  const nodes = [node("a", 16, 0), node("b", 16, 16)];
  assert.equal(victimsOf(inputsOf(reclaim(6, ["a"]), nodes, all)), ["i3"]);
});

test("a cheap first choice that a later one makes needless is spared again", () => {
  const cheap = instance("cheap", "a", { size: 4, launchedMs: NOW - 6 * MINUTE_MS });
  const whole = instance("whole", "a", { size: 6 });
  const nodes = [node("a", 16, 0), node("b", 16, 16)];
  const inputs = inputsOf(reclaim(6, ["a"]), nodes, [cheap, whole]);
  assert.equal(victimsOf(inputs), ["whole"]);
  const record = decisionRecord(decide(inputs, nobodyGives), { decisionId: "d", planId: "p" });
  assert.is(record.runnerUp, "cheap");
});

test("what a higher class has to give anyway is not taken from lower ones as well", () => {
  const low = ["l1", "l2"].map((id) => instance(id, "a", { priority: 1, size: 2 }));
  const high = instance("h", "a", { priority: 2, size: 6 });
  const nodes = [node("a", 16, 0), node("b", 16, 16)];
  assert.equal(victimsOf(inputsOf(reclaim(7, ["a"]), nodes, [high, ...low])), ["h", "l1"]);
});

test("a place that may be lost before the restart is not enough, a second one is", () => {
  const victim = instance("v", "a", { size: 4 });
  const policy = { ...DEFAULT_POLICY, nodeLossPerHour: 0.2 };
  const one = inputsOf(interruption("v"), [node("a", 8, 0)], [victim], { policy });
  const verdict = decide(one, nobodyGives);
  assert.is(verdict.kind, "defer");
  assert.match(verdict.reasons[0]?.text ?? "", /with a chance of only 0\.8/);
  const two = inputsOf(interruption("v"), [node("a", 8, 0), node("b", 8, 4)], [victim], { policy });
  const better = decide(two, nobodyGives);
  assert.is(better.kind, "proceed");
  assert.ok((better.proposal.placements[0]?.availability ?? 0) > 0.9);
});

test("a lease may be under way in every band from its restart to its latest end", () => {
  assert.equal(leaseSpans(0, 15), [[0, 1], [1, 2], [2]]);
  assert.equal(leaseSpans(10, 15), [[1, 2], [1, 2], [2]]);
  assert.equal(leaseSpans(0, 0), [[0], [1], [2]]);
  assert.equal(leaseSpans(90, 15), [[2], [2], [2]]);
});

test("room that is free only later is room for a restart that is due later", () => {
  const victim = instance("v", "a", { size: 4, envelope: envelopeOf([6, 6, 0, 0]) });
  const busy = { ...node("a", 8, 2), room: [-2, 2, 2, -2, 2, 2, 50, 50, 50, 50, 50, 50] };
  assert.is(decide(inputsOf(interruption("v"), [busy], [victim]), nobodyGives).kind, "proceed");
  const soon = { ...victim, outageMinutes: 0 };
  assert.is(decide(inputsOf(interruption("v"), [busy], [soon]), nobodyGives).kind, "defer");
});

test("the freed room serves the requester first; the restart gets only what is left", () => {
  const victim = instance("v", "a", { size: 4 });
  const gone = inputsOf(reclaim(4, ["a"]), [node("a", 4, 0)], [victim]);
  assert.equal(codes(gone).slice(0, 2), ["defer", "NO_ROOM_CPU"]);
  const left = inputsOf(reclaim(2, ["a"]), [node("a", 4, 0)], [victim]);
  const verdict = decide(left, nobodyGives);
  assert.is(verdict.kind, "proceed");
  assert.is(verdict.proposal.placements[0]?.nodeId, "a");
});

test("a victim whose restart has no place is spared for one whose restart has", () => {
  const wide = instance("wide", "a", { size: 4, envelope: bigEnvelope() });
  const slim = instance("zslim", "a", { size: 4, launchedMs: NOW - 20 * HOUR_MS });
  const nodes = [node("a", 8, 0), node("b", 8, 3)];
  const inputs = inputsOf(reclaim(4, ["a"]), nodes, [wide, slim]);
  assert.equal(victimsOf(inputs), ["zslim"]);
  const record = decisionRecord(decide(inputs, nobodyGives), { decisionId: "d", planId: "p" });
  const score = record.candidates.find(({ instanceId }) => instanceId === "wide");
  assert.is(score?.chosen, false);
});

test("many without a place are left out in few rounds, as one by one in an older record", () => {
  // Thirty would be cheaper, and have no place; the next three have one each.
  const manyGiB = envelopeOf([1, 50, 0, 0]);
  const wide = Array.from({ length: 30 }, (_, index) =>
    instance(`wide-${10 + index}`, "a", { size: 4, envelope: manyGiB, checkpointMs: NOW }),
  );
  const slim = Array.from({ length: 3 }, (_, index) =>
    instance(`zslim-${index}`, "a", { size: 4 }),
  );
  const nodes = [node("a", 132, 0), node("b", 8, 2), node("c", 8, 2), node("d", 8, 2)];
  const indifferent = { ...DEFAULT_POLICY, missWeight: 0, sloWeight: 0 };
  const inputs = inputsOf(reclaim(12, ["a"]), nodes, [...wide, ...slim], { policy: indifferent });
  const decided = (policy: PlanInputs["policy"]) => decide({ ...inputs, policy }, nobodyGives);
  const { singleDropRounds: _, ...older } = inputs.policy;
  const before = decided(older as PlanInputs["policy"]);
  const now = decided(inputs.policy);
  const victims = ({ proposal }: typeof now) =>
    proposal.placements.map(({ candidate }) => candidate.input.instanceId).sort();
  assert.equal(victims(now), ["zslim-0", "zslim-1", "zslim-2"]);
  assert.equal(victims(before), victims(now));
  assert.is(now.proposal.unplaced.length, 30);
  assert.is(before.proposal.unplaced.length, 30);
  const record = decisionRecord(before, { decisionId: "d", planId: "p" });
  assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
  // No more than 32 are left out, however they are counted.
  const more = [...wide, ...slim].flatMap((each) =>
    [0, 1].map((copy) => ({ ...each, instanceId: `${each.instanceId}-${copy}` })),
  );
  const nowhere = [node("a", 264, 0)];
  const hopeless = inputsOf(reclaim(20, ["a"]), nowhere, more, { policy: indifferent });
  assert.is(decide(hopeless, nobodyGives).proposal.unplaced.length, 32);
});

function bigEnvelope(): number[] {
  return new Array<number>(48).fill(0).map((_, row) => (row < 24 ? 50 : 0));
}

test("a requester has to fit on one node; capacity may leave several", () => {
  const nodes = [node("a", 8, 2), node("b", 8, 2), node("c", 8, 8)];
  const spread = inputsOf(reclaim(4, ["a", "b"]), nodes, []);
  assert.equal(
    decide(spread, nobodyGives).proposal.holds.map(({ nodeId, amounts }) => [nodeId, amounts[0]]),
    [
      ["a", 2],
      ["b", 2],
    ],
  );
  const whole = reclaim(4, ["a", "b"], { purpose: "requester" });
  assert.is(decide(inputsOf(whole, nodes, []), nobodyGives).kind, "defer");
  const victim = instance("v", "b", { size: 2 });
  const helped = decide(inputsOf(whole, nodes, [victim]), nobodyGives);
  assert.is(helped.kind, "proceed");
  assert.is(helped.proposal.holds[0]?.nodeId, "b");
  assert.is(helped.proposal.placements[0]?.nodeId, "a");
});

test("neighbours shrink before anyone is interrupted", () => {
  const donor = instance("d", "a", { size: 4, shrinkable: [2, 2, 0, 0] });
  const ask: AskDonors = ({ nodeId, missing }) =>
    (missing[0] ?? 0) <= 2 && nodeId === "a"
      ? [{ donorId: "d", nodeId, given: [...missing], floor: [2, 2, 0, 0] }]
      : [];
  const inputs = inputsOf(reclaim(2, ["a"]), [node("a", 8, 0), node("b", 8, 8)], [donor]);
  const verdict = decide(inputs, ask);
  assert.equal(victimsOf(inputs, ask), []);
  assert.equal(
    verdict.proposal.holds[0]?.shrinks.map(({ donorId }) => donorId),
    ["d"],
  );
  assert.equal(victimsOf(inputs), ["d"]);
});

test("neighbours keep what victims, who come whole, have made needless", () => {
  // 7 are needed: three neighbours would give 1 each, the victim frees 6.
  const donors = ["d1", "d2", "d3"].map((id) =>
    instance(id, "a", { priority: 200, shrinkable: [1, 1, 0, 0] }),
  );
  const victim = instance("v", "a", { size: 6 });
  const ask: AskDonors = ({ nodeId, partial }) =>
    partial === true
      ? donors.map(({ instanceId }) => ({
          donorId: instanceId,
          nodeId,
          given: [1, 1, 0, 0],
          floor: [instanceId === "d2" ? 3 : 1, 1, 0, 0],
        }))
      : [];
  const inputs = inputsOf(
    reclaim(7, ["a"]),
    [node("a", 12, 0), node("b", 8, 8)],
    [victim, ...donors],
  );
  const { proposal } = decide(inputs, ask);
  assert.equal(
    proposal.placements.map(({ candidate }) => candidate.input.instanceId),
    ["v"],
  );
  const shrinks = proposal.holds.flatMap((hold) => hold.shrinks);
  assert.equal(shrinks, [{ donorId: "d2", nodeId: "a", given: [1, 1, 0, 0], floor: [3, 1, 0, 0] }]);
  assert.is(proposal.donorCount, 1);
  assert.is(proposal.donorCountMin, 1);
});

test("neighbours shrink for a restart that has no place otherwise", () => {
  const victim = instance("v", "a", { size: 4, groupId: "g" });
  const ask: AskDonors = ({ nodeId, groupId, missing, exclude, partial }) => {
    // Partly is what could be given at most, by anybody.
    if (partial === true) return [{ donorId: "d", nodeId, given: [1, 1, 0, 0], floor: [] }];
    assert.is(groupId, "g");
    assert.ok(exclude?.has("v"));
    return [{ donorId: "d", nodeId, given: [...missing], floor: [0, 0, 0, 0] }];
  };
  const inputs = inputsOf(interruption("v"), [node("a", 8, -3)], [victim]);
  assert.is(decide(inputs, nobodyGives).kind, "defer");
  const verdict = decide(inputs, ask);
  assert.is(verdict.kind, "proceed");
  assert.equal(verdict.proposal.placements[0]?.shrinks[0]?.given, [1, 1, 0, 0]);
});

const world = fc.record({
  cores: fc.integer({ min: 1, max: 24 }),
  rooms: fc.array(fc.integer({ min: -2, max: 12 }), { minLength: 1, maxLength: 5 }),
  sizes: fc.array(
    fc.record({
      size: fc.integer({ min: 1, max: 8 }),
      at: fc.nat(4),
      priority: fc.integer({ min: 0, max: 3 }),
      ageMinutes: fc.integer({ min: 0, max: 600 }),
      group: fc.nat(3),
      gives: fc.boolean(),
    }),
    { maxLength: 14 },
  ),
  purpose: fc.constantFrom("capacity-loss" as const, "requester" as const),
  force: fc.boolean(),
  budget: fc.constantFrom(1, 2, 3, 20),
  remembered: fc.array(fc.nat({ max: 13 }), { maxLength: 5 }),
});

function inputsOfWorld(made: typeof world extends fc.Arbitrary<infer W> ? W : never): PlanInputs {
  const nodeIds = made.rooms.map((_, index) => `n${index}`);
  const instances = made.sizes.map(({ size, at, priority, ageMinutes, group }, index) =>
    instance(`i${index}`, nodeIds[at % nodeIds.length] ?? "n0", {
      size,
      priority,
      groupId: `g${group}`,
      launchedMs: NOW - ageMinutes * MINUTE_MS,
    }),
  );
  const scope = nodeIds.slice(0, 2);
  const request = reclaim(made.cores, scope, {
    purpose: made.purpose,
    force: made.force,
    deadlineMs: made.force ? NOW + MINUTE_MS : NOW + HOUR_MS,
  });
  const base = inputsOf(
    request,
    made.rooms.map((room, index) => node(`n${index}`, 24, room)),
    [],
  );
  const here = instances.filter(({ nodeId }) => scope.includes(nodeId));
  const policy = { ...base.policy, groupBudget: made.budget };
  const tentative = [...new Set(made.remembered)].map((index) => `i${index}`);
  return { ...base, instances: here, policy, ...(tentative.length > 0 ? { tentative } : {}) };
}

const halfGive =
  (inputs: PlanInputs): AskDonors =>
  ({ nodeId, missing, exclude }) =>
    inputs.instances
      .filter((each) => each.nodeId === nodeId && !exclude?.has(each.instanceId))
      .slice(0, 1)
      .map((each) => ({
        donorId: each.instanceId,
        nodeId,
        given: missing.map((amount, r) => Math.min(amount, (each.freed[r] ?? 0) / 2)),
        floor: [0, 0, 0, 0],
      }));

test("any plan: room never below zero, limits held, no inversion, none in vain, replays", () => {
  fc.assert(
    fc.property(world, fc.boolean(), (made, gives) => {
      const inputs = inputsOfWorld(made);
      const verdict = decide(inputs, gives ? halfGive(inputs) : nobodyGives);
      const record = decisionRecord(verdict, { decisionId: "d-1" });
      assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
      const stored = JSON.parse(canonicalJson(record));
      assert.is(canonicalJson(replayDecision(stored)), canonicalJson(record));
      if (verdict.kind === "proceed") checkPlan(inputs, verdict.proposal);
      else assert.ok(verdict.reasons.length > 0);
    }),
    { numRuns: 400 },
  );
});

function checkPlan(inputs: PlanInputs, proposal: ReturnType<typeof decide>["proposal"]): void {
  const room = new Map(inputs.nodes.map(({ nodeId, room: free }) => [nodeId, [...free]]));
  const add = (nodeId: string, amounts: readonly number[], sign: number) =>
    room.get(nodeId)?.forEach((_, column, row) => {
      const amount = amounts.length === 4 ? amounts[Math.floor(column / 3)] : amounts[column];
      row[column] = (row[column] ?? 0) + sign * (amount ?? 0);
    });
  const perGroup = new Map<string, number>();
  const victims = new Set(proposal.placements.map(({ candidate }) => candidate.input.instanceId));
  const original = new Map(inputs.instances.map((each) => [each.instanceId, each]));
  for (const { candidate, shrinks } of proposal.placements) {
    const { instanceId, groupId, nodeId } = candidate.input;
    const input = original.get(instanceId) as InstanceInput;
    add(nodeId, input.freed, 1);
    perGroup.set(groupId, (perGroup.get(groupId) ?? 0) + 1);
    assert.ok(input.launchedMs + 5 * MINUTE_MS <= inputs.nowMs, "minimum run time");
    for (const shrink of shrinks) add(shrink.nodeId, shrink.given, 1);
  }
  for (const [groupId, count] of perGroup) {
    assert.ok(count <= inputs.policy.groupBudget, `budget of ${groupId}`);
  }
  for (const { nodeId, amounts, shrinks } of proposal.holds) {
    for (const shrink of shrinks) {
      assert.not(victims.has(shrink.donorId), "a victim is no donor");
      add(nodeId, shrink.given, 1);
    }
    add(nodeId, amounts, -1);
  }
  for (const { nodeId, amounts } of proposal.placements) add(nodeId, amounts, -1);
  for (const { nodeId, room: before } of inputs.nodes) {
    room.get(nodeId)?.forEach((left, column) => {
      assert.ok(left >= Math.min(0, before[column] ?? 0), `${nodeId} is overcommitted`);
    });
  }
  const request = inputs.request;
  const forced = proposal.reasons.some(({ code }) => code === "FORCED_SHORTFALL");
  if (request.kind !== "reclaim" || forced) return;
  const held = proposal.holds.reduce((sum, { amounts }) => sum + (amounts[0] ?? 0), 0);
  assert.is(held, request.amounts[0], "the requester fits");
  checkNoInversion(inputs, proposal);
}

/** The highest class was needed: all lower ones whose restart has a place free too little. */
function checkNoInversion(
  inputs: PlanInputs,
  proposal: ReturnType<typeof decide>["proposal"],
): void {
  const { request, policy } = inputs;
  if (request.kind !== "reclaim" || policy.groupBudget < inputs.instances.length) return;
  const [first] = proposal.placements;
  if (first === undefined) return;
  const top = Math.max(...proposal.placements.map(({ candidate }) => candidate.priority));
  const unplaced = new Set(proposal.unplaced.map(({ candidate }) => candidate.input.instanceId));
  const scope = request.purpose === "requester" ? [proposal.holds[0]?.nodeId] : request.nodeIds;
  const cores = new Map(inputs.nodes.map(({ nodeId, room }) => [nodeId, room[0] ?? 0]));
  for (const judged of proposal.judged) {
    if ("code" in judged || judged.priority >= top) continue;
    const { instanceId, nodeId, freed } = judged.input;
    if (!unplaced.has(instanceId)) cores.set(nodeId, (cores.get(nodeId) ?? 0) + (freed[0] ?? 0));
  }
  const reached = scope.reduce((sum, nodeId) => sum + (cores.get(nodeId ?? "") ?? 0), 0);
  assert.ok(reached < (request.amounts[0] ?? 0), `class ${top} was touched without need`);
}

test.run();
