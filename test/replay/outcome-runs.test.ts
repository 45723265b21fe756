import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import type { OutcomeRun } from "../../host/replay/outcome/outcome-run.js";
import {
  type OutcomeOptions,
  type OutcomeResult,
  runOutcome,
} from "../../host/replay/outcome/run-outcome.js";
import { openTraceFolder, withCapacityOf } from "../../host/replay/trace-folder.js";

const test = suite("runs of the outcome world");
const folder = mkdtempSync(join(tmpdir(), "reprise-outcome-runs-"));
test.after(() => rmSync(folder, { recursive: true }));
const cache = join(folder, "cache");
const runFolder = join(folder, "runs");

const OPTIONS: OutcomeOptions = {
  seed: 4,
  seeds: 2,
  days: 0.25,
  nodeCount: 3,
  capacity: "skypilot",
  policies: ["kube", "reprise"],
  plansJudged: 0,
  jobs: 0,
};

/** All but what was measured with a clock. */
function figures(runs: readonly OutcomeRun[]) {
  return runs.map(({ seconds: _, planMsP99: __, ...rest }) => rest);
}

let plain: OutcomeResult;

test("the figures depend neither on threads nor on forecasts kept from before", async () => {
  plain = await runOutcome({ ...OPTIONS, cache });
  assert.equal(
    plain.runs.map(({ policy, seed }) => [policy, seed]),
    [
      ["kube", 4],
      ["reprise", 4],
      ["kube", 5],
      ["reprise", 5],
    ],
  );
  assert.ok(plain.losses > 0 && plain.planned > 0);
  const shares: number[] = [];
  const threaded = await runOutcome({ ...OPTIONS, cache, jobs: 2 }, (part, done) => {
    if (part === "4 runs") shares.push(done);
  });
  assert.equal(figures(threaded.runs), figures(plain.runs));
  assert.is(shares.at(-1), 1);
  assert.is(readdirSync(cache).length, 1);
});

test("kept runs are taken when asked for, and only under the same conditions", async () => {
  const kept = { ...OPTIONS, cache, runFolder };
  const half = await runOutcome({ ...kept, seeds: 1 });
  assert.is(half.resumed, 0);
  const whole = await runOutcome({ ...kept, resume: true });
  assert.is(whole.resumed, 2);
  assert.equal(figures(whole.runs), figures(plain.runs));
  assert.equal(whole.runs.slice(0, 2), half.runs);
  const again = await runOutcome({ ...kept, seeds: 1 });
  assert.is(again.resumed, 0);
  const other = await runOutcome({ ...kept, policies: ["kube"], nodeCount: 2, resume: true });
  assert.is(other.resumed, 0);
});

test("damaged files are named", async () => {
  const [run] = readdirSync(runFolder);
  writeFileSync(join(runFolder, run ?? ""), "{");
  const resumed = { ...OPTIONS, cache, runFolder, seeds: 9, seed: 1, resume: true };
  await refuses(runOutcome(resumed), "ERR_ARGUMENT");
  const [forecasts] = readdirSync(cache);
  const file = join(cache, forecasts ?? "");
  truncateSync(file, readFileSync(file).byteLength - 4);
  await refuses(runOutcome({ ...OPTIONS, cache }), "ERR_ARGUMENT");
});

test("the sample keeps its own traces, and says which ones it lacks", () => {
  const sample = openTraceFolder(undefined);
  assert.equal(withCapacityOf(sample, "skypilot"), sample);
  for (const source of ["bamboo", "both"] as const) {
    try {
      withCapacityOf(sample, source);
      assert.unreachable();
    } catch (error) {
      assert.ok(isRepriseError(error) && error.code === "ERR_ARGUMENT");
    }
  }
});

async function refuses(promise: Promise<unknown>, code: string): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.ok(isRepriseError(error) && error.code === code, String(error));
    return;
  }
  assert.unreachable();
}

test.run();
