import { suite } from "uvu";
import * as assert from "uvu/assert";
import { needColumn } from "../../host/core/abi.js";
import { firstAfter, readSeries, type Series } from "../../host/model/training/series.js";
import { isRunning, phasePeaks } from "../../host/model/training/truth.js";
import type { SourceEvent } from "../../host/sources/sample.js";

const test = suite("truth of virtual cuts");

/** Samples at 300, 600, ... seconds whose value in every resource is their number. */
function counting(count: number, skip: readonly number[] = []): Series {
  const kept = Array.from({ length: count }, (_, index) => index + 1).filter(
    (number) => !skip.includes(number),
  );
  return {
    name: "counting",
    times: Float64Array.from(kept, (number) => number * 300),
    values: Float32Array.from(kept.flatMap((number) => [number, number, number, number])),
    launches: new Uint8Array(kept.length),
    caps: [],
  };
}

const cpu = (peaks: Float64Array) => [0, 1, 2].map((phase) => peaks[needColumn(0, phase)]);

test("a phase a-b holds the samples with restart + a < time <= restart + b", () => {
  // Cut at sample 4 (1200 s), outage 10 min: restart at 1800 s = sample 6.
  assert.equal(cpu(phasePeaks(counting(30), 1200, 10)), [8, 12, 18]);
  // A second later the sample at each end moves by one.
  assert.equal(cpu(phasePeaks(counting(30), 1201, 10)), [8, 12, 18]);
  assert.equal(cpu(phasePeaks(counting(30), 1199, 10)), [7, 11, 17]);
  assert.equal(cpu(phasePeaks(counting(30), 1200, 0)), [6, 10, 16]);
});

test("a gap in a phase or at its edge leaves no truth there, and only there", () => {
  const [first, second, third] = cpu(phasePeaks(counting(30, [10]), 1200, 10));
  assert.is(first, 8);
  assert.ok(Number.isNaN(second));
  assert.is(third, 18);
  // The sample before the phase is needed too: without it the phase may have begun off.
  assert.ok(Number.isNaN(cpu(phasePeaks(counting(30, [6]), 1200, 10))[0]));
});

test("the end of the series leaves no truth", () => {
  const peaks = cpu(phasePeaks(counting(14), 1200, 10));
  assert.is(peaks[1], 12);
  assert.ok(Number.isNaN(peaks[2]));
});

test("a missing value leaves no truth for its resource alone", () => {
  const series = counting(30);
  series.values[6 * 4 + 1] = Number.NaN;
  const peaks = phasePeaks(series, 1200, 10);
  assert.ok(Number.isNaN(peaks[needColumn(1, 0)]));
  assert.is(peaks[needColumn(0, 0)], 8);
  assert.is(peaks[needColumn(1, 1)], 12);
});

test("an instance without a recent sample is not running", () => {
  const series = counting(10);
  assert.is(isRunning(series, 200), false);
  assert.is(isRunning(series, 300), true);
  assert.is(isRunning(series, 3900), true);
  assert.is(isRunning(series, 3901), false);
});

test("firstAfter finds the first later time", () => {
  const times = Float64Array.of(1, 2, 2, 3);
  assert.equal(
    [0, 1, 2, 2.5, 3].map((at) => firstAfter(times, at)),
    [0, 1, 3, 3, 4],
  );
});

test("readSeries keeps columns, launches and caps; a series without samples is refused", async () => {
  async function* events(list: readonly SourceEvent[]): AsyncGenerator<SourceEvent> {
    yield* list;
  }
  const registration = {
    instanceId: "a",
    groupId: "g",
    nodeId: "n",
    priority: 0,
    interruptible: true,
    limits: { cpu: 4 },
  };
  const sample = (timeMs: number, cpuCores?: number): SourceEvent => ({
    kind: "sample",
    sample: { instanceId: "a", timeMs, ...(cpuCores === undefined ? {} : { cpuCores }) },
  });
  const series = await readSeries(
    "a",
    events([
      { kind: "registered", registration, timeMs: 1000 },
      sample(1000, 1),
      sample(2000),
      { kind: "restarted", instanceId: "a", timeMs: 2500 },
      sample(3000, 2),
    ]),
  );
  assert.equal([...series.times], [1, 2, 3]);
  assert.equal([...series.launches], [1, 0, 1]);
  assert.is(series.values[0], 1);
  assert.ok(Number.isNaN(series.values[4]));
  assert.is(series.caps[0]?.values[0], 4);
  assert.ok(Number.isNaN(series.caps[0]?.values[1]));
  let code = "";
  await readSeries("b", events([])).catch((error: { code: string }) => {
    code = error.code;
  });
  assert.is(code, "ERR_TRACE_FORMAT");
});

test.run();
