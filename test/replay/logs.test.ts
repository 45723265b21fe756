import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatReplay } from "../../host/cli/replay-table.js";
import type { DecisionRecord, ReasonCode, ReservationRecord } from "../../host/ledger/records.js";
import { DecisionLog } from "../../host/replay/decision-log.js";
import { LeaseLog } from "../../host/replay/lease-log.js";
import { planScenario } from "../../host/replay/plan-scenario.js";
import { PriorityOnlyPolicy } from "../../host/replay/priority-only.js";
import { describeInput, NOTES } from "../../host/replay/report.js";
import { runPolicy } from "../../host/replay/run-policy.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";
import { UsageBoard } from "../../host/replay/usage-board.js";

const test = suite("logs and report of the replay");

function decision(requestId: string, kind: DecisionRecord["kind"], code?: ReasonCode) {
  return {
    decisionId: "d",
    requestId,
    kind,
    decidedMs: 1,
    reasons: code === undefined ? [] : [{ code, text: "" }],
    retryAtMs: 2,
    victims: [],
    candidates: [],
    inputsHash: "",
    inputs: null,
    modelVersion: "",
  } satisfies DecisionRecord;
}

test("counts deferrals, and those whose first retry was right", () => {
  const log = new DecisionLog();
  log.add(decision("at once", "proceed"));
  log.add(decision("first", "defer"));
  log.add(decision("first", "proceed"));
  log.add(decision("second", "defer"));
  log.add(decision("second", "defer"));
  log.add(decision("second", "proceed"));
  log.add(decision("forced", "defer"));
  log.add(decision("forced", "proceed", "FORCED_SHORTFALL"));
  log.add(decision("never", "defer"));
  log.add(decision("never", "refuse"));
  log.add(decision("open", "defer"));
  assert.equal(log.counts, {
    deferrals: 6,
    deferredRequests: 5,
    grantedAtFirstRetry: 1,
    grantedByRetryAt: 2,
    missedRetryAt: 1,
    forcedDeferred: 1,
    namedMinutes: 1 / 60_000,
    waitedMinutes: 0,
    refusals: 1,
    forced: 1,
  });
});

test("a request that was tried at its retryAt and deferred again missed it, once", () => {
  const log = new DecisionLog();
  const early = decision("late", "defer");
  log.add(early);
  log.add({ ...early, decidedMs: 2, retryAtMs: 9 });
  log.add({ ...early, decidedMs: 3, retryAtMs: 9 });
  log.add(decision("late", "proceed"));
  const { grantedByRetryAt, missedRetryAt, forcedDeferred } = log.counts;
  assert.equal([grantedByRetryAt, missedRetryAt, forcedDeferred], [0, 1, 0]);
});

function lease(reservationId: string, state: ReservationRecord["state"], cpu: number) {
  return {
    reservationId,
    ownerId: reservationId.startsWith("hold") ? "hold/x" : "vm",
    instanceId: "vm",
    nodeId: "a",
    groupId: "g",
    amounts: [cpu, 2 * cpu, cpu, ...new Array<number>(9).fill(9)],
    state,
    fencingToken: 1,
    createdMs: 0,
    expectedRestartMs: 0,
    expiresMs: 1,
    shrinks: [],
  } satisfies ReservationRecord;
}

test("tells used leases from unused ones, and what those kept from others", () => {
  const log = new LeaseLog();
  const isRestart = ({ ownerId }: ReservationRecord) => ownerId === "vm";
  log.look([lease("a", "held", 1), lease("b", "held", 1.5), lease("hold", "held", 9)], isRestart);
  log.look([lease("a", "claimed", 1), lease("b", "held", 1.5), lease("c", "held", 2)], isRestart);
  log.look([lease("c", "held", 2), lease("d", "held", 2)], isRestart);
  log.used("d");
  log.look([lease("c", "held", 2)], isRestart);
  assert.equal(log.counts, { made: 4, used: 2, unused: 1, open: 1, unusedCoreHours: 6 / 60 });
});

test("adds up what runs on a node, and follows who moves", () => {
  const places = new Map([
    ["x", "a"],
    ["y", "a"],
  ]);
  const board = new UsageBoard((id) => places.get(id));
  board.note({ instanceId: "x", timeMs: 1, cpuCores: 1, memoryGiB: 2 });
  board.note({ instanceId: "y", timeMs: 1, cpuCores: 0.5, disk: 3 });
  assert.equal(board.nodeUsage("a"), [1.5, 2, 0, 3]);
  places.set("y", "b");
  board.refresh();
  assert.equal(board.nodeUsage("a"), [1, 2, 0, 0]);
  assert.equal(board.nodeUsage("b"), [0.5, 0, 0, 3]);
  board.forget("x");
  assert.is(board.nodeUsage("a"), undefined);
  assert.is(board.instanceUsage("x"), undefined);
});

test("the table has one column a policy and a dash where nothing is known", async () => {
  const folder = openTraceFolder(undefined);
  const scenario = await planScenario(folder, { seed: 1, days: 0.05, vmCount: 6 });
  const calm = { ...scenario, capacityEvents: [], planned: [] };
  const report = await runPolicy(
    calm,
    async (clock) => new PriorityOnlyPolicy(calm, clock, "p95"),
    () => {},
  );
  const input = describeInput(scenario, true);
  assert.equal([input.vms, input.vmsNeverTrainedOn, input.nodes], [6, 6, 3]);
  const text = formatReplay({
    input,
    modelVersion: "none",
    policies: [report, { ...report, policy: "other" }],
    notes: NOTES,
    timing: { totalSeconds: 1, workers: 0, secondsByPolicy: {} },
  });
  const lines = text.split("\n");
  assert.ok(lines.some((line) => /^ +priority-only-p95 +other$/.test(line)));
  assert.ok(lines.some((line) => /^cpu: need covered +- +-$/.test(line)));
  assert.ok(lines.some((line) => /^restarts granted +0 +0$/.test(line)));
  assert.ok(text.includes(NOTES[0] ?? "?"));
});

test.run();
