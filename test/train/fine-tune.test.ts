import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SUMMARY_ROWS } from "../../host/core/abi.js";
import { present } from "../../host/lib/assert.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { drawCuts, recordingCalendar } from "../../host/model/training/cuts.js";
import {
  FINE_TUNE_DEFAULTS,
  type FineTuneResult,
  fineTune,
} from "../../host/model/training/fine-tune.js";
import { parameterLayout, widened } from "../../host/model/training/parameters.js";
import { parametersOf } from "../../host/model/training/product.js";
import { loadRecordings } from "../../host/model/training/recordings.js";
import type { Series } from "../../host/model/training/series.js";
import { readWeights } from "../../host/model/weights.js";
import { BITBRAINS_COLUMNS } from "../../host/sources/bitbrains/row.js";
import type { SourceEvent } from "../../host/sources/sample.js";
import { SampleLines } from "../../host/sources/samples/sample-lines.js";
import { runReprise } from "../support/command-line.js";
import { syntheticSeries } from "./synthetic-series.js";

const test = suite("fine-tune");
const folder = mkdtempSync(join(tmpdir(), "reprise-fine-tune-"));
test.after(() => rmSync(folder, { recursive: true }));

const MODEL = present(shippedWeightsFile(), "the shipped weights");
const RECORDED = [1, 2, 3].map((seed) => syntheticSeries(`web-${seed}`, seed, 20));
const OPTIONS = { ...FINE_TUNE_DEFAULTS, events: 80, scored: 20, epochs: 3, seed: 5 };

test("three parts of a recording, one after another, whatever its length", () => {
  for (const days of [0.5, 3, 20, 400]) {
    const start = 1_700_000_000;
    const calendar = recordingCalendar(start, start + days * 86_400);
    const { train, validate, test: last } = calendar.days;
    assert.is(train[1], validate[0]);
    assert.is(validate[1], last[0]);
    assert.ok(train[0] <= 8 && train[0] < train[1] && validate[0] < validate[1]);
    const cuts = drawCuts(
      { calendar, seed: 1, train: 50, validate: 50, validateAll: 0, test: 50 },
      0,
    );
    for (const { set, at } of cuts) {
      const day = (at - start) / 86_400;
      const [from, until] = calendar.days[set];
      const early = set === "train" ? calendar.young[0] : from;
      assert.ok(day > early - 1e-4 && day <= until, `${set} on day ${day} of ${days}`);
    }
  }
});

test("on load of another kind the weights get better, the same bits for any worker count", async () => {
  const weights = readWeights(MODEL);
  const options = { ...OPTIONS, events: 300, peakRate: 0.004 };
  const one = await fineTune(weights, RECORDED, { ...options, workers: 1 });
  assert.ok(one.lossAfter < 0.9 * one.lossBefore, `${one.lossBefore} to ${one.lossAfter}`);
  assert.ok(one.bestEpoch >= 1 && one.reports.length <= 3);
  assert.is(one.shape.summarySize, SUMMARY_ROWS);
  for (const row of [100, 104]) assert.ok(isHeard(one, row), "of restarts in the recordings");
  const two = await fineTune(weights, RECORDED, { ...options, workers: 2 });
  assert.equal(two.parameters, one.parameters);
  assert.equal([two.lossBefore, two.lossAfter], [one.lossBefore, one.lossAfter]);
});

/** Whether any unit of the head's first layer has a weight for a summary row. */
function isHeard({ parameters, shape }: FineTuneResult, row: number): boolean {
  const { tensors } = parameterLayout(shape);
  const head = present(
    tensors.find(({ name }) => name === "head.0.weight"),
    "head",
  );
  const [units = 0, width = 0] = head.shape;
  for (let unit = 0; unit < units; unit++) {
    if (parameters[head.offset + unit * width + shape.hiddenSize + row] !== 0) return true;
  }
  return false;
}

const FALLS = "falls";
const RISES = "rises";
/** Samples. */
const LIFE = 72;

/**
 * Six hours, begun at some time of one day: flat for three, then eightfold or an eighth for good,
 * as the job type says. Nothing before tells which.
 */
function typedSeries(index: number): Series {
  const prng = new Prng(100 + index);
  const plain = syntheticSeries(`job-${index}`, 1, 1);
  const rises = index % 2 === 0;
  const from = 12 * Math.floor(index / 2) + prng.below(12);
  const times = plain.times.slice(from, from + LIFE);
  const values = Float32Array.from({ length: times.length * 4 }, (_, at) => {
    const change = at < LIFE * 2 ? 1 : rises ? 8 : 1 / 8;
    return (0.9 + 0.2 * prng.uniform()) * change;
  });
  const launches = plain.launches.slice(0, times.length);
  return { ...plain, times, values, launches, caps: [], jobType: rises ? RISES : FALLS };
}

test("job types in the recordings are heard and help", async () => {
  const weights = readWeights(MODEL);
  const typed = Array.from({ length: 38 }, (_, index) => typedSeries(index));
  const bare = typed.map(({ jobType: _, ...series }): Series => series);
  const options = { ...OPTIONS, events: 250, epochs: 4, peakRate: 0.012, workers: 2 };
  const [withTypes, without] = [
    await fineTune(weights, typed, options),
    await fineTune(weights, bare, options),
  ];
  assert.is(withTypes.lossBefore, without.lossBefore);
  assert.ok(withTypes.lossAfter < 0.8 * without.lossAfter, `${withTypes.lossAfter}`);
  for (const row of [96, 97, 98, 99]) {
    assert.ok(isHeard(withTypes, row), `row ${row}`);
    assert.not.ok(isHeard(without, row), `row ${row}`);
  }
  assert.not.ok(isHeard(withTypes, 81), "ages stay unheard");
});

test("the held-back part takes no part in training or in choosing the epoch", async () => {
  const weights = readWeights(MODEL);
  const changed = RECORDED.map((series): Series => {
    const values = series.values.slice();
    const from = Math.floor(series.times.length * 0.95) * 4;
    for (let index = from; index < values.length; index++) values[index] = 7;
    return { ...series, values };
  });
  const options = { ...OPTIONS, epochs: 1, workers: 2 };
  const plain = await fineTune(weights, RECORDED, options);
  const other = await fineTune(weights, changed, options);
  assert.equal(other.parameters, plain.parameters);
  assert.is.not(other.lossAfter, plain.lossAfter);
});

test("recordings too short, and weights for other rows, are refused", async () => {
  const weights = readWeights(MODEL);
  const code = async (given: typeof weights, series: readonly Series[]) => {
    try {
      await fineTune(given, series, { ...OPTIONS, workers: 1 });
    } catch (error) {
      return isRepriseError(error) ? error.code : String(error);
    }
    return "accepted";
  };
  assert.is(await code(weights, [syntheticSeries("short", 1, 0.02)]), "ERR_ARGUMENT");
  assert.is(await code({ ...weights, inputSize: 12 }, RECORDED), "ERR_SHAPE");
});

function write(name: string, lines: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

async function eventsOf(source: SampleLines): Promise<SourceEvent[]> {
  const events: SourceEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

test("lines of samples, limits and restarts are read; bad samples counted, bad lines refused", async () => {
  const file = write("mixed.ndjson", [
    { kind: "limits", instanceId: "a", timeMs: 1_000, limits: { cpu: 4 }, jobType: "web" },
    { instanceId: "a", timeMs: 1_000, cpuCores: 1.5 },
    { instanceId: "b", timeMs: 500, memoryGiB: 2, perCoreCores: [0.5, 2], connections: 7 },
    { instanceId: "b", timeMs: 600, perCoreCores: [0.5, -2] },
    { instanceId: "a", timeMs: 900, cpuCores: 1 },
    { instanceId: "a", timeMs: 2_000, cpuCores: -1 },
    { instanceId: "a", timeMs: 2_000, cpuCores: "1" },
    { kind: "restarted", instanceId: "a", timeMs: 2_500 },
    { kind: "sample", instanceId: "a", timeMs: 3_000, disk: 0 },
  ]);
  const source = new SampleLines(file);
  const events = await eventsOf(source);
  assert.equal(
    events.map(({ kind }) => kind),
    ["registered", "sample", "sample", "restarted", "sample"],
  );
  assert.equal(events[4], {
    kind: "sample",
    sample: { instanceId: "a", timeMs: 3_000, disk: 0 },
  });
  assert.equal(
    [...source.dropped],
    [
      ["negative", 2],
      ["out-of-order", 1],
      ["not-a-number", 1],
    ],
  );
  const series = await loadRecordings(file);
  assert.equal(
    series.map(({ name, times }) => [name, [...times]]),
    [
      ["a", [1, 3]],
      ["b", [0.5]],
    ],
  );
  assert.equal([...(series[0]?.launches ?? [])], [1, 1]);
  assert.is(series[0]?.caps[0]?.values[0], 4);
  assert.equal([series[0]?.jobType, series[1]?.jobType], ["web", undefined]);
  assert.equal(
    [series[0]?.extras, [...(series[1]?.extras ?? [])]],
    [undefined, [Number.NaN, 2, 7]],
  );
  for (const [line, pattern] of [
    [[1], /line 1: the line is no recorded sample/],
    [{ timeMs: 1 }, /field instanceId/],
    [{ instanceId: "a", timeMs: "now" }, /field timeMs.*got "now"/],
    [{ instanceId: "a", timeMs: 1, kind: "limits", jobType: 3 }, /field jobType.*got 3/],
    [{ instanceId: "a", timeMs: 1, kind: "gone" }, /field kind.*sample, limits or restarted/],
  ] as const) {
    try {
      await eventsOf(new SampleLines(write("bad.ndjson", [line])));
      assert.unreachable();
    } catch (error) {
      assert.ok(isRepriseError(error) && error.code === "ERR_TRACE_FORMAT");
      assert.match(String(error), pattern);
    }
  }
});

test("a folder may mix formats; nothing to read, or one instance twice, is refused", async () => {
  const place = mkdtempSync(join(folder, "mixed"));
  const code = async () => {
    try {
      await loadRecordings(place);
    } catch (error) {
      return isRepriseError(error) ? error.code : String(error);
    }
    return "accepted";
  };
  assert.is(await code(), "ERR_CONFIG");
  const header = BITBRAINS_COLUMNS.join(";");
  writeFileSync(join(place, "web-2.csv"), `${header}\n1000;2;4000;100;2.5;4e6;1e6;0;10;0;5\n`);
  const line = { instanceId: "web-1", timeMs: 1_000_000, cpuCores: 1 };
  writeFileSync(join(place, "others.ndjson.gz"), gzipSync(JSON.stringify(line)));
  writeFileSync(join(place, "notes.txt"), "not a recording");
  const series = await loadRecordings(place);
  assert.equal(
    series.map(({ name, times }) => [name, [...times]]),
    [
      ["web-1", [1_000]],
      ["web-2", [1_000]],
    ],
  );
  writeFileSync(join(place, "web-1.csv"), `${header}\n1000;2;4000;100;2.5;4e6;1e6;0;10;0;5\n`);
  assert.is(await code(), "ERR_ARGUMENT");
});

function recordedLines(series: Series): unknown[] {
  const { name: instanceId, times, values } = series;
  const limits = { cpu: 64, memory: 256 };
  return [
    { kind: "limits", instanceId, timeMs: (times[0] ?? 0) * 1_000, limits },
    ...Array.from(times, (seconds, index) => {
      const [cpuCores, memoryGiB, networkMbps, disk] = values.subarray(index * 4, index * 4 + 4);
      return { instanceId, timeMs: seconds * 1_000, cpuCores, memoryGiB, networkMbps, disk };
    }),
  ];
}

test("the command writes better weights, and no others unless forced", async () => {
  const data = write("recorded.ndjson", RECORDED.slice(0, 2).flatMap(recordedLines));
  const out = join(folder, "mine.safetensors");
  const common = ["fine-tune", "--model", MODEL, "--data", data, "--out", out, "--workers", "1"];
  const words = [...common, "--epochs", "1", "--events", "60", "--scored", "15", "--json"];
  const still = await runReprise([...words, "--rate", "0"]);
  assert.is(still.code, 1);
  assert.match(JSON.parse(still.stderr.split("\n").at(-2) ?? "").error.message, /not better/);
  assert.not.ok(existsSync(out));
  const forced = await runReprise([...words, "--rate", "0", "--force"]);
  assert.is(forced.code, 0, forced.stderr);
  const before = readWeights(MODEL);
  const wide = readWeights(out);
  assert.equal(widened(parametersOf(before), before, wide), parametersOf(wide));
  assert.equal(wide.tensors["head.4.weight"], before.tensors["head.4.weight"]);
  const tuned = await runReprise([...words, "--date", "2026-01-31"]);
  assert.is(tuned.code, 0, tuned.stderr);
  const report = JSON.parse(tuned.stdout);
  assert.ok(report.lossAfter < report.lossBefore && report.bestEpoch === 1);
  const after = readWeights(out);
  assert.is(report.version, after.version);
  assert.match(after.version, /^mine@/);
  assert.is(after.metadata.parent, before.version);
  assert.is(after.metadata.date, "2026-01-31");
  assert.match(after.metadata.data ?? "", /then 2 recorded instances$/);
});

test.run();
