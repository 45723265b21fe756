import { test } from "uvu";
import * as assert from "uvu/assert";
import { decisionFacts } from "../../host/ledger/kept.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import type { DecisionRecord } from "../../host/ledger/records.js";
import { DecisionIndex } from "../../host/service/decision-index.js";

function decision(number: number, requestId: string): DecisionRecord {
  return {
    decisionId: `d${String(number).padStart(12, "0")}`,
    requestId,
    kind: "refuse",
    decidedMs: number,
    reasons: [],
    victims: [],
    candidates: [],
    inputsHash: "",
    inputs: {},
    modelVersion: "none",
  };
}

function add(ledger: MemoryLedger, record: DecisionRecord): void {
  const put = { table: "decision", key: record.decisionId, put: record } as const;
  ledger.commit([put, ...decisionFacts(record)]);
}

function older(count: number): MemoryLedger {
  const ledger = new MemoryLedger();
  for (let number = 1; number <= count; number++) add(ledger, decision(number, `r${number % 3}`));
  return ledger;
}

test("the latest decision on a request is found", () => {
  const index = new DecisionIndex(older(8));
  index.open();
  assert.is(index.latest("r1")?.decidedMs, 7);
  assert.is(index.latest("r2")?.decidedMs, 8);
  assert.is(index.latest("nobody"), undefined);
});

test("what no request can be called is not found, and no error", () => {
  const index = new DecisionIndex(older(1));
  index.open();
  for (const name of ["", "\ud800", "a\0b", "x".repeat(2_000)]) {
    assert.is(index.latest(name), undefined);
  }
});

test("missed are those that the ledger has and nobody was told of", () => {
  const ledger = older(3);
  const index = new DecisionIndex(ledger);
  index.open();
  assert.equal(index.missed(), []);
  for (const number of [4, 5]) add(ledger, decision(number, `new${number}`));
  index.add(decision(4, "new4"));
  assert.equal(
    index.missed().map(({ requestId }) => requestId),
    ["new5"],
  );
});

test.run();
