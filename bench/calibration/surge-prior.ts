/**
 * The population's restart surge: what recognised restarts of training VMs needed in their first
 * ten minutes beyond what the network expected of them.
 *
 *     node build/js/bench/calibration/surge-prior.js DATA > host/model/weights/surge-prior.json
 *
 * DATA is the folder of the Bitbrains trace. Only `power_on` events count, which are selected by
 * the power state and not by the burst itself; `first_power_on` has no history to predict from.
 * Kinds that were found by their burst are printed beside them and never used.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NEED_COLUMNS, QUANTILES, RESOURCE_COUNT, RESOURCES } from "../../host/core/abi.js";
import { LIMITS } from "../../host/lib/limits.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { type NetworkWeights, readWeights } from "../../host/model/weights.js";
import { InstanceStream } from "../../host/profiler/instance-stream.js";
import { excessOf, upperQuantile } from "../../host/profiler/surge.js";
import { readBitbrains, toSample } from "../../host/sources/bitbrains/bitbrains-source.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";

const COMMAND = "node build/js/bench/calibration/surge-prior.js DATA";
const BLIND = ["power_on"];
const BURST = ["cold", "gap", "warm_candidate"];
const PHASE_SECONDS = 600;
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

/** Excess of each event of one VM: resource x quantile. Calls `found` for each. */
async function score(
  data: string,
  vm: string,
  events: readonly RestartEvent[],
  found: (event: RestartEvent, excess: readonly number[]) => void,
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
        if (event !== undefined && answer !== null) open.push({ event, ...answer, peaks: [] });
      }
      const sample = toSample(vm, row);
      const values = [sample.cpuCores, sample.memoryGiB, sample.networkMbps, sample.disk];
      for (const each of open) {
        if (seconds - each.event.atSeconds + INTERVAL_SECONDS > PHASE_SECONDS) continue;
        values.forEach((value, resource) => {
          each.peaks[resource] = Math.max(each.peaks[resource] ?? 0, value ?? Number.NaN);
        });
      }
      stream.push(sample);
    }
  }
  for (const { event, answer, scale, peaks } of open) {
    const columns = new Array<number>(NEED_COLUMNS).fill(Number.NaN);
    peaks.forEach((peak, resource) => {
      columns[resource * 3] = peak;
    });
    const excess = RESOURCES.flatMap((_, resource) =>
      excessOf(resource, columns, { envelope: answer, scale }),
    );
    if (!excess.some(Number.isNaN)) found(event, excess);
  }
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

function summary(rows: readonly (readonly number[])[]) {
  return Array.from({ length: RESOURCE_COUNT * QUANTILES.length }, (_, at) => {
    const level = QUANTILES[at % QUANTILES.length] ?? 0;
    const values = rows.map((row) => row[at] ?? 0);
    return Math.round(upperQuantile(values, level) * 1e4) / 1e4;
  });
}

async function main(): Promise<void> {
  const [data] = process.argv.slice(2);
  if (data === undefined) throw new Error("usage: surge-prior DATA");
  const wanted = readEvents(data).filter(
    ({ vm, kind }) => !isHeldOut(vm) && [...BLIND, ...BURST].includes(kind),
  );
  wanted.sort((a, b) => a.atSeconds - b.atSeconds);
  const blind: (readonly number[])[] = [];
  const burst: (readonly number[])[] = [];
  for (const vm of new Set(wanted.map((event) => event.vm))) {
    const events = wanted.filter((event) => event.vm === vm);
    await score(data, vm, events, (event, excess) => {
      (BLIND.includes(event.kind) ? blind : burst).push(excess);
    });
  }
  const prior = {
    format: "reprise surge prior 1",
    command: COMMAND,
    data: "GWA-T-12 Bitbrains, part rnd, training VMs",
    weights: weights.version,
    order: `${RESOURCES.join(", ")} x ${QUANTILES.join(", ")}`,
    kinds: BLIND,
    restarts: blind.length,
    excess: summary(blind),
    burstSelected: { kinds: BURST, restarts: burst.length, excess: summary(burst) },
  };
  process.stdout.write(`${JSON.stringify(prior, null, 2)}\n`);
}

await main();
