import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import type { LeaseEndInput, PlanInputs } from "../../host/coordinator/inputs.js";
import { firstEnds } from "../../host/coordinator/lease-ends.js";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import { inputsOf, instance, interruption, NOW, node, reclaim } from "./cases.js";

const nobodyGives = () => [];

function end(minutes: number, amount: number): LeaseEndInput {
  const amounts = new Array<number>(12).fill(amount);
  return { timeMs: NOW + minutes * MINUTE_MS, nodeId: "b", amounts };
}

/** Somebody on a full node, and another node that has this much room. */
function world(room: number): PlanInputs {
  const victim = instance("v", "a", { size: 4 });
  return inputsOf(reclaim(4, ["a"]), [node("a", 4, 0), node("b", 4, room)], [victim]);
}

/** Decides with the ends asked for, and says how often they were. */
function asked(inputs: PlanInputs, ends: readonly LeaseEndInput[]) {
  const asks: number[] = [];
  const verdict = decide(inputs, nobodyGives, {
    ends: (question) => {
      asks.push(question.timesMax);
      return firstEnds(ends, inputs.nowMs, question);
    },
  });
  return { asks, record: decisionRecord(verdict, { decisionId: "d" }) };
}

test("a decision that proceeds neither asks for ends of leases nor keeps any", () => {
  const { asks, record } = asked(world(4), [end(5, 1), end(9, 1)]);
  assert.equal([record.kind, asks], ["proceed", []]);
  assert.not.ok("leaseEnds" in (record.inputs as PlanInputs));
});

test("one that waits keeps those up to the last moment that it may look at, whatever follows", () => {
  const ends = Array.from({ length: 2_000 }, (_, index) => end(1 + Math.floor(index / 2), 0.01));
  const { record } = asked(world(0), ends);
  assert.is(record.kind, "defer");
  assert.is((record.inputs as PlanInputs).leaseEnds?.length, 16);
  assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
});

test("asked for or given whole, the same is decided, and made again from the record", () => {
  const minutes = fc.array(
    fc.tuple(fc.integer({ min: -5, max: 30 }), fc.integer({ min: 0, max: 3 })),
    {
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(minutes, fc.integer({ min: 0, max: 4 }), (drawn, room) => {
      const ends = drawn.map(([at, amount]) => end(at, amount)).sort((a, b) => a.timeMs - b.timeMs);
      const inputs = world(room);
      const { record } = asked(inputs, ends);
      const whole = decisionRecord(decide({ ...inputs, leaseEnds: ends }, nobodyGives), {
        decisionId: "d",
      });
      const said = ({ kind, retryAtMs, forecastMs, reasons }: typeof record) =>
        canonicalJson({ kind, retryAtMs, forecastMs, reasons });
      assert.is(said(record), said(whole));
      for (const each of [record, whole]) {
        assert.is(canonicalJson(replayDecision(each)), canonicalJson(each));
      }
    }),
  );
});

test("who rests is asked for again when the rest is over, with the room of then, not before", () => {
  const tired = instance("v", "b", { size: 4, interruptionsMs: [NOW - 20 * MINUTE_MS] });
  const rest = NOW + 40 * MINUTE_MS;
  const ends = Array.from({ length: 200 }, (_, index) => end(1 + index / 4, 0.05));
  const inputs = inputsOf(interruption("v"), [node("b", 8, -8)], [tired]);
  const { record } = asked(inputs, ends);
  assert.is(record.reasons[0]?.code, "COOL_DOWN");
  assert.ok((record.forecastMs ?? 0) >= rest, "what ends before its rest does not crowd it out");
  assert.is(record.nextTryMs, record.forecastMs);
  const kept = (record.inputs as PlanInputs).leaseEnds ?? [];
  assert.is(kept.length, 9, "one for all that ends before, and eight moments after");
  assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
  const hopeless = asked(inputsOf(interruption("v"), [node("b", 8, -80)], [tired]), ends).record;
  assert.equal([hopeless.forecastMs, hopeless.nextTryMs], [undefined, rest]);
});

test.run();
