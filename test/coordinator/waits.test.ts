import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import {
  forecastLatenessMs,
  furtherWaitMs,
  type PastWait,
  pastWaits,
  UNKNOWN_WAIT_MS,
} from "../../host/coordinator/waits.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import type { ReasonCode } from "../../host/ledger/records.js";
import { envelopeOf, inputsOf, instance, interruption, NOW, node, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("waits");

function waits(code: ReasonCode, ...minutes: readonly number[]): PastWait[] {
  return minutes.map((each) => ({ code, waitMs: each * MINUTE_MS }));
}

test("four known waits are enough for a quantile, three are not", () => {
  const four = waits("NO_ROOM_CPU", 7, 3, 9, 5);
  assert.is(furtherWaitMs(four, "NO_ROOM_CPU", 0), 9 * MINUTE_MS);
  assert.is(furtherWaitMs(four.slice(1), "NO_ROOM_CPU", 0), undefined);
  assert.is(furtherWaitMs([], undefined, 0), undefined);
});

test("the same reason comes first, all others stand in for it", () => {
  const past = [...waits("NO_ROOM_CPU", 1, 1, 1, 2), ...waits("NO_ROOM_DISK", 60, 60, 60, 60)];
  assert.is(furtherWaitMs(past, "NO_ROOM_CPU", 0), 2 * MINUTE_MS);
  assert.is(furtherWaitMs(past, "NO_ROOM_DISK", 0), 60 * MINUTE_MS);
  assert.is(furtherWaitMs(past, "NO_ROOM_MEMORY", 0), 60 * MINUTE_MS);
});

test("who has waited is compared with those that waited longer", () => {
  const past = waits("NO_ROOM_CPU", 1, 1, 1, 1, 1, 20, 30, 40, 50);
  assert.is(furtherWaitMs(past, "NO_ROOM_CPU", 10 * MINUTE_MS), 40 * MINUTE_MS);
});

test("the named time holds for four of five, whatever the distribution of the waits", () => {
  const sample = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 5, maxLength: 60 });
  fc.assert(
    fc.property(sample, (values) => {
      // Exchangeable: each in turn is the next one, the others are the past.
      const met = values.filter((next, index) => {
        const past = values.flatMap((waitMs, at) =>
          at === index ? [] : [{ code: "NO_ROOM_CPU", waitMs } as const],
        );
        return next <= (furtherWaitMs(past, "NO_ROOM_CPU", 0) ?? Number.NaN);
      });
      assert.ok(met.length * 5 >= values.length * 4, `${met.length} of ${values.length}`);
    }),
  );
});

test("a forecast is put off by as much as earlier ones were late, never brought forward", () => {
  const late = (...minutes: readonly number[]): PastWait[] =>
    minutes.map((each) => ({ code: "COOL_DOWN", waitMs: 1, lateMs: each * MINUTE_MS }));
  assert.is(forecastLatenessMs(late(5, 5, 5)), 0);
  assert.is(forecastLatenessMs(late(0, 2, 1, 0)), 2 * MINUTE_MS);
  assert.is(forecastLatenessMs(late(-3, -2, -5, -9)), 0);
});

test("without a forecast a deferral names the learnt wait, and is tried before it", () => {
  const nodes = [node("a", 4, 0), node("b", 4, 0)];
  const past = waits("NO_ROOM_CPU", 30, 40, 20, 10);
  const victim = instance("v", "a", { size: 4, envelope: envelopeOf([6, 6, 0, 0]) });
  const inputs = inputsOf(interruption("v"), nodes, [victim], { pastWaits: past });
  const verdict = decide(inputs, () => []);
  assert.is(verdict.kind, "defer");
  assert.is(verdict.retryAtMs, NOW + 40 * MINUTE_MS);
  assert.is(verdict.nextTryMs, NOW + MINUTE_MS);
  const unknown = decide({ ...inputs, pastWaits: [] }, () => []);
  assert.is(unknown.retryAtMs, NOW + UNKNOWN_WAIT_MS);
  const record = decisionRecord(verdict, { decisionId: "d" });
  assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
});

test("the wait of a request that was deferred is written with its success", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8);
  cluster.tenant("v", "a", { size: 4 });
  cluster.tenant("w", "b", { size: 8, interruptible: false });
  cluster.coordinator.submit({
    ...reclaim(3, ["a"], { deadlineMs: NOW + 10 * MINUTE_MS }),
    requestId: "other",
  });
  cluster.coordinator.submit(reclaim(4, ["a"], { requestId: "mine" }));
  const [, mine] = (await cluster.after(0)).decisions;
  assert.is(mine?.kind, "defer");
  assert.equal(pastWaits(cluster.ledger, "reclaim"), []);
  await cluster.after(25);
  const code = mine?.reasons[0]?.code;
  assert.equal(pastWaits(cluster.ledger, "reclaim"), [{ code, waitMs: 25 * MINUTE_MS, lateMs: 0 }]);
  assert.equal(pastWaits(cluster.ledger, "interrupt"), []);
});

test.run();
