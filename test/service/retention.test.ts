/** The ledger keeps so many decisions and no older ones, and never loses one that is under way. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decisionFacts, keptDecisions, requestKey } from "../../host/ledger/kept.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import type { PlanState } from "../../host/ledger/records.js";
import { pruneDecisions, REMOVED_MAX } from "../../host/service/retention.js";
import { decisionRecord, planRecord } from "../ledger/records.js";
import { ENFORCING, registration, withService } from "./support.js";

const DAY_MS = 86_400_000;
const MANY = { keepDecisions: 100_000, keepDays: 3_650 };

interface Made {
  readonly requestId: string;
  readonly decidedMs: number;
  readonly state?: PlanState;
}

function ledgerOf(made: readonly Made[]): MemoryLedger {
  const ledger = new MemoryLedger();
  made.forEach(({ requestId, decidedMs, state }, index) => {
    const number = String(index).padStart(12, "0");
    const record = { ...decisionRecord(`d-${number}`), requestId, decidedMs };
    ledger.commit([{ table: "decision", key: record.decisionId, put: record }]);
    ledger.commit(decisionFacts(record));
    if (state === undefined) return;
    const plan = { ...planRecord(`p-${number}`), state };
    ledger.commit([{ table: "plan", key: plan.planId, put: plan }]);
  });
  return ledger;
}

const numbersIn = (ledger: MemoryLedger) =>
  [...ledger.entries("decision")].map(([key]) => Number(key.slice(2)));

test("beyond the count the oldest go, with their plans and what points to them", () => {
  const ledger = ledgerOf([
    { requestId: "a", decidedMs: 1, state: "done" },
    { requestId: "b", decidedMs: 2 },
    { requestId: "a", decidedMs: 3 },
  ]);
  assert.is(pruneDecisions(ledger, { ...MANY, keepDecisions: 1 }, 4), 2);
  assert.equal(numbersIn(ledger), [2]);
  assert.is(ledger.count("plan"), 0);
  // The latest on the request is another one.
  assert.is(ledger.get("meta", requestKey("a")), "d-000000000002");
  assert.is(ledger.get("meta", requestKey("b")), undefined);
  assert.is([...keptDecisions(ledger)].length, 1);
  assert.is(pruneDecisions(ledger, { ...MANY, keepDecisions: 1 }, 4), 0);
});

test("a day after its days a decision goes, however few there are", () => {
  const ledger = ledgerOf(
    [0, 1, 2].map((day) => ({ requestId: `${day}`, decidedMs: day * DAY_MS })),
  );
  assert.is(pruneDecisions(ledger, { ...MANY, keepDays: 2 }, 3 * DAY_MS), 1);
  assert.equal(numbersIn(ledger), [1, 2]);
});

test("whose plan is under way stays, and is no hindrance to others", () => {
  const ledger = ledgerOf([
    { requestId: "a", decidedMs: 1, state: "acting" },
    { requestId: "b", decidedMs: 2, state: "rolled-back" },
    { requestId: "c", decidedMs: 3, state: "committed" },
    { requestId: "d", decidedMs: 4 },
  ]);
  assert.is(pruneDecisions(ledger, { ...MANY, keepDecisions: 2 }, 5), 2);
  assert.equal(numbersIn(ledger), [0, 2]);
  assert.is(ledger.count("plan"), 2);
});

test("many go over several ticks", () => {
  const all = Array.from({ length: REMOVED_MAX + 10 }, (_, n) => ({
    requestId: "r",
    decidedMs: n,
  }));
  const ledger = ledgerOf(all);
  const limits = { ...MANY, keepDecisions: 5 };
  assert.is(pruneDecisions(ledger, limits, 0), REMOVED_MAX);
  assert.is(pruneDecisions(ledger, limits, 0), 5);
  assert.is(ledger.count("decision"), 5);
});

test("whatever the limits: what stays is the newest, and facts are those of what stays", () => {
  const made = fc.record({
    requestId: fc.constantFrom("a", "b", "c"),
    decidedMs: fc.nat(10).map((day) => day * DAY_MS),
  });
  const limits = fc.record({
    keepDecisions: fc.integer({ min: 1, max: 12 }),
    keepDays: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(fc.array(made, { maxLength: 12 }), limits, (all, keep) => {
      const sorted = [...all].sort((a, b) => a.decidedMs - b.decidedMs);
      const ledger = ledgerOf(sorted);
      const nowMs = 10 * DAY_MS;
      pruneDecisions(ledger, keep, nowMs);
      const expected = [...sorted.keys()].filter(
        (index) =>
          index >= sorted.length - keep.keepDecisions &&
          (sorted[index]?.decidedMs ?? 0) >= nowMs - keep.keepDays * DAY_MS,
      );
      assert.equal(numbersIn(ledger), expected);
      assert.is([...keptDecisions(ledger)].length, expected.length);
      for (const index of expected) {
        const latest = ledger.get("meta", requestKey(sorted[index]?.requestId ?? ""));
        assert.ok(typeof latest === "string" && ledger.get("decision", latest) !== undefined);
      }
    }),
  );
});

test("a service forgets what is beyond its limits, an idempotent answer with it", () =>
  withService(`${ENFORCING}\nledger: { keepDecisions: 2 }`, async (call, { runtime }) => {
    const ask = (requestId: string) =>
      call("POST", "/v1/interruptions", { instanceId: "nobody", requestId });
    await call("PUT", "/v1/instances", registration("i1"));
    for (const requestId of ["r1", "r2", "r3", "r4"]) await ask(requestId);
    await runtime.tick();
    assert.is(runtime.ledger.count("decision"), 2);
    assert.is((await call("GET", "/v1/requests/r2")).status, 404);
    assert.is((await call("GET", "/v1/requests/r4")).status, 200);
    const before = (await call("GET", "/v1/requests/r4")).body.decisionId;
    assert.is((await ask("r4")).body.decisionId, before);
  }));

test.run();
