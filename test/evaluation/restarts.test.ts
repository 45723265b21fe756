import { suite } from "uvu";
import * as assert from "uvu/assert";
import { needColumn } from "../../host/core/abi.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { restartCuts } from "../../host/model/training/restart-cuts.js";
import { phasePeaks } from "../../host/model/training/truth.js";
import { readRestarts } from "../../host/sources/bitbrains/restarts.js";
import { syntheticSeries } from "../train/synthetic-series.js";

const test = suite("recognised restarts");

const HEADER =
  "vm,kind,event_ts,off_s,granted_ratio,pre_cpu_pct_med2h,pre_mem_kb_med2h,pre_disk_read_med2h," +
  "post_cpu_pct_max15m,post_mem_kb_max15m,post_disk_read_max15m\n";

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

const read = (text: string) => readRestarts({ name: "events.csv", chunks: bytes(text) });

test("the list is read line by line", async () => {
  const found = [];
  const text = `${HEADER}rnd_1,cold,1372718913,300,1.0,0.4,162179,0,37.1,7040835,2703.5\n`;
  for await (const restart of read(text)) found.push(restart);
  assert.equal(found, [{ vm: "rnd_1", kind: "cold", sampleSeconds: 1372718913 }]);
});

test("a line without a time is refused with its place", async () => {
  try {
    for await (const _ of read(`${HEADER}rnd_1,cold,soon,300,1,0,0,0,0,0,0\n`)) break;
    assert.unreachable();
  } catch (error) {
    assert.ok(isRepriseError(error));
    assert.is(isRepriseError(error) && error.code, "ERR_TRACE_FORMAT");
  }
});

test("a restart is asked about at the last sample before it, for its earliest moment", () => {
  const whole = syntheticSeries("vm", 1, 2);
  // Off from sample 100 to 220: ten hours.
  const kept = [...whole.times.keys()].filter((index) => index < 100 || index >= 220);
  const series = {
    ...whole,
    times: Float64Array.from(kept, (index) => whole.times[index] ?? 0),
    values: Float32Array.from(kept.flatMap((i) => [...whole.values.slice(4 * i, 4 * i + 4)])),
    launches: new Uint8Array(kept.length),
  };
  const [before = 0, after = 0] = series.times.slice(99, 101);
  const restarts = new Map([
    [
      "vm",
      [
        { vm: "vm", kind: "power_on", sampleSeconds: after },
        { vm: "vm", kind: "first_power_on", sampleSeconds: series.times[0] ?? 0 },
      ],
    ],
  ]);
  const other = { ...series, name: "other" };
  const cuts = restartCuts([other, series], restarts);
  assert.is(cuts.length, 1, "a first start has nothing before it");
  const [cut] = cuts;
  assert.equal(cut?.restart, { lane: 1, kind: "power_on" });
  assert.ok((cut?.at ?? 0) >= before && (cut?.at ?? Infinity) < after);
  const outage = (after - 300 - before) / 60;
  assert.is(cut?.outages[1], outage);
  assert.equal(restartCuts([series], undefined), []);
  // A gap makes a virtual cut's truth unknown, and is what a restart begins with.
  assert.ok(Number.isNaN(phasePeaks(series, before, outage)[0]));
  const peaks = phasePeaks(series, before, outage, true);
  assert.is(
    peaks[needColumn(1, 0)],
    Math.max(series.values[100 * 4 + 1] ?? 0, series.values[101 * 4 + 1] ?? 0),
  );
  assert.is(
    peaks[needColumn(0, 1)],
    Math.max(...[102, 103, 104, 105].map((sample) => series.values[sample * 4] ?? 0)),
  );
});

test.run();
