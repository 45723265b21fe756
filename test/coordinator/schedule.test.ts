import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type NoticedVictim,
  noticeReasons,
  scheduleNotice,
} from "../../host/coordinator/schedule.js";
import { NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("schedule of a notice");
const notice = { nowMs: NOW, deadlineMs: NOW + 120_000, handOverMs: 5_000 };

function victim(instanceId: string, change: Partial<NoticedVictim> = {}): NoticedVictim {
  return { instanceId, nodeId: "n", lostCoreHours: 1, stopMs: 10_000, ...change };
}

test("two minutes are enough for two checkpoints of a node, one after the other", () => {
  const both = [
    victim("a", { checkpointMs: 40_000, stopMs: 10_000 }),
    victim("b", { checkpointMs: 30_000, stopMs: 30_000 }),
  ];
  const [a, b] = scheduleNotice(both, notice);
  assert.equal([b?.checkpointFromMs, b?.checkpointByMs], [NOW, NOW + 30_000]);
  assert.equal([a?.checkpointFromMs, a?.checkpointByMs], [NOW + 30_000, NOW + 70_000]);
  assert.equal([a?.stopByMs, a?.handOverByMs], [NOW + 80_000, NOW + 85_000]);
  assert.equal(noticeReasons([a, b].flatMap((each) => each ?? [])), []);
});

test("in thirty seconds the one goes without a checkpoint that loses least by it", () => {
  const short = { ...notice, deadlineMs: NOW + 30_000 };
  const both = [
    victim("a", { checkpointMs: 15_000, stopMs: 5_000, lostCoreHours: 1 }),
    victim("b", { checkpointMs: 15_000, stopMs: 5_000, lostCoreHours: 9 }),
  ];
  const schedule = scheduleNotice(both, short);
  assert.equal(
    schedule.map(({ skipsCheckpoint }) => skipsCheckpoint),
    [true, false],
  );
  assert.is(schedule[0]?.stopByMs, NOW + 5_000);
  assert.equal(noticeReasons(schedule), [
    { code: "NOTICE_TOO_SHORT", text: "a has no time for its checkpoint" },
  ]);
});

test("who cannot stop in time is stopped in time, and what it lacked is said", () => {
  const short = { ...notice, deadlineMs: NOW + 30_000 };
  const [only] = scheduleNotice([victim("a", { stopMs: 60_000 })], short);
  assert.equal([only?.stopByMs, only?.handOverByMs], [NOW + 25_000, NOW + 30_000]);
  assert.is(only?.lackMs, 35_000);
});

const victims = fc
  .array(
    fc.record({
      node: fc.integer({ min: 0, max: 2 }),
      lostCoreHours: fc.double({ min: 0, max: 50, noNaN: true }),
      checkpointMs: fc.option(fc.integer({ min: 0, max: 90_000 }), { nil: undefined }),
      stopMs: fc.integer({ min: 0, max: 60_000 }),
    }),
    { maxLength: 14 },
  )
  .map((all) =>
    all.map(({ node, checkpointMs, ...rest }, index) =>
      victim(`v${String(index).padStart(2, "0")}`, {
        ...rest,
        nodeId: `n${node}`,
        ...(checkpointMs === undefined ? {} : { checkpointMs }),
      }),
    ),
  );
const notices = fc
  .record({
    lengthMs: fc.integer({ min: 0, max: 180_000 }),
    handOverMs: fc.integer({ min: 0, max: 10_000 }),
  })
  .map(({ lengthMs, handOverMs }) => ({ nowMs: NOW, deadlineMs: NOW + lengthMs, handOverMs }));

test("every schedule ends before its deadline, in order, and no disk writes two at once", () => {
  fc.assert(
    fc.property(victims, notices, (all, given) => {
      const schedule = scheduleNotice(all, given);
      assert.equal(
        schedule.map(({ instanceId }) => instanceId),
        all.map(({ instanceId }) => instanceId),
      );
      const busy = new Map<string, (readonly [number, number])[]>();
      schedule.forEach((each, index) => {
        const { nodeId = "", stopMs = 0, checkpointMs } = all[index] ?? {};
        assert.ok(each.stopByMs >= NOW && each.stopByMs <= each.handOverByMs);
        assert.ok(each.handOverByMs <= given.deadlineMs);
        const { checkpointFromMs: fromMs, checkpointByMs: byMs } = each;
        assert.is(each.skipsCheckpoint, checkpointMs !== undefined && byMs === undefined);
        if (fromMs === undefined || byMs === undefined) return;
        assert.is(byMs - fromMs, checkpointMs);
        // A checkpoint is written only if there is time to stop in good order after it.
        assert.is(each.lackMs, 0);
        assert.is(each.stopByMs, byMs + stopMs);
        for (const [from, by] of busy.get(nodeId) ?? []) assert.ok(byMs <= from || fromMs >= by);
        busy.set(nodeId, [...(busy.get(nodeId) ?? []), [fromMs, byMs]]);
      });
    }),
  );
});

test("where all checkpoints can be in time in some order, all are written", () => {
  fc.assert(
    fc.property(victims, notices, (all, given) => {
      const few = all.filter(({ nodeId }) => nodeId === "n0").slice(0, 5);
      const wishing = few.filter(({ checkpointMs }) => checkpointMs !== undefined);
      const isFeasible = permutations(wishing).some((order) => {
        let byMs = NOW;
        return order.every(({ checkpointMs = 0, stopMs }) => {
          byMs += checkpointMs;
          return byMs + stopMs + given.handOverMs <= given.deadlineMs;
        });
      });
      const skipped = scheduleNotice(few, given).filter((each) => each.skipsCheckpoint);
      assert.is(skipped.length === 0, isFeasible || wishing.length === 0);
    }),
  );
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [
      first,
      ...rest,
    ]),
  );
}

test("a reclaim's plan has the schedule, its acts the times, and a short notice is on record", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8);
  const times = { stopSeconds: 20, checkpointSeconds: 30 };
  cluster.tenant("v", "a", { size: 4, ...times }).tenant("w", "a", { size: 4, ...times });
  cluster.coordinator.submit(reclaim(8, ["a"], { deadlineMs: NOW + 60_000 }));
  const [decision] = (await cluster.after(0)).decisions;
  assert.equal(decision?.victims, ["v", "w"]);
  const plan = cluster.ledger.get("plan", decision?.planId ?? "");
  assert.equal(
    plan?.schedule?.map(({ checkpointByMs }) => checkpointByMs),
    [NOW + 30_000, undefined],
  );
  assert.equal(
    plan?.shortfalls?.map(({ code }) => code),
    ["NOTICE_TOO_SHORT"],
  );
  const acts = cluster.acts().filter((act) => act.kind === "interrupt");
  assert.equal(
    acts.map((act) => act.kind === "interrupt" && [act.checkpointByMs, act.stopByMs]),
    [
      [NOW + 30_000, NOW + 50_000],
      [undefined, NOW + 20_000],
    ],
  );
});

test.run();
