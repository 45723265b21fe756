/**
 * The population's restart surge: what recognised restarts of training VMs, up to day 62, needed in
 * their first hour beyond what the network expected of them.
 *
 *     node build/js/bench/calibration/surge-prior.js DATA > host/model/weights/surge-prior.json
 *
 * DATA is the folder of the Bitbrains trace. Only `power_on` events count, which are selected by
 * the power state and not by the burst itself; `first_power_on` has no history to predict from.
 * Kinds that were found by their burst are printed beside them and never used.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ENVELOPE_ROWS,
  NEED_COLUMNS,
  needColumn,
  PHASE_END_MINUTES,
  QUANTILES,
  RESOURCES,
} from "../../host/core/abi.js";
import { LIMITS } from "../../host/lib/limits.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { type NetworkWeights, readWeights } from "../../host/model/weights.js";
import { InstanceStream } from "../../host/profiler/instance-stream.js";
import { addedExcess, scaledExcess } from "../../host/profiler/surge.js";
import { DECAY_MINUTES_DEFAULT, fitDecay } from "../../host/profiler/surge-decay.js";
import { type SizePrior, upperQuantile } from "../../host/profiler/surge-table.js";
import { readBitbrains, toSample } from "../../host/sources/bitbrains/bitbrains-source.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import type { Sample } from "../../host/sources/sample.js";

const COMMAND = "node build/js/bench/calibration/surge-prior.js DATA";
const BLIND = ["power_on"];
const BURST = ["cold", "gap", "warm_candidate"];
/** The test month is nobody's to learn from. */
const UNTIL_SECONDS = TRACE_START_SECONDS + SET_DAYS.test[0] * 86_400;
/** A sample averages the 300 s before it. */
const INTERVAL_SECONDS = 300;

const weights = openWeights();

function openWeights(): NetworkWeights {
  const file = shippedWeightsFile();
  if (file === undefined) throw new Error("the package has no weights");
  return readWeights(file);
}

interface RestartEvent {
  readonly vm: string;
  readonly kind: string;
  /** Of the first sample after it. */
  readonly atSeconds: number;
  readonly offSeconds: number;
}

function readEvents(data: string): RestartEvent[] {
  const [, ...lines] = readFileSync(join(data, "events.csv"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const [vm = "", kind = "", at = "", off = ""] = line.split(",");
    return { vm, kind, atSeconds: Number(at), offSeconds: Number(off) };
  });
}

/** Resource x phase x quantile, in both measures. */
interface Excess {
  readonly added: readonly number[];
  readonly scaled: readonly number[];
}

/** Excess of each event of one VM. Calls `found` for each. */
async function score(
  data: string,
  vm: string,
  events: readonly RestartEvent[],
  found: (event: RestartEvent, excess: Excess) => void,
): Promise<void> {
  const stream = new InstanceStream(weights);
  const open: { event: RestartEvent; answer: Float64Array; scale: number[]; peaks: number[] }[] =
    [];
  let next = 0;
  const source = readBitbrains(join(data, "series", `${vm}.csv.gz`), { instanceId: vm });
  for await (const rows of source.rows()) {
    for (const row of rows) {
      if (!row.on) continue;
      const seconds = row.timeMs / 1_000;
      for (; (events[next]?.atSeconds ?? Infinity) <= seconds; next++) {
        const event = events[next];
        const answer = event === undefined ? null : before(stream, event);
        if (event !== undefined && answer !== null) {
          open.push({ event, ...answer, peaks: new Array<number>(NEED_COLUMNS).fill(-1) });
        }
      }
      const sample = toSample(vm, row);
      for (const { event, peaks } of open) {
        addPeaks(peaks, seconds - event.atSeconds + INTERVAL_SECONDS, sample);
      }
      stream.push(sample);
    }
  }
  for (const { event, answer, scale, peaks } of open) {
    const truth = peaks.map((peak) => (peak >= 0 ? peak : Number.NaN));
    const stop = { envelope: answer, scale };
    const excess = {
      added: truth.flatMap((_, column) => addedExcess(column, truth, stop)),
      scaled: truth.flatMap((_, column) => scaledExcess(column, truth, stop)),
    };
    const isWhole = RESOURCES.every((_, resource) => !Number.isNaN(truth[needColumn(resource, 0)]));
    if (isWhole) found(event, excess);
  }
}

/** Peaks by phase, -1 = nothing seen yet; a phase with a missing value has none. */
function addPeaks(peaks: number[], since: number, sample: Sample): void {
  const phase = PHASE_END_MINUTES.findIndex((end) => since <= end * 60);
  if (phase < 0) return;
  const values = [sample.cpuCores, sample.memoryGiB, sample.networkMbps, sample.disk];
  values.forEach((value, resource) => {
    const column = needColumn(resource, phase);
    peaks[column] = Math.max(peaks[column] ?? -1, value ?? Number.NaN);
  });
}

/** What was said at the last sample before the outage; null without an answer of the network. */
function before(stream: InstanceStream, event: RestartEvent) {
  const at = stream.lastSeconds;
  if (!(at > 0)) return null;
  const outage = Math.max(0, event.atSeconds - INTERVAL_SECONDS - at) / 60;
  const answer = stream.answer(at, Math.min(LIMITS.outageMinutesMax, outage));
  if (answer.rung !== 0) return null;
  return { answer: answer.envelope, scale: [...stream.scale()] };
}

/** Quantiles of the excess of the first phase, and the decay that fits, one a resource. */
function sizeOf(rows: readonly (readonly number[])[]): SizePrior {
  const quantiles = Array.from({ length: ENVELOPE_ROWS }, (_, at) => {
    const values = rows.map((row) => row[at] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    return upperQuantile(values, QUANTILES[at % QUANTILES.length] ?? 0);
  });
  const ofResource = (resource: number) => quantiles.slice(resource * 12, resource * 12 + 12);
  const round = (value: number) => Math.round(value * 1e4) / 1e4;
  return {
    size: RESOURCES.flatMap((_, resource) => ofResource(resource).slice(0, 4).map(round)),
    decayMinutes: RESOURCES.map((_, resource) =>
      round(fitDecay(ofResource(resource)) ?? DECAY_MINUTES_DEFAULT),
    ),
  };
}

function summary(restarts: readonly Excess[]) {
  return {
    restarts: restarts.length,
    added: sizeOf(restarts.map(({ added }) => added)),
    scaled: sizeOf(restarts.map(({ scaled }) => scaled)),
  };
}

async function main(): Promise<void> {
  const [data] = process.argv.slice(2);
  if (data === undefined) throw new Error("usage: surge-prior DATA");
  const wanted = readEvents(data).filter(
    ({ vm, kind, atSeconds }) =>
      !isHeldOut(vm) && atSeconds < UNTIL_SECONDS && [...BLIND, ...BURST].includes(kind),
  );
  wanted.sort((a, b) => a.atSeconds - b.atSeconds);
  const blind: Excess[] = [];
  const burst: Excess[] = [];
  for (const vm of new Set(wanted.map((event) => event.vm))) {
    const events = wanted.filter((event) => event.vm === vm);
    await score(data, vm, events, (event, excess) => {
      (BLIND.includes(event.kind) ? blind : burst).push(excess);
    });
  }
  const prior = {
    format: "reprise surge prior 3",
    command: COMMAND,
    data: "GWA-T-12 Bitbrains, part rnd, training VMs, days 0 to 62",
    weights: weights.version,
    order: `${RESOURCES.join(", ")} x ${QUANTILES.join(", ")}`,
    kinds: BLIND,
    ...summary(blind),
    burstSelected: { kinds: BURST, ...summary(burst) },
  };
  process.stdout.write(`${JSON.stringify(prior, null, 2)}\n`);
}

await main();
