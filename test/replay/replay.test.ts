import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RESOURCES } from "../../host/core/abi.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { planScenario } from "../../host/replay/plan-scenario.js";
import { ReprisePolicy } from "../../host/replay/reprise-policy.js";
import { runPolicy } from "../../host/replay/run-policy.js";
import { type ReplayOptions, runReplay } from "../../host/replay/run-replay.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";

const test = suite("replay");
const SMALL: ReplayOptions = { seed: 3, days: 0.5, vmCount: 12, workers: 0 };

async function play(change: Partial<ReplayOptions> = {}) {
  const { timing, ...report } = await runReplay({ ...SMALL, ...change });
  assert.ok(timing.totalSeconds > 0);
  return report;
}

test("gives the same bytes for any number of workers, other ones for another seed", async () => {
  const first = JSON.stringify(await play());
  assert.is(JSON.stringify(await play({ workers: 2 })), first);
  assert.is.not(JSON.stringify(await play({ seed: 4 })), first);
});

test("reports every policy on the same input, and sums that add up", async () => {
  const { input, policies, modelVersion } = await play();
  assert.equal(
    policies.map((one) => one.policy),
    ["reprise", "priority-only-largest", "priority-only-p95"],
  );
  assert.match(modelVersion, /@[0-9a-f]{12}$|^no network$/);
  for (const one of policies) {
    assert.is(one.reclaims.announced, input.capacityLosses);
    const { planned, reclaim, evicted } = one.interruptions;
    const { granted } = one.restarts;
    assert.ok(granted > 0 && granted <= planned + reclaim + evicted);
    for (const resource of RESOURCES) {
      const { phases, coverage } = one.need[resource];
      assert.ok(phases > 0 && phases <= 3 * granted);
      assert.ok(coverage !== null && coverage >= 0 && coverage <= 1);
    }
    assert.is(total(one), total(policies[0]));
  }
  const [ours] = policies;
  const { made, used, unused, open } = ours?.reservations ?? {};
  assert.is(made, (used ?? 0) + (unused ?? 0) + (open ?? 0));
  assert.ok((ours?.restarts.reserved ?? 0) > 0);
});

function total(of: { samples: number; unseenSamples: number } | undefined): number {
  return (of?.samples ?? 0) + (of?.unseenSamples ?? 0);
}

test("another predictor answers in the place of the network, and the report names it", async () => {
  const network = await play();
  const vpa = await play({ predictor: "vpa" });
  assert.is(vpa.modelVersion, "vpa");
  assert.equal(vpa.policies[1], network.policies[1]);
  assert.not.equal(vpa.policies[0]?.need, network.policies[0]?.need);
  assert.equal(await play({ predictor: "vpa", workers: 2 }), vpa);
});

test("keeps every invariant on every change, with and without a network", async () => {
  const folder = openTraceFolder(undefined);
  const scenario = await planScenario(folder, { seed: 11, days: 0.5, vmCount: 10 });
  const report = await runPolicy(
    scenario,
    async (clock) => {
      const maxInstances = scenario.instances.length;
      const profiler = Profiler.open({ maxInstances, weights: null, workers: 0, clock });
      const ledger = new MemoryLedger();
      const modelVersion = "no network";
      return new ReprisePolicy({ scenario, clock, profiler, ledger, modelVersion, debug: true });
    },
    () => {},
  );
  assert.is(report.policy, "reprise");
  assert.ok(report.restarts.granted > 0);
});

test("writes its decisions to a ledger folder, and refuses one that is in use", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-replay-"));
  try {
    const ledgerFolder = join(folder, "ledger");
    const days = 0.25;
    const durable = await play({ ledgerFolder, days });
    assert.equal(durable, await play({ days }));
    try {
      await play({ ledgerFolder, days });
      assert.unreachable();
    } catch (error) {
      assert.ok(isRepriseError(error), `${error}`);
      assert.is(error.code, "ERR_ARGUMENT");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("names the file that is not a trace", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-replay-"));
  try {
    const series = join(folder, "bitbrains_rnd", "series");
    mkdirSync(series, { recursive: true });
    writeFileSync(join(series, "rnd_1.csv"), "a,b\n1,2\n");
    for (const code of ["ERR_ARGUMENT", "ERR_TRACE_FORMAT"]) {
      try {
        await play({ data: folder });
        assert.unreachable();
      } catch (error) {
        assert.ok(isRepriseError(error), `${error}`);
        assert.is(error.code, code);
        assert.ok(error.message.includes(folder));
      }
      for (const spot of openTraceFolder(undefined).spotFiles) {
        const name = spot.slice(spot.indexOf("spot_skypilot"));
        mkdirSync(join(folder, name, ".."), { recursive: true });
        writeFileSync(join(folder, name), "{}");
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
