/**
 * The population's first hour: what training VMs of the Bitbrains trace needed in each phase after
 * they were first switched on, up to day 62. Selected by the power state, not by usage.
 *
 *     node build/js/bench/calibration/population-prior.js DATA > host/model/weights/population-prior.json
 *
 * DATA is the folder of the trace. Quantiles are the smallest values that cover the share of n + 1,
 * so with so few VMs those at .99 are the largest seen.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  PHASE_END_MINUTES,
  QUANTILES,
  RESOURCES,
} from "../../host/core/abi.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { upperQuantile } from "../../host/profiler/surge-table.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import { type PackedSeries, packVm } from "./support/fleet.js";

/** A sample averages the 300 s before it. */
const INTERVAL_SECONDS = 300;
const UNTIL_SECONDS = TRACE_START_SECONDS + SET_DAYS.test[0] * 86_400;
const LIMITED = ["cpu", "memory"] as const;

/** Resource x phase from the launch on; NaN where nothing was seen. */
function peaksOf(series: PackedSeries, launchSeconds: number): number[] {
  const peaks = new Array<number>(NEED_COLUMNS).fill(-1);
  series.seconds.forEach((seconds, index) => {
    const since = seconds - launchSeconds;
    const phase = since <= 0 ? -1 : PHASE_END_MINUTES.findIndex((end) => since <= end * 60);
    if (phase < 0) return;
    series.values(index).forEach((value, resource) => {
      const column = needColumn(resource, phase);
      peaks[column] = Math.max(peaks[column] ?? -1, value);
    });
  });
  return peaks.map((peak) => (peak >= 0 ? peak : Number.NaN));
}

/** Phase x quantile. */
function rowsOf(launches: readonly (readonly number[])[], resource: number): number[] {
  return Array.from({ length: PHASE_COUNT }, (_, phase) => {
    const column = needColumn(resource, phase);
    const seen = launches.map((peaks) => peaks[column] ?? Number.NaN);
    const values = seen.filter((value) => !Number.isNaN(value));
    return QUANTILES.map((level) => Math.round(upperQuantile(values, level) * 1e4) / 1e4);
  }).flat();
}

async function main(): Promise<void> {
  const [data] = process.argv.slice(2);
  if (data === undefined) throw new Error("usage: population-prior DATA");
  const [, ...lines] = readFileSync(join(data, "events.csv"), "utf8").trim().split("\n");
  const amounts: number[][] = [];
  const shares: number[][] = [];
  for (const line of lines) {
    const [vm = "", kind = "", at = ""] = line.split(",");
    if (kind !== "first_power_on" || isHeldOut(vm) || Number(at) >= UNTIL_SECONDS) continue;
    const series = await packVm(join(data, "series", `${vm}.csv.gz`), vm);
    const peaks = peaksOf(series, Number(at) - INTERVAL_SECONDS);
    const limits = series.limitsAt(Number(at));
    amounts.push(peaks);
    shares.push(
      peaks.map((peak, column) => {
        const limit = limits[RESOURCES[Math.floor(column / PHASE_COUNT)] ?? "cpu"] ?? Number.NaN;
        return Math.min(1, peak / limit);
      }),
    );
  }
  const ofEach = (names: readonly (typeof RESOURCES)[number][], from: readonly number[][]) =>
    Object.fromEntries(names.map((name) => [name, rowsOf(from, RESOURCES.indexOf(name))]));
  const prior = {
    format: "reprise population prior 1",
    command: "node build/js/bench/calibration/population-prior.js DATA",
    data: "GWA-T-12 Bitbrains, part rnd, training VMs, days 0 to 62, kind first_power_on",
    launches: amounts.length,
    order: `phase x ${QUANTILES.join(", ")}; cores, GiB, Mbps, MB/s`,
    ofLimit: ofEach(LIMITED, shares),
    amounts: ofEach(RESOURCES, amounts),
  };
  process.stdout.write(`${JSON.stringify(prior, null, 1)}\n`);
}

await main();
