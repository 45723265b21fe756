import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide } from "../../host/coordinator/decision.js";
import { DonorBounds } from "../../host/coordinator/donor-bounds.js";
import type { AskDonors, PlanInputs } from "../../host/coordinator/inputs.js";
import { owedBy, withLessRoom } from "../../host/coordinator/less-room.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { RepriseError } from "../../host/lib/errors.js";
import { envelopeOf, inputsOf, instance, NOW, node, reclaim } from "./cases.js";

const test = suite("coordinator/forced-plans");
const nobodyGives: AskDonors = () => [];

/** One of the lowest class whose restart has no place, and a higher one whose restart has. */
function dilemma(force: boolean, deadlineMs: number): PlanInputs {
  const low = instance("low", "a", {
    priority: 0,
    size: 4,
    envelope: envelopeOf([12, 1, 0, 0]),
  });
  const high = instance("high", "a", { priority: 1, size: 4, envelope: envelopeOf([1, 1, 0, 0]) });
  const request = reclaim(4, ["a"], { force, deadlineMs });
  return inputsOf(request, [node("a", 8, 0), node("b", 8, 8), node("c", 8, 8)], [low, high]);
}

function victimsOf(inputs: PlanInputs): string[] {
  const { proposal } = decide(inputs, nobodyGives);
  return proposal.placements.map(({ candidate }) => candidate.input.instanceId);
}

test("without force nobody is interrupted whose restart has no place", () => {
  assert.equal(victimsOf(dilemma(false, NOW + 10 * MINUTE_MS)), ["high"]);
});

test("with force a higher class is not touched for the sake of a lower one's restart", () => {
  const early = decide(dilemma(true, NOW + 10 * MINUTE_MS), nobodyGives);
  assert.is(early.kind, "defer");
  assert.equal(
    early.reasons.map(({ code }) => code),
    ["NO_ROOM_CPU"],
  );
  assert.is(early.retryAtMs, NOW + 9 * MINUTE_MS);
  const due = decide(dilemma(true, NOW + MINUTE_MS), nobodyGives);
  assert.is(due.kind, "proceed");
  assert.equal(victimsOf(dilemma(true, NOW + MINUTE_MS)), ["low"]);
  assert.equal(
    due.reasons.map(({ code }) => code),
    ["FORCED_SHORTFALL"],
  );
});

test("of two under force the one goes whose restart lacks less, if short minutes count", () => {
  const request = reclaim(4, ["a"], { force: true, deadlineMs: NOW + MINUTE_MS });
  const long = instance("long", "a", {
    size: 4,
    keepCores: 2,
    envelope: envelopeOf([12, 1, 0, 0]),
  });
  const brief = { ...long, instanceId: "short", envelope: envelopeOf([9, 1, 0, 0]) };
  // Nothing above the steady need, so that the surge costs neither of them anything.
  const pair = [long, brief].map((each) => ({ ...each, keepCores: 12 }));
  const inputs = inputsOf(request, [node("a", 8, 0), node("b", 8, 8)], pair);
  const weighing = (sloWeight: number) =>
    victimsOf({ ...inputs, policy: { ...inputs.policy, missWeight: 0, sloWeight } });
  assert.equal([weighing(0), weighing(1)], [["long"], ["short"]]);
});

test("a forced restart that has no whole place gets what neighbours can give of it", () => {
  const victim = instance("v", "a", { size: 4, envelope: envelopeOf([12, 1, 0, 0]) });
  const request = reclaim(4, ["a"], { force: true, deadlineMs: NOW + MINUTE_MS });
  const ask: AskDonors = ({ nodeId, missing, partial, exclude }) =>
    partial === true && nodeId === "b" && exclude?.has("d") !== true
      ? [
          {
            donorId: "d",
            nodeId,
            given: missing.map((m, r) => (r === 0 ? Math.min(m, 2) : 0)),
            floor: [],
          },
        ]
      : [];
  const inputs = inputsOf(request, [node("a", 8, 0), node("b", 8, 8)], [victim]);
  const { proposal } = decide(inputs, ask);
  const [placement] = proposal.placements;
  assert.is(placement?.nodeId, "b");
  assert.is(placement?.amounts[0], 10);
  assert.is(placement?.missing[0], 2);
  assert.equal(
    placement?.shrinks.map(({ donorId }) => donorId),
    ["d"],
  );
});

test("what neighbours can give at most is asked once a node, without those who give already", () => {
  let asked = 0;
  const bounds = new DonorBounds(({ nodeId }) => {
    asked++;
    return ["d", "e"].map((donorId) => ({ donorId, nodeId, given: [1, 2, 0, 0], floor: [] }));
  });
  assert.equal(bounds.atMost("a", new Set()), [2, 4, 0, 0]);
  assert.equal(bounds.atMost("a", new Set(["d"])), [1, 2, 0, 0]);
  assert.is(asked, 1);
});

test("the allocator's lack is less room for the next plan; another error is none", () => {
  const lack = { got: [0, 0.5, 0, 0], nodeId: "a" };
  const owed = owedBy(new RepriseError("ERR_NO_ROOM", "node a lacks 0.5 memory", lack));
  assert.equal(owed, { nodeId: "a", amounts: [0, 0.5, 0, 0] });
  const inputs = inputsOf(reclaim(1, ["a"]), [node("a", 8, 4), node("b", 8, 4)], []);
  const less = withLessRoom(inputs, { nodeId: "a", amounts: [0, 0.5, 0, 0] }, 2);
  assert.equal(less.nodes[0]?.room, [4, 4, 4, 3, 3, 3, 100, 100, 100, 100, 100, 100]);
  assert.is(less.nodes[1], inputs.nodes[1]);
  assert.is(owedBy(new RepriseError("ERR_STATE", "gone")), undefined);
  assert.is(owedBy(new RepriseError("ERR_NO_ROOM", "no node")), undefined);
});

test.run();
