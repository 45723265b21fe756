import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Actor } from "../../host/replay/actor.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";
import type { BitbrainsRow } from "../../host/sources/bitbrains/row.js";

const test = suite("an instance in the world of a replay");
const MINUTE_MS = 60_000;
const vm = openTraceFolder(undefined).vms[0];

function actor(checkpointMinutes: number): Actor {
  assert.ok(vm);
  const four = [1, 1, 1, 1];
  return new Actor(
    {
      ...vm,
      groupId: "g",
      nodeId: "n",
      priority: 0,
      interruptible: true,
      checkpointMinutes,
      allocation: four,
      request: four,
      cores: 2,
      memoryGiB: 1,
    },
    0,
  );
}

function row(minutes: number, cpuCores: number): BitbrainsRow {
  return {
    timeMs: minutes * MINUTE_MS,
    on: true,
    cpuCores,
    memoryGiB: 1,
    networkMbps: 1,
    diskMBps: Number.NaN,
    cores: 2,
    memoryCapacityGiB: 1,
  };
}

test("loses the work since its last checkpoint, never more", () => {
  const one = actor(15);
  for (let minutes = 5; minutes <= 40; minutes += 5) one.use(row(minutes, 1.2));
  // The last checkpoint came with the sample at 30 min; two samples of 5 min followed.
  assert.ok(Math.abs(one.stop(0, undefined) - 1.2 / 6) < 1e-9);
  assert.is(one.isUp, false);
  assert.equal(one.usage, [0, 0, 0, 0]);
});

test("an instance without work to lose loses none", () => {
  const one = actor(0);
  one.use(row(5, 2));
  one.use(row(10, 2));
  assert.is(one.stop(0, undefined), 0);
});

test("a hole in the trace is not one long sample", () => {
  const one = actor(600);
  one.use(row(5, 1));
  one.use(row(305, 1));
  assert.ok(Math.abs(one.stop(0, undefined) - 1 / 6) < 1e-9);
});

test("compares a restart when its hour is over, or when it is cut short", () => {
  const one = actor(15);
  one.stop(30 * MINUTE_MS, [7]);
  const grant = { nodeId: "m", amounts: [3], reserved: true, short: false };
  one.restart(30 * MINUTE_MS, grant);
  assert.equal([one.isUp, one.nodeId], [true, "m"]);
  one.use(row(35, 0.5));
  assert.is(one.finish(60 * MINUTE_MS, false), null);
  const cut = one.finish(45 * MINUTE_MS, true);
  assert.equal(cut?.peaks.slice(0, 2), [0.5, Number.NaN]);
  assert.equal([cut?.granted, cut?.predicted, cut?.short], [[3], [7], false]);
  assert.is(one.finish(200 * MINUTE_MS, false), null);
});

test.run();
