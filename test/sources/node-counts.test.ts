import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import { scheduleCapacity } from "../../host/replay/capacity-schedule.js";
import { readNodeCounts } from "../../host/sources/bamboo/node-counts.js";

const test = suite("Bamboo's node traces");
const folder = mkdtempSync(join(tmpdir(), "reprise-node-counts-"));
test.after(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const file = join(folder, "trace.csv");
  writeFileSync(file, text);
  return file;
}

test("nodes added and removed: their number, at its last value of each time", async () => {
  const file = written("0,add,a\n0,add,b\n0,add,c\n5000,remove,b\n5000,add,d\n9000,remove,a\n");
  assert.equal(await readNodeCounts(file), {
    counts: [
      { timeMs: 0, available: 3 },
      { timeMs: 9000, available: 2 },
    ],
    lengthMs: 9000,
  });
});

test("counts by the clock: from the first line on, what the clock says again passed over", async () => {
  const file = written(
    "2021-12-10, 23:59:00, 80\n2021-12-11, 00:00:00, 70\n2021-12-10, 23:59:30, 5\n" +
      "2021-12-11, 00:01:00, 75\n",
  );
  assert.equal(await readNodeCounts(file), {
    counts: [
      { timeMs: 0, available: 80 },
      { timeMs: 60_000, available: 70 },
      { timeMs: 120_000, available: 75 },
    ],
    lengthMs: 120_000,
  });
});

test("counts before and after: seconds, or hours where there are fractions", async () => {
  const seconds = await readNodeCounts(written("0,0\n60,0\n60,4\n90,4\n90,3\n120,3\n"));
  assert.equal(seconds.counts, [
    { timeMs: 0, available: 0 },
    { timeMs: 60_000, available: 4 },
    { timeMs: 90_000, available: 3 },
  ]);
  assert.is(seconds.lengthMs, 120_000);
  const hours = await readNodeCounts(written("0.000,0\n0.500,0\n0.500,9\n1.000,9\n"));
  assert.equal(hours.counts[1], { timeMs: 1_800_000, available: 9 });
});

test("damage is named with its line, an empty file too", async () => {
  for (const text of ["0,add,a\nnonsense\n", "1,2,3,4\n", "0,99999999999\n"]) {
    try {
      await readNodeCounts(written(text));
      assert.unreachable(text);
    } catch (error) {
      assert.ok(isRepriseError(error) && error.code === "ERR_TRACE_FORMAT", text);
      assert.match(error.message, /line/);
    }
  }
  await rejects(readNodeCounts(written("\n")));
});

test("a zone follows such a trace: losses and returns add up to what is held", async () => {
  const file = written("0,add,a\n0,add,b\n3600000,remove,a\n7200000,add,a\n10800000,remove,b\n");
  const toMs = 3 * 3_600_000;
  const events = await scheduleCapacity(file, { zoneId: "z", fromMs: 0, toMs, seed: 1 });
  const byTime = [...events].sort((a, b) => a.timeMs - b.timeMs);
  assert.equal(
    byTime.map(({ timeMs, fraction }) => [timeMs / 3_600_000, fraction]),
    [
      [1, -0.5],
      [2, 0.5],
    ],
  );
});

async function rejects(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    return;
  }
  assert.unreachable();
}

test.run();
