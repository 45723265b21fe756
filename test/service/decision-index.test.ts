import { test } from "uvu";
import * as assert from "uvu/assert";
import { requestKey } from "../../host/coordinator/commit-plan.js";
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

function older(count: number): MemoryLedger {
  const ledger = new MemoryLedger();
  for (let number = 1; number <= count; number++) {
    const record = decision(number, `r${number % 1_500}`);
    ledger.commit([{ table: "decision", key: record.decisionId, put: record }]);
  }
  return ledger;
}

test("decisions from before the index are entered once, the latest of each request", () => {
  const ledger = older(2_500);
  const index = new DecisionIndex(ledger);
  index.open();
  assert.is(index.latest("r7")?.decidedMs, 1_507);
  assert.is(index.latest("r1200")?.decidedMs, 1_200);
  assert.is(index.latest("nobody"), undefined);
  // Once only: what is taken out afterwards stays out.
  ledger.commit([{ table: "meta", key: requestKey("r7"), remove: true }]);
  const again = new DecisionIndex(ledger);
  again.open();
  assert.is(again.latest("r7"), undefined);
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
  for (const number of [4, 5]) {
    const record = decision(number, `new${number}`);
    ledger.commit([{ table: "decision", key: record.decisionId, put: record }]);
  }
  index.add(decision(4, "new4"));
  assert.equal(
    index.missed().map(({ requestId }) => requestId),
    ["new5"],
  );
});

test.run();
