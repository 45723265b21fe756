import { test } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import {
  cycleClosedBy,
  displacementChanges,
  pastDisplacements,
} from "../../host/coordinator/displacements.js";
import { HOUR_MS } from "../../host/coordinator/policy.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";

/** `requester` wants the room that `holder` has; what is decided goes to the ledger. */
function round(ledger: MemoryLedger, requester: string, holder: string, nowMs: number) {
  const request = reclaim(4, ["a"], { purpose: "requester", requesterId: requester });
  const inputs = inputsOf(
    { ...request, deadlineMs: nowMs + HOUR_MS },
    [node("a", 4, 0), node("b", 16, 16)],
    [instance(holder, "a", { size: 4 })],
    { nowMs, displacements: pastDisplacements(ledger) },
  );
  const record = decisionRecord(
    decide(inputs, () => []),
    { decisionId: "d" },
  );
  assert.equal(replayDecision(record), record);
  ledger.commit(displacementChanges(ledger, record, request));
  return record;
}

test("two that take turns in displacing each other stop in the second round, the circle named", () => {
  const ledger = new MemoryLedger();
  const first = round(ledger, "a", "b", NOW);
  assert.is(first.kind, "proceed");
  assert.equal(pastDisplacements(ledger), [{ by: "a", victim: "b", timeMs: NOW }]);
  const second = round(ledger, "b", "a", NOW + HOUR_MS);
  assert.is(second.kind, "defer");
  assert.is(second.candidates[0]?.excludedBy, "DISPLACEMENT_CYCLE");
  const reason = second.reasons.find(({ code }) => code === "DISPLACEMENT_CYCLE");
  assert.match(reason?.text ?? "", /would close a circle of displacements: b by a by b/);
  assert.is(round(ledger, "a", "c", NOW + HOUR_MS).kind, "proceed", "others are not held back");
  assert.is(round(ledger, "b", "a", NOW + 5 * HOUR_MS).kind, "proceed", "it is forgotten");
});

test("a circle over three is found, and one that time has opened is not", () => {
  const past = [
    { by: "a", victim: "b", timeMs: NOW - HOUR_MS },
    { by: "b", victim: "c", timeMs: NOW },
  ];
  const cycle = cycleClosedBy(past, NOW, { requester: "c", victim: "a" });
  assert.equal(cycle, { path: ["c", "b", "a", "c"], untilMs: NOW + 3 * HOUR_MS });
  assert.is(cycleClosedBy(past, NOW, { requester: "a", victim: "c" }), undefined);
  assert.is(cycleClosedBy(past, NOW + 3 * HOUR_MS, { requester: "c", victim: "a" }), undefined);
});

test.run();
