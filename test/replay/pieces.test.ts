import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import { addAmounts, takeCapacity } from "../../host/replay/capacity.js";
import { scheduleCapacity } from "../../host/replay/capacity-schedule.js";
import { draw, drawFrom } from "../../host/replay/draw.js";
import { compare, layOut } from "../../host/replay/layout.js";
import { DAYS_MAX, planScenario, WARM_UP_FROM_MS } from "../../host/replay/plan-scenario.js";
import { RestartTruth } from "../../host/replay/restart-truth.js";
import { quantile, surveyVm, type VmSurvey } from "../../host/replay/survey.js";
import { Tally } from "../../host/replay/tally.js";
import { TraceCursor } from "../../host/replay/trace-cursor.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";

const test = suite("pieces of the replay");
const DAY_MS = 86_400_000;
const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test("the sample has only VMs kept from training, in September", async () => {
  const folder = openTraceFolder(undefined);
  assert.is(folder.vms.length, 32);
  assert.ok(folder.vms.every((vm) => isHeldOut(vm.instanceId)));
  for (const vm of folder.vms.slice(0, 3)) {
    const cursor = new TraceCursor(vm.instanceId, vm.file, 0);
    const rows = await cursor.take(Number.POSITIVE_INFINITY);
    assert.ok(rows.length > 0.95 * 4032);
    assert.ok(rows.every((row) => row.timeMs >= WARM_UP_FROM_MS));
    await cursor.close();
  }
});

test("a cursor yields each row once, as the clock passes it", async () => {
  const vm = openTraceFolder(undefined).vms[0];
  assert.ok(vm);
  const whole = new TraceCursor(vm.instanceId, vm.file, 0);
  const rows = await whole.take(WARM_UP_FROM_MS + DAY_MS);
  await whole.close();
  const cursor = new TraceCursor(vm.instanceId, vm.file, 0);
  const steps = [];
  for (let at = WARM_UP_FROM_MS; at <= WARM_UP_FROM_MS + DAY_MS; at += 60_000) {
    const taken = cursor.isAhead(at) ? [] : await cursor.take(at);
    assert.ok(taken.every((row) => row.timeMs <= at && row.timeMs > at - 60_000));
    steps.push(...taken);
  }
  await cursor.close();
  assert.equal(steps, rows);
});

test("a survey reads the warm-up and nothing after it", async () => {
  const vm = openTraceFolder(undefined).vms[0];
  assert.ok(vm);
  const end = WARM_UP_FROM_MS + 2 * DAY_MS;
  const found = await surveyVm(vm, WARM_UP_FROM_MS, end);
  const cursor = new TraceCursor(vm.instanceId, vm.file, 0);
  const rows = await cursor.take(end);
  await cursor.close();
  assert.is(found.sampleCount, rows.length);
  const cpu = rows.map((row) => row.cpuCores).sort((a, b) => a - b);
  assert.is(found.max[0], cpu.at(-1));
  assert.is(found.p95[0], cpu[Math.ceil(0.95 * cpu.length) - 1]);
  assert.equal([quantile([], 0.95), quantile([3], 0.95), quantile([1, 2], 0.5)], [0, 3, 1]);
});

const survey = fc.record({
  p95: fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 4, maxLength: 4 }),
});

test("a layout places everyone once and fills each node to the stated share", () => {
  fc.assert(
    fc.property(
      fc.array(survey, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(1000),
      (list, nodeCount, seed) => {
        const surveys: VmSurvey[] = list.map(({ p95 }, index) => ({
          instanceId: `vm_${index}`,
          file: "",
          sampleCount: 1,
          p95,
          max: p95,
          cores: 1,
          memoryGiB: 1,
        }));
        const layout = layOut(surveys, { nodeCount, seed, spotFiles: ["a"] });
        assert.is(new Set(layout.instances.map((one) => one.instanceId)).size, surveys.length);
        assert.is(layout.nodes.length, nodeCount);
        for (const node of layout.nodes) {
          const on = layout.instances.filter((one) => one.nodeId === node.nodeId);
          [0.9, 0.9, 0.5, 0.5].forEach((fill, resource) => {
            const used = on.reduce((sum, one) => sum + (one.allocation[resource] ?? 0), 0);
            assert.ok(used <= fill * (node.capacity[resource] ?? 0) + on.length / 1024 + 1e-9);
          });
        }
        const zoned = layout.zones.flatMap((zone) => zone.nodeIds);
        assert.equal([...zoned].sort(), layout.nodes.map((node) => node.nodeId).sort());
      },
    ),
  );
});

test("names sort by their numbers", () => {
  assert.equal(["rnd_10", "rnd_9", "b", "a"].sort(compare), ["a", "b", "rnd_9", "rnd_10"]);
});

test("a draw belongs to its name", () => {
  assert.is(draw(1, "a"), draw(1, "a"));
  assert.is.not(draw(1, "a"), draw(2, "a"));
  const drawn = Array.from({ length: 4000 }, (_, index) => drawFrom(7, `x ${index}`, [0, 1, 2, 3]));
  for (const choice of [0, 1, 2, 3]) {
    const count = drawn.filter((value) => value === choice).length;
    assert.ok(count > 850 && count < 1150, `${choice} was drawn ${count} times of 4000`);
  }
});

test("a capacity schedule never holds less than nothing or more than all", async () => {
  const folder = openTraceFolder(undefined);
  for (const file of folder.spotFiles) {
    const span = { zoneId: "z", fromMs: 1000 * DAY_MS, toMs: 1040 * DAY_MS, seed: 3 };
    const events = await scheduleCapacity(file, span);
    assert.ok(events.length > 100);
    let level = 1;
    for (const event of [...events].sort((a, b) => a.timeMs - b.timeMs)) {
      assert.ok(event.timeMs >= span.fromMs && event.timeMs < span.toMs);
      const early = event.timeMs - event.noticeMs;
      if (event.fraction < 0) assert.ok(early >= 0 && early <= 30 * 60_000);
      else assert.is(early, 0);
      level += event.fraction;
      assert.ok(level > -1e-9 && level < 1 + 1e-9);
    }
  }
});

test("what is taken adds up, free room goes first", () => {
  const amount = fc.double({ min: 0, max: 100, noNaN: true });
  const four = fc.array(amount, { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(four, four), { minLength: 1, maxLength: 5 }),
      four,
      (pairs, ask) => {
        const nodes = pairs.map(([room, used], index) => ({
          nodeId: `node-${index}`,
          room,
          capacity: addAmounts(room, used),
        }));
        const total = nodes.reduce((sum, node) => addAmounts(sum, node.capacity), [0, 0, 0, 0]);
        const amounts = ask.map((value, resource) => Math.min(value, total[resource] ?? 0));
        const { taken, missing } = takeCapacity(nodes, amounts);
        amounts.forEach((value, resource) => {
          const sum = [...taken.values()].reduce((so, column) => so + (column[resource] ?? 0), 0);
          close(sum, value);
          const room = nodes.reduce((so, node) => so + (node.room[resource] ?? 0), 0);
          close(missing[resource] ?? 0, Math.max(0, value - room));
        });
        for (const { nodeId, capacity } of nodes) {
          taken.get(nodeId)?.forEach((value, resource) => {
            assert.ok(value >= 0 && value <= (capacity[resource] ?? 0) + 1e-6);
          });
        }
      },
    ),
  );
});

test("truth is the peak of each phase (from, to] and nothing of a phase cut short", () => {
  const truth = new RestartTruth(0);
  const minute = 60_000;
  truth.add(0, [9, 9, 9, 9]);
  truth.add(5 * minute, [1, Number.NaN, 3, 4]);
  truth.add(10 * minute, [2, Number.NaN, 1, 4]);
  truth.add(10 * minute + 1, [5, 6, 7, 8]);
  truth.add(61 * minute, [9, 9, 9, 9]);
  const nan = Number.NaN;
  assert.equal(truth.peaks(60 * minute), [2, 5, nan, nan, 6, nan, 3, 7, nan, 4, 8, nan]);
  assert.equal(truth.peaks(29 * minute), [2, nan, nan, nan, nan, nan, 3, nan, nan, 4, nan, nan]);
  assert.equal([truth.isOver(60 * minute), truth.isOver(60 * minute + 1)], [false, true]);
});

test("a tally compares grants with needs", () => {
  const tally = new Tally();
  const nan = Number.NaN;
  tally.compare({
    granted: [2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0],
    peaks: [1, 2, 3, nan, nan, nan, 0, 0, 0, 1, 1, 1],
    short: true,
  });
  tally.compare({
    granted: [4, ...new Array<number>(11).fill(0)],
    peaks: [3, ...new Array<number>(11).fill(nan)],
    short: false,
  });
  tally.restarted(0, { reserved: true, short: true });
  tally.restarted(7, { reserved: false, short: false });
  tally.stillDown(-2);
  tally.stillDown(3);
  const { need, needOfWhole, restarts } = tally.figures();
  assert.equal(need.cpu, { phases: 4, coverage: 3 / 4, slack: 2 / 9, deficit: 1 / 9 });
  assert.equal(needOfWhole.cpu, { phases: 1, coverage: 1, slack: 1 / 3, deficit: 0 });
  assert.equal(need.memory, { phases: 0, coverage: null, slack: null, deficit: null });
  assert.equal(need.network, { phases: 3, coverage: 1, slack: null, deficit: null });
  assert.equal(need.disk, { phases: 3, coverage: 0, slack: 0, deficit: 1 });
  assert.equal(restarts, {
    granted: 2,
    reserved: 1,
    short: 1,
    waited: 1,
    waitedMinutesTotal: 7,
    waitedMinutesMax: 7,
    stillWaiting: 1,
    stillWaitingMinutes: 3,
  });
});

test("refuses what cannot be replayed", async () => {
  const folder = openTraceFolder(undefined);
  const base = { seed: 1, days: 1, vmCount: 2 };
  for (const [change, field] of [
    [{ seed: -1 }, "seed"],
    [{ days: 0 }, "days"],
    [{ days: DAYS_MAX + 1 }, "days"],
    [{ days: Number.NaN }, "days"],
    [{ vmCount: 0 }, "vms"],
    [{ nodeCount: 0 }, "nodes"],
    [{ nodeCount: 1.5 }, "nodes"],
  ] as const) {
    try {
      await planScenario(folder, { ...base, ...change });
      assert.unreachable(field);
    } catch (error) {
      assert.ok(isRepriseError(error));
      assert.equal([error.code, error.context.field], ["ERR_ARGUMENT", field]);
    }
  }
  assert.throws(() => openTraceFolder("/nowhere"), /cannot be read/);
});

test.run();
