import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord } from "../../host/coordinator/decision.js";
import type { AskDonors, PlanInputs } from "../../host/coordinator/inputs.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { whatIf } from "../../host/coordinator/what-if.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import type { DecisionRecord } from "../../host/ledger/records.js";
import { RepriseError } from "../../host/lib/errors.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";

const test = suite("coordinator/what-if");
const nobodyGives: AskDonors = () => [];

function recordOf(inputs: PlanInputs, ask = nobodyGives): DecisionRecord {
  return JSON.parse(canonicalJson(decisionRecord(decide(inputs, ask), { decisionId: "d" })));
}

/** The dear one is of the lower class; the cheap one has just started. */
function twoCandidates(): PlanInputs {
  const low = instance("low", "a", { size: 4, priority: 1 });
  const high = instance("high", "a", { size: 4, priority: 2, launchedMs: NOW - 10 * MINUTE_MS });
  return inputsOf(reclaim(4, ["a"]), [node("a", 8, 0), node("b", 8, 8)], [low, high]);
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RepriseError) return error.code;
    throw error;
  }
  return "none";
}

test("another victim, when the first may not go or stands higher", () => {
  const record = recordOf(twoCandidates());
  assert.equal(record.victims, ["low"]);
  for (const [key, value] of [
    ["instance.low.interruptible", "false"],
    ["instance.low.priority", "3"],
    ["instance.high.priority", "0"],
  ] as const) {
    const told = whatIf(record, key, value);
    assert.equal([told.decision.victims, told.same], [["high"], false], key);
    assert.equal([told.addedVictims, told.sparedVictims], [["high"], ["low"]], key);
  }
  assert.is(whatIf(record, "instance.low.priority", "3").was, 1);
  const longer = whatIf(record, "policy.minRunMinutes", "60");
  assert.equal([longer.was, longer.is, longer.same], [5, 60, true]);
});

test("less room defers, more room spares, a lower limit leaves nobody", () => {
  const record = recordOf(twoCandidates());
  const full = whatIf(record, "node.b.cpu", "-8");
  assert.is(full.decision.kind, "defer");
  assert.equal(
    [full.was, full.is],
    [
      [8, 8, 8],
      [0, 0, 0],
    ],
  );
  const roomy = whatIf(shortOfMemory(record), "node.a.memory", "4");
  assert.equal(roomy.decision.victims, []);
  assert.equal(whatIf(record, "request.priorityMax", "0").decision.kind, "refuse");
  const { instances, ...rest } = twoCandidates();
  const young = instances.map((each) => ({ ...each, launchedMs: NOW - 2 * MINUTE_MS }));
  const forced = recordOf({
    ...rest,
    request: reclaim(8, ["a"], { deadlineMs: NOW + MINUTE_MS }),
    instances: [...instances.slice(0, 1), ...young.slice(1)],
  });
  assert.is(forced.kind, "defer");
  assert.equal(whatIf(forced, "request.force", "true").decision.victims, ["low"]);
});

/** The same, when only memory is short. */
function shortOfMemory(record: DecisionRecord): DecisionRecord {
  const inputs = record.inputs as PlanInputs;
  return recordOf({ ...inputs, request: reclaim(4, ["a"], { amounts: [0, 4, 0, 0] }) });
}

test("with nothing changed nothing differs, neighbours' answers are those of the record", () => {
  const ask: AskDonors = ({ nodeId, missing, exclude }) =>
    exclude?.has("d") === true
      ? []
      : [{ donorId: "d", nodeId, given: missing.map((m, r) => Math.min(m, r)), floor: [0] }];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 8 }), (cores, room) => {
      const base = twoCandidates();
      const nodes = [node("a", 8, 0), node("b", 8, room)];
      const record = recordOf({ ...base, request: reclaim(cores, ["a"]), nodes }, ask);
      const told = whatIf(record, "amount.cpu", String(cores));
      assert.equal([told.same, told.guessCount], [true, 0]);
      assert.equal([told.addedVictims, told.sparedVictims], [[], []]);
    }),
    { numRuns: 100 },
  );
  const record = recordOf(twoCandidates(), ask);
  assert.ok(whatIf(record, "amount.cpu", "5").guessCount > 0);
});

test("a key that there is not, or a value that cannot be, is refused", () => {
  const record = recordOf(twoCandidates());
  for (const [key, value, code] of [
    ["nothing", "1", "ERR_ARGUMENT"],
    ["request.kind", "1", "ERR_ARGUMENT"],
    ["instance.low.freed", "1", "ERR_ARGUMENT"],
    ["instance.low.priority", "high", "ERR_ARGUMENT"],
    ["instance.low.interruptible", "1", "ERR_ARGUMENT"],
    ["node.a.gpu", "1", "ERR_ARGUMENT"],
    ["node.a.cpu", "", "ERR_ARGUMENT"],
    ["node.z.cpu", "1", "ERR_UNKNOWN_ID"],
    ["instance.z.priority", "1", "ERR_UNKNOWN_ID"],
    ["policy.noSuch", "1", "ERR_CONFIG"],
    ["policy.coolDownMinutes", "-1", "ERR_CONFIG"],
  ] as const) {
    assert.is(
      codeOf(() => whatIf(record, key, value)),
      code,
      key,
    );
  }
});

test.run();
