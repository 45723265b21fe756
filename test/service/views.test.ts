import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { PoolHistory } from "../../host/service/pool-history.js";
import { QualityBoard } from "../../host/service/quality.js";
import { eventually } from "../support/fake-cgroup.js";
import { type Call, ENFORCING, registration, withFolder, withService } from "./support.js";

test("the fleet is one line an instance, in pages, with need over room", () =>
  withService(ENFORCING, async (call) => {
    for (const id of ["a", "b", "c"]) await call("PUT", "/v1/instances", registration(id));
    await call(
      "PUT",
      "/v1/instances",
      registration("lost", { nodeId: "gone", allocation: undefined }),
    );
    const first = await call("GET", "/v1/fleet?limit=2");
    const items = first.body.items as Record<string, unknown>[];
    assert.equal(
      items.map((line) => line.instanceId),
      ["a", "b"],
    );
    assert.is(first.body.next, "b");
    assert.equal(items[0]?.allocation, { cpu: 1, memory: 2, network: 10, disk: 5 });
    // Nothing was seen of it: its need is the asked for, 1 core, and 8 - 3 + 1 would be there for it.
    const crowding = items[0]?.crowding as number;
    assert.ok(crowding > 0 && crowding <= 1, `${crowding}`);
    const rest = await call("GET", "/v1/fleet?limit=2&after=b");
    const last = (rest.body.items as Record<string, unknown>[])[1];
    assert.is(last?.instanceId, "lost");
    assert.is(last?.crowding, null);
    assert.is(rest.body.next, null);
    assert.is((await call("GET", "/v1/fleet?limit=1001")).status, 400);
    assert.is((await call("GET", "/v1/fleet?more=1")).status, 400);
  }));

test("outcomes, plans and quality answer, also when there is nothing yet", () =>
  withService(ENFORCING, async (call) => {
    await call("PUT", "/v1/instances", registration("a"));
    const outcomes = await call("GET", "/v1/instances/a/outcomes");
    assert.is(outcomes.body.baseline, "p95");
    assert.equal(outcomes.body.items, []);
    assert.is((await call("GET", "/v1/instances/nobody/outcomes")).status, 404);
    assert.is((await call("GET", "/v1/plans/p-1")).status, 404);
    const quality = await call("GET", "/v1/quality");
    assert.is(quality.body.restarts, 0);
    const history = await call("GET", "/v1/pools/history?after=0");
    assert.is(history.status, 200);
    assert.is((await call("GET", "/v1/pools/history?after=x")).status, 400);
  }));

test("the dashboard is served with a policy that lets no script of the page in", () =>
  withService(ENFORCING, async (call) => {
    const page = await call("GET", "/");
    assert.is(page.status, 200);
    assert.match(String(page.body.text), /<div id="app">/);
    assert.not.match(String(page.body.text), /<script>/);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'/);
    assert.not.match(/script-src[^;]*/.exec(policy)?.[0] ?? "", /unsafe-inline/);
    const asset = /src="\.(\/assets\/[^"]+)"/.exec(String(page.body.text))?.[1] ?? "";
    assert.match((await call("GET", asset)).headers.get("cache-control") ?? "", /immutable/);
    assert.is((await call("GET", "/assets/../../package.json")).status, 404);
    assert.is(
      (await call("GET", "/no-such-page")).headers.get("content-type")?.includes("problem"),
      true,
    );
  }));

const pool = (allocated: number) => ({
  allocatable: [8, 32, 100, 10],
  allocated: [allocated, 0, 0, 0],
  reserved: Array.from({ length: 12 }, (_, column) => column),
});

test("history keeps one point a step and a day of them, and only once something is held", () => {
  const history = new PoolHistory();
  const used = [1, 2, 3, 4];
  history.note({ timeMs: 0, pool: pool(0), used });
  assert.equal(history.columns().timesMs, []);
  for (let minute = 0; minute < 3_000; minute++) {
    history.note({ timeMs: minute * 60_000, pool: pool(2), used });
  }
  const { timesMs, resources } = history.columns();
  assert.is(timesMs.length, 720);
  assert.is(timesMs.at(-1), 2_998 * 60_000);
  assert.is(resources.cpu.allocated.length, 720);
  assert.equal(
    resources.memory.reserved.map((phase) => phase[0]),
    [3, 4, 5],
  );
  assert.is(history.columns(2_996 * 60_000).timesMs.length, 1);
});

test("quality counts phases within each quantile and leaves out what was not measured", () => {
  const board = new QualityBoard();
  // Every column's quantiles are 1, 2, 3, 4.
  const predicted = Array.from({ length: 48 }, (_, row) => (row % 4) + 1);
  const baseline = predicted.map((value) => value * 2);
  const peaks = new Array<number>(12).fill(Number.NaN);
  peaks[0] = 2.5;
  peaks[1] = 3;
  peaks[2] = 9;
  board.add({ instanceId: "a", restartedMs: 5, peaks, predicted, baseline, rung: 0 });
  const { restarts, resources, recent } = board.report();
  assert.is(restarts, 1);
  assert.equal(resources.cpu.ours.coverage, [0, 0, 2 / 3, 2 / 3]);
  assert.equal(resources.cpu.baseline.coverage, [0, 2 / 3, 2 / 3, 2 / 3]);
  assert.is(resources.cpu.ours.room, 3);
  assert.is(resources.cpu.baseline.room, 6);
  assert.is(resources.cpu.needed, 14.5 / 3);
  assert.equal(resources.memory.ours.coverage, [null, null, null, null]);
  assert.equal(recent.resources.cpu, { held: [2], seen: [3] });
  const p50 = board.quantile(0, 0);
  assert.equal(p50, { coverage: 0, over: 0, under: 11.5 / 14.5 });
  const { coverage, over = 0, under = 0 } = board.quantile(0, 3);
  assert.is(coverage, 2 / 3);
  assert.ok(
    Math.abs((over ?? 0) - 2.5 / 14.5) < 1e-12 && Math.abs((under ?? 0) - 5 / 14.5) < 1e-12,
  );
  assert.equal(board.quantile(1, 0), { coverage: null, over: null, under: null });
  const later = new QualityBoard();
  later.restore(JSON.parse(JSON.stringify(board.save())));
  assert.equal(later.report(), board.report());
  assert.is(later.recentCoverage(0), 2 / 3);
});

test("drift is told once the last restarts hold clearly less often than those before", () => {
  const predicted = Array.from({ length: 48 }, (_, row) => (row % 4) + 1);
  const board = new QualityBoard();
  let number = 0;
  /** Of each ten restarts so many need more than the .95 in CPU; memory is not measured. */
  const restarts = (count: number, misses: number): void => {
    for (let index = 0; index < count; index++) {
      const peaks = new Array<number>(12).fill(Number.NaN);
      peaks.fill(number++ % 10 < misses ? 3.5 : 1, 0, 3);
      const outcome = { peaks, predicted, baseline: predicted, rung: 0 as const };
      board.add({ instanceId: "a", restartedMs: number, ...outcome });
    }
  };
  restarts(99, 10);
  assert.is(board.isDrifting(0), null);
  restarts(1, 10);
  // Nothing was seen before, so that what is stated counts.
  assert.is(board.isDrifting(0), true);
  assert.is(board.isDrifting(1), null);
  // What always was bad is no drift.
  restarts(1_000, 2);
  assert.is(board.isDrifting(0), false);
  restarts(400, 5);
  assert.is(board.isDrifting(0), true);
  restarts(2_000, 0);
  assert.is(board.isDrifting(0), false);
  // Better than before is none.
  restarts(400, 0);
  assert.is(board.isDrifting(0), false);
  assert.equal(board.report().resources.cpu.isDrifting, false);
});

/** A restart whose hour goes by on a clock of its own. */
async function oneRestart(call: Call, clock: VirtualClock): Promise<void> {
  const sampleNow = () => {
    const amounts = { cpuCores: 0.5, memoryGiB: 1, networkMbps: 1, disk: 1 };
    return call("POST", "/v1/samples", { instanceId: "a", timeMs: clock.nowMs(), ...amounts });
  };
  const pass = (minutes: number) => clock.advanceTo(clock.nowMs() + minutes * 60_000);
  await call("PUT", "/v1/instances", registration("a"));
  await sampleNow();
  pass(5);
  assert.is((await call("POST", "/v1/instances/a/stopped", {})).status, 204);
  pass(5);
  assert.is((await call("POST", "/v1/instances/a/restarted", {})).status, 200);
  for (let sample = 0; sample < 7; sample++) {
    pass(9);
    await sampleNow();
  }
}

test("history, outcomes and quality survive a restart; a damaged file is put aside", () =>
  withFolder(async (folder) => {
    const yaml = `${ENFORCING}\nledger: { folder: ${folder}/ledger }`;
    const read = async (call: Call) => {
      const outcomes = await call("GET", "/v1/instances/a/outcomes");
      const { nowMs: _now, ...quality } = (await call("GET", "/v1/quality")).body;
      const history = await call("GET", "/v1/pools/history");
      return { items: outcomes.body.items, quality, times: history.body.timesMs as number[] };
    };
    let before: Awaited<ReturnType<typeof read>> | undefined;
    const clock = new VirtualClock(1_795_000_000_000);
    await withService(
      yaml,
      async (call) => {
        await oneRestart(call, clock);
        await eventually(async () => (await call("GET", "/v1/quality")).body.restarts === 1);
        before = await read(call);
        assert.is((before.items as unknown[]).length, 1);
        const { body } = await call("GET", "/metrics");
        for (const name of ["coverage", "over_ratio", "under_ratio"]) {
          const line = `^reprise_prediction_${name}{resource="cpu",quantile="0.95"} [0-9.e-]+$`;
          assert.match(String(body.text), new RegExp(line, "m"));
        }
        assert.match(String(body.text), /^reprise_prediction_restarts 1$/m);
      },
      clock,
    );
    await withService(yaml, async (call) => {
      const after = await read(call);
      assert.equal(after.items, before?.items);
      assert.equal(after.quality, before?.quality);
      assert.equal(after.times.slice(0, before?.times.length), before?.times);
      assert.ok((before?.times.length ?? 0) > 0);
    });
    const file = `${folder}/views.json`;
    writeFileSync(file, readFileSync(file, "utf8").replace("reprise views 1", "reprise views 2"));
    await withService(yaml, async (call) => {
      assert.is((await call("GET", "/v1/quality")).body.restarts, 0);
      assert.ok(existsSync(`${file}.refused`));
    });
  }));

test.run();
