import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NEED_COLUMNS } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { readLearntFile, writeLearntFile } from "../../host/profiler/learnt-file.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const STEP_MS = 300_000;
const COUNT = 12;

function open(seed = 3): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 1_000 * STEP_MS);
  const weights = untrainedWeights(seed);
  return Profiler.open({ maxInstances: 16, weights, workers: 0, clock });
}

function registerAll(profiler: Profiler): void {
  for (let index = 0; index < COUNT; index++) {
    profiler.register({ ...registrationOf(index), jobType: index % 2 === 0 ? "web" : "batch" });
  }
}

async function feed(profiler: Profiler, from: number, until: number): Promise<void> {
  for (let step = from; step < until; step++) {
    for (let index = 0; index < COUNT; index++) profiler.offer(sampleOf(index, step));
    await profiler.tick();
  }
}

/** Shadow cuts, restarts and a launch have taught something. */
async function taught(): Promise<Profiler> {
  const profiler = open();
  registerAll(profiler);
  await feed(profiler, 0, 60);
  const stopMs = FLEET_START_MS + 60 * STEP_MS;
  const predicted = [...profiler.profile("i2").envelope];
  profiler.stopped("i2", stopMs, "interrupted");
  profiler.restarted("i2", stopMs + 1);
  const outcome = {
    instanceId: "i2",
    restartedMs: stopMs + 1,
    peaks: new Array<number>(NEED_COLUMNS).fill(50),
    predicted,
  };
  profiler.outcome({ ...outcome, rung: 0 });
  profiler.outcome({ ...outcome, instanceId: "i3", rung: 3 });
  return profiler;
}

test("a new process that takes it up answers the same and counts on", async () => {
  const before = await taught();
  const bytes = before.snapshotLearnt();
  const after = open();
  after.restoreLearnt(bytes);
  assert.equal(Buffer.from(after.snapshotLearnt()), Buffer.from(bytes), "the same bytes again");
  registerAll(after);
  assert.equal(Buffer.from(after.snapshotLearnt()), Buffer.from(bytes), "own offsets found slots");
  assert.equal(after.profile("i4").trackers, before.profile("i4").trackers);
  assert.ok((after.profile("i4").trackers?.instanceCuts ?? 0) > 0);
  assert.equal(after.profile("i4").trackers?.surges, 1);
  assert.equal(after.profile("i4").trackers?.launches, 1);
  await before.close();
  await after.close();
});

test("with the same samples the restored offsets give the same bits", async () => {
  const before = await taught();
  const after = open();
  after.restoreLearnt(before.snapshotLearnt());
  registerAll(after);
  for (const profiler of [before, after]) {
    profiler.register({ ...registrationOf(13), instanceId: "fresh", jobType: "web" });
    for (let step = 100; step < 120; step++) {
      profiler.offer({ ...sampleOf(13, step), instanceId: "fresh" });
    }
    await profiler.tick();
  }
  const [left, right] = [before.profile("fresh"), after.profile("fresh")];
  assert.is(left.rung, 0);
  assert.equal(right.envelope, left.envelope);
  assert.equal(right.keepNeed, left.keepNeed);
  await before.close();
  await after.close();
});

test("damaged bytes and those of another model are refused and change nothing", async () => {
  const before = await taught();
  const bytes = Buffer.from(before.snapshotLearnt());
  const after = open();
  const empty = Buffer.from(after.snapshotLearnt());
  const cases = [bytes.subarray(0, bytes.length / 2), bytes.subarray(1), Buffer.alloc(0)];
  for (const at of [3, 100, bytes.length - 9]) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    cases.push(flipped);
  }
  for (const each of cases) {
    assert.throws(() => after.restoreLearnt(each), isRepriseError);
    assert.equal(Buffer.from(after.snapshotLearnt()), empty);
  }
  const other = open(4);
  assert.throws(() => other.restoreLearnt(bytes), isRepriseError);
  for (const profiler of [before, after, other]) await profiler.close();
});

test("kill -9 while saving leaves a whole file, the old one or the new one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-learnt-"));
  const file = join(folder, "learnt");
  try {
    assert.is(readLearntFile(file), undefined);
    const profiler = await taught();
    writeLearntFile(file, profiler.snapshotLearnt());
    const entry = fileURLToPath(new URL("./saving-child.js", import.meta.url));
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [entry, file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
      let saves = 0;
      for await (const chunk of child.stdout) {
        saves += chunk.length;
        if (saves > 3 * round) break;
      }
      child.kill("SIGKILL");
      assert.is(await ended, "SIGKILL");
      assert.ok(existsSync(file));
      open().restoreLearnt(readFileSync(file));
    }
    await profiler.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
