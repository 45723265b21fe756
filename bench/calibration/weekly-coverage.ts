/**
 * Does stated coverage hold, week by week? Streams VMs that no weights saw through the profiler
 * and scores its shadow cuts: once as the network says, once with the offsets that those cuts teach.
 *
 *     node build/js/bench/calibration/weekly-coverage.js DATA [VMS]
 *
 * DATA is the folder of the Bitbrains trace. Days 49 to 62 warm up, days 63 to 91 count. Prints JSON.
 * These are virtual cuts, not restarts.
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { QUANTILE_COUNT, QUANTILES, RESOURCES } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { readWeights } from "../../host/model/weights.js";
import { Profiler } from "../../host/profiler/profiler.js";
import type { ScoredCut } from "../../host/profiler/shadow-cuts.js";
import { distance } from "../../host/profiler/shift.js";
import { readBitbrains, toSample } from "../../host/sources/bitbrains/bitbrains-source.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import type { Sample } from "../../host/sources/sample.js";

const DAY_MS = 86_400_000;
const START_MS = TRACE_START_SECONDS * 1_000;
const TICK_MS = 300_000;
const FROM_DAY = 49;
const COUNTED_DAY = 63;
const WEEK_DAYS = 7;
const LEVEL_INDEX = 2;
const POOR_BELOW = 0.85;
const CUTS_MIN = 100;

interface Share {
  truths: number;
  covered: number;
}

class Coverage {
  readonly #shares = new Map<string, Share>();

  add(key: string, isCovered: boolean): void {
    const share = this.#shares.get(key) ?? { truths: 0, covered: 0 };
    share.truths++;
    if (isCovered) share.covered++;
    this.#shares.set(key, share);
  }

  of(prefix: string): Record<string, number> {
    const found = [...this.#shares].filter(([key]) => key.startsWith(`${prefix} `)).sort();
    return Object.fromEntries(
      found.map(([key, { truths, covered }]) => [
        key.slice(prefix.length + 1),
        Math.round((covered / truths) * 1e4) / 1e4,
      ]),
    );
  }

  /** Share of VMs whose coverage is poor, over those with enough truths. */
  poor(prefix: string): number {
    const found = [...this.#shares].filter(([key]) => key.startsWith(`${prefix} `));
    const enough = found.filter(([, { truths }]) => truths >= CUTS_MIN);
    const bad = enough.filter(([, { truths, covered }]) => covered / truths < POOR_BELOW);
    return Math.round((bad.length / enough.length) * 1e4) / 1e4;
  }
}

/** Mean pinball loss at .95 in asinh space. */
class Losses {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(name: string, error: number): void {
    const level = QUANTILES[LEVEL_INDEX];
    const entry = this.#sums.get(name) ?? { sum: 0, count: 0 };
    entry.sum += Math.max(level * error, (level - 1) * error);
    entry.count++;
    this.#sums.set(name, entry);
  }

  mean(name: string): number {
    const { sum = Number.NaN, count = 1 } = this.#sums.get(name) ?? {};
    return Math.round((sum / count) * 1e5) / 1e5;
  }
}

async function readVm(file: string): Promise<Sample[]> {
  const instanceId = basename(file).split(".")[0] ?? file;
  const afterMs = START_MS + FROM_DAY * DAY_MS;
  const samples: Sample[] = [];
  for await (const rows of readBitbrains(file, { instanceId, afterMs }).rows()) {
    for (const row of rows) if (row.on) samples.push(toSample(instanceId, row));
  }
  return samples;
}

async function measure(ids: readonly string[], samples: readonly Sample[], teach: boolean) {
  const file = shippedWeightsFile();
  if (file === undefined) throw new Error("the package has no weights");
  const clock = new VirtualClock(START_MS + FROM_DAY * DAY_MS);
  const weekly = new Coverage();
  const byVm = new Coverage();
  const losses = new Losses();
  const onShadowCut = (cut: ScoredCut): void => {
    const day = (cut.atSeconds * 1_000 - START_MS) / DAY_MS;
    if (day < COUNTED_DAY) return;
    const week = Math.floor((day - COUNTED_DAY) / WEEK_DAYS);
    for (let column = 0; column < cut.peaks.length; column++) {
      const peak = cut.peaks[column] ?? Number.NaN;
      if (Number.isNaN(peak)) continue;
      const name = RESOURCES[Math.floor(column / 3)] ?? "";
      const predicted = cut.predicted[column * QUANTILE_COUNT + LEVEL_INDEX] ?? 0;
      weekly.add(`${name} week ${week}`, peak <= predicted);
      losses.add(name, distance(peak, predicted, cut.scale[Math.floor(column / 3)] ?? Number.NaN));
      byVm.add(`${name} ${cut.slot}`, peak <= predicted);
    }
  };
  const profiler = Profiler.open({
    maxInstances: ids.length,
    weights: readWeights(file),
    workers: 0,
    clock,
    onShadowCut,
    shadowCutsTeach: teach,
  });
  const common = { groupId: "all", nodeId: "none", priority: 0, interruptible: true };
  for (const instanceId of ids) profiler.register({ instanceId, ...common, limits: {} });
  let tickAt = (samples[0]?.timeMs ?? 0) + TICK_MS;
  for (const sample of samples) {
    for (; sample.timeMs >= tickAt; tickAt += TICK_MS) await profiler.tick();
    clock.advanceTo(sample.timeMs);
    profiler.offer(sample);
  }
  await profiler.tick();
  await profiler.close();
  return Object.fromEntries(
    RESOURCES.map((name) => [
      name,
      { weekly: weekly.of(name), vmsBelow85: byVm.poor(name), aPin95: losses.mean(name) },
    ]),
  );
}

async function main(): Promise<void> {
  const [data, limit = "1000"] = process.argv.slice(2);
  if (data === undefined) throw new Error("usage: weekly-coverage DATA [VMS]");
  const folder = join(data, "series");
  const files = readdirSync(folder)
    .filter((file) => isHeldOut(file.split(".")[0] ?? ""))
    .sort()
    .slice(0, Number(limit));
  const samples: Sample[] = [];
  for (const file of files)
    for (const sample of await readVm(join(folder, file))) samples.push(sample);
  samples.sort((a, b) => a.timeMs - b.timeMs);
  const ids = files.map((file) => file.split(".")[0] ?? file);
  const report = {
    vms: files.length,
    samples: samples.length,
    network: await measure(ids, samples, false),
    calibrated: await measure(ids, samples, true),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

await main();
