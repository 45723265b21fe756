import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import type { Series } from "../../host/model/training/series.js";
import { readWeights } from "../../host/model/weights.js";
import { restartReports } from "../../host/profiler/evaluation/restart-report.js";
import {
  type StreamedRestart,
  streamSeries,
} from "../../host/profiler/evaluation/series-stream.js";
import { syntheticSeries } from "../train/synthetic-series.js";

const test = suite("restarts through the profiler");

const weights = readWeights(present(shippedWeightsFile(), "shipped weights"));

/** Off for an hour before each restart, then twice the load for half an hour. */
function restarting(name: string, seed: number, restarts: readonly number[]): Series {
  const whole = syntheticSeries(name, seed, 3);
  const isOff = (sample: number) => restarts.some((at) => sample >= at - 12 && sample < at);
  const kept = [...whole.times.keys()].filter((sample) => !isOff(sample));
  const values = Float32Array.from(
    kept.flatMap((sample) => {
      const factor = restarts.some((at) => sample >= at && sample < at + 6) ? 2 : 1;
      return [...whole.values.slice(4 * sample, 4 * sample + 4)].map((value) => factor * value);
    }),
  );
  return {
    ...whole,
    times: Float64Array.from(kept, (sample) => whole.times[sample] ?? 0),
    values,
    launches: new Uint8Array(kept.length),
  };
}

const AT = [200, 400, 600, 800];
const VMS = 8;

function fleet(change: (values: Float32Array, series: number) => void = () => undefined) {
  const restarts = new Map<string, { vm: string; kind: string; sampleSeconds: number }[]>();
  const series = Array.from({ length: VMS }, (_, index) => {
    const at = AT.map((sample) => sample + index * 3);
    const one = restarting(`vm_${index}`, index, at);
    const first = syntheticSeries("clock", 0, 3).times;
    restarts.set(
      one.name,
      at.map((sample) => ({
        vm: one.name,
        kind: "cold",
        sampleSeconds: Math.round(first[sample] ?? 0),
      })),
    );
    change(one.values, index);
    return one;
  });
  return { series, restarts };
}

async function streamed({ series, restarts }: ReturnType<typeof fleet>) {
  const found: StreamedRestart[] = [];
  const fromSeconds = (series[0]?.times[0] ?? 0) - 1;
  await streamSeries({
    series,
    fromSeconds,
    weights,
    teach: true,
    jobType: "vm",
    restarts,
    onRestart: (one) => found.push(one),
  });
  return found;
}

test("each restart is asked about at the last sample before it", async () => {
  const found = await streamed(fleet());
  assert.is(found.length, AT.length * VMS);
  for (const { restartSeconds, askedSeconds, outageMinutes, profile, peaks, limits } of found) {
    assert.is(profile.lastUpdatedMs, askedSeconds * 1_000);
    assert.ok(Math.abs(outageMinutes - 60) < 0.1, `${outageMinutes} min`);
    assert.ok(Math.abs(restartSeconds - askedSeconds - 3_600) < 1);
    assert.ok(peaks.every((peak) => peak > 0));
    assert.ok((limits.cpu ?? 0) > 0 && limits.network === undefined);
  }
  // An outcome is known an hour after the restart, and not before.
  for (const one of found) {
    const over = found.filter((other) => other.restartSeconds + 3_600 <= one.restartSeconds);
    assert.ok(Math.abs(over.length - one.learnt) <= 2, `${one.learnt} of ${over.length}`);
  }
});

test("no answer depends on what comes after it", async () => {
  const last = 3 * 288 - 50;
  const before = await streamed(fleet());
  const after = await streamed(
    fleet((values) => {
      values.fill(9, 4 * last);
    }),
  );
  const asked = (found: readonly StreamedRestart[]) =>
    found.map(({ profile }) => [...profile.envelope]);
  assert.equal(asked(after), asked(before));
});

test("the report: surge learnt, limits and baselines beside it", async () => {
  const { series, restarts } = fleet();
  const reports = await restartReports(series, restarts, weights);
  assert.equal(reports.map(({ set, restarts: count }) => `${set}: ${count}`).slice(0, 2), [
    `cold, selected by its burst; all: ${AT.length * VMS}`,
    `cold, selected by its burst; after 20 restarts: ${reports[1]?.restarts}`,
  ]);
  const settled = present(reports[1], "settled");
  assert.ok(settled.restarts > 0 && settled.restarts <= AT.length * VMS - 20);
  const [cpu, , network] = settled.resources;
  const named = (name: string) => cpu?.grants.find((grant) => grant.name === name);
  const [ours, alone, limit] = ["profiler", "network alone", "its limit"].map(named);
  assert.is(limit?.coverage, 1);
  assert.is(limit?.ofLimit, 1);
  assert.ok((ours?.coverage ?? 0) > (alone?.coverage ?? 1), JSON.stringify([ours, alone]));
  assert.ok((ours?.ofLimit ?? 1) < 1);
  assert.equal(
    network?.grants.map(({ name }) => name),
    ["profiler", "network alone", "max 7 d", "VPA"],
  );
  assert.is(network?.grants[0]?.ofLimit, undefined);
  assert.equal(await restartReports(series, new Map(), weights), []);
});

test.run();
