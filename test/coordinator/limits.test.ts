import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import type { InstanceInput, PlanInputs } from "../../host/coordinator/inputs.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import {
  codes,
  inputsOf,
  instance,
  interruption,
  NOW,
  nobodyGives,
  node,
  reclaim,
  victimsOf,
} from "./cases.js";

/** What may not be interrupted, and until when; what can never be; what force changes. */
const test = suite("limits");

test("each limit names itself and the time at which it ends", () => {
  const roomy = [node("a", 8, 4)];
  const young = instance("v", "a", { launchedMs: NOW - 2 * MINUTE_MS });
  const run = decide(inputsOf(interruption("v"), roomy, [young]), nobodyGives);
  assert.equal(
    [run.kind, run.reasons[0]?.code, run.retryAtMs],
    ["defer", "MIN_RUN_TIME", NOW + 3 * MINUTE_MS],
  );
  const tired = instance("v", "a", { interruptionsMs: [NOW - 6 * MINUTE_MS] });
  const cool = decide(inputsOf(interruption("v"), roomy, [tired]), nobodyGives);
  assert.equal(
    [cool.kind, cool.reasons[0]?.code, cool.retryAtMs],
    ["defer", "COOL_DOWN", NOW + 54 * MINUTE_MS],
  );
  const down = [1, 2, 3, 4].map((minute) => ({
    groupId: "group-of-v",
    expectedRestartMs: NOW + minute * MINUTE_MS,
  }));
  const spent = decide(
    inputsOf(interruption("v"), roomy, [instance("v", "a")], { down }),
    nobodyGives,
  );
  assert.equal(
    [spent.kind, spent.reasons[0]?.code, spent.retryAtMs],
    ["defer", "GROUP_BUDGET", NOW + MINUTE_MS],
  );
});

test("what can never be is refused at once", () => {
  const roomy = [node("a", 8, 4)];
  const pinned = instance("v", "a", { interruptible: false });
  const cases: (readonly [PlanInputs, string])[] = [
    [inputsOf(interruption("v"), roomy, []), "UNKNOWN_INSTANCE"],
    [inputsOf(interruption("v"), roomy, [instance("v", "a", { up: false })]), "ALREADY_DOWN"],
    [inputsOf(interruption("v"), roomy, [pinned]), "NOT_INTERRUPTIBLE"],
    [inputsOf(reclaim(9, ["a"]), roomy, []), "NO_ROOM_CPU"],
    [inputsOf(reclaim(1, ["z"]), roomy, [], { unknownNodeIds: ["z"] }), "UNKNOWN_SCOPE"],
    [inputsOf(reclaim(5, ["a"]), roomy, [pinned]), "NOT_INTERRUPTIBLE"],
  ];
  for (const [inputs, code] of cases) assert.equal(codes(inputs), ["refuse", code]);
});

test("an unknown prediction is no licence", () => {
  const blind = instance("v", "a", { envelope: null });
  assert.equal(codes(inputsOf(interruption("v"), [node("a", 8, 8)], [blind])), [
    "defer",
    "PROFILE_UNKNOWN",
  ]);
});

test("retryAt is the lease's end after which the plan is feasible, not the first end", () => {
  const victim = instance("v", "a", { size: 4 });
  const ends = [
    { timeMs: NOW + 5 * MINUTE_MS, nodeId: "b", amounts: new Array<number>(12).fill(1) },
    { timeMs: NOW + 9 * MINUTE_MS, nodeId: "b", amounts: new Array<number>(12).fill(1) },
  ];
  const inputs = inputsOf(reclaim(4, ["a"]), [node("a", 4, 0), node("b", 4, 0)], [victim], {
    leaseEnds: ends,
  });
  const verdict = decide(inputs, nobodyGives);
  assert.equal([verdict.kind, verdict.retryAtMs], ["defer", NOW + 9 * MINUTE_MS]);
});

test("force takes somebody back from an hour's rest only when the rested are not enough", () => {
  const at = (id: string, minutesAgo: number): InstanceInput =>
    instance(id, "a", { size: 4, interruptionsMs: [NOW - minutesAgo * MINUTE_MS] });
  const rested = instance("rested", "a", { size: 4 });
  const nodes = [node("a", 8, 0), node("b", 16, 16)];
  const loss = (size: number): PlanInputs => {
    const so = { force: true, deadlineMs: NOW + MINUTE_MS, purpose: "capacity-loss" } as const;
    return inputsOf(reclaim(size, ["a"], so), nodes, [at("cooling", 30), rested]);
  };
  assert.equal(victimsOf(loss(4)), ["rested"]);
  assert.equal(victimsOf(loss(8)), ["cooling", "rested"]);
  const fresh = inputsOf(loss(8).request, nodes, [at("fresh", 6), rested]);
  assert.equal(victimsOf(fresh), ["rested"]);
  const plain = inputsOf(reclaim(8, ["a"]), nodes, [at("cooling", 30), rested]);
  assert.equal(victimsOf(plain), []);
  const verdict = decide(loss(8), nobodyGives);
  const record = decisionRecord(verdict, { decisionId: "d" });
  assert.equal(canonicalJson(replayDecision(record)), canonicalJson(record));
});

test("force waits for its deadline, then proceeds and writes the shortfall", () => {
  const victim = instance("v", "a", { size: 4 });
  const deadlineMs = NOW + 10 * MINUTE_MS;
  const request = reclaim(4, ["a"], { force: true, deadlineMs });
  const nodes = [node("a", 4, 0), node("b", 8, 1)];
  const early = decide(inputsOf(request, nodes, [victim]), nobodyGives);
  assert.is(early.kind, "defer");
  assert.ok((early.retryAtMs ?? 0) <= deadlineMs - MINUTE_MS);
  const nowMs = deadlineMs - MINUTE_MS;
  const late = decide(inputsOf(request, nodes, [victim], { nowMs }), nobodyGives);
  assert.is(late.kind, "proceed");
  const [placement] = late.proposal.placements;
  assert.equal([placement?.nodeId, placement?.amounts[0], placement?.missing[0]], ["b", 1, 1]);
  assert.equal(
    late.reasons.map(({ code }) => code),
    ["FORCED_SHORTFALL"],
  );
  const unforced = reclaim(4, ["a"], { deadlineMs });
  const missed = decide(inputsOf(unforced, nodes, [victim], { nowMs: deadlineMs }), nobodyGives);
  assert.equal([missed.kind, missed.reasons[0]?.code], ["refuse", "DEADLINE_TOO_CLOSE"]);
});

test("a plan that the allocator refused becomes a deferral that says so", () => {
  const inputs = inputsOf(interruption("v"), [node("a", 8, 8)], [instance("v", "a")], {
    allocatorRefusal: { code: "ALLOCATOR_REFUSED", text: "ERR_NO_ROOM" },
  });
  assert.equal(codes(inputs), ["defer", "ALLOCATOR_REFUSED"]);
});

test.run();
