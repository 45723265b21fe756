/**
 * Is the need after a real restart covered? Streams the VMs of the Bitbrains trace that restart, in
 * time order, with shadow cuts, surge and trackers at work, and scores each recognised restart with
 * what was said before it; beside it the network alone, the 7-day maximum, VPA, and the limit.
 *
 *     node build/js/bench/calibration/restarts.js --data DIR [--types one|size] [--events FILE]
 *
 * DIR is the folder of the trace. The kind of a restart is known to nobody beforehand: a job type is
 * one for all VMs, or a size class by cores, as a user would have it. All restarts teach; counted are
 * those of VMs that no weights saw and those from day 63 on, after the first 20 of their type.
 * Prints Markdown; `--events` writes every restart as JSON.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { readWeights } from "../../host/model/weights.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import { type PackedSeries, packVm } from "./support/fleet.js";
import { figuresTable } from "./support/restart-figures.js";
import { type Restart, runRestarts, type ScoredRestart } from "./support/restart-run.js";

const METHODS = ["ours", "network", "max7d", "vpa", "limit"];
const BLIND = new Set(["power_on"]);
const BURST = new Set(["cold", "gap", "warm_candidate"]);
/** A sample averages the 300 s before it. */
const INTERVAL_SECONDS = 300;
const TAUGHT_MIN = 20;

function readEvents(data: string): Restart[] {
  const [, ...lines] = readFileSync(join(data, "events.csv"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const [id = "", kind = "", at = ""] = line.split(",");
    const sampleSeconds = Number(at);
    return { id, kind, sampleSeconds, atSeconds: sampleSeconds - INTERVAL_SECONDS };
  });
}

/** Small, medium, large by cores: the kind of name a user gives. */
function sizeClass(series: PackedSeries): string {
  const cores = series.limits[0]?.limits.cpu ?? 0;
  return cores <= 1 ? "small" : cores <= 4 ? "medium" : "large";
}

function isCounted({ id, sampleSeconds }: Restart): boolean {
  return isHeldOut(id) || sampleSeconds >= TRACE_START_SECONDS + SET_DAYS.test[0] * 86_400;
}

function print(title: string, restarts: readonly ScoredRestart[]): void {
  const vms = new Set(restarts.map(({ id }) => id)).size;
  console.log(`\n## ${title}: ${restarts.length} restarts of ${vms} VMs\n`);
  if (restarts.length > 0) console.log(figuresTable(restarts, METHODS));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      types: { type: "string", default: "one" },
      events: { type: "string" },
    },
  });
  const { data, types } = values;
  const file = shippedWeightsFile();
  if (data === undefined || file === undefined || !["one", "size"].includes(types)) {
    throw new Error("usage: restarts --data DIR [--types one|size] [--events FILE]");
  }
  const restarts = readEvents(data).filter(({ kind }) => BLIND.has(kind) || BURST.has(kind));
  const fleet: PackedSeries[] = [];
  for (const id of new Set(restarts.map((each) => each.id))) {
    fleet.push(await packVm(join(data, "series", `${id}.csv.gz`), id));
  }
  const jobTypeOf = types === "one" ? () => "vm" : sizeClass;
  const weights = readWeights(file);
  const scored = await runRestarts({ weights, fleet, restarts, jobTypeOf, tickSeconds: 300 });
  if (values.events !== undefined) writeFileSync(values.events, JSON.stringify(scored));
  const known = scored.filter(({ rung }) => rung === 0);
  const counted = known.filter((each) => isCounted(each) && each.taught >= TAUGHT_MIN);
  console.log(
    `${weights.version}, ${fleet.length} VMs, ${scored.length} restarts, ${known.length}`,
  );
  console.log(`answered by the network, ${counted.length} counted; job types: ${types}`);
  print(
    "burst-selected",
    counted.filter(({ kind }) => BURST.has(kind)),
  );
  print(
    "blind",
    counted.filter(({ kind }) => BLIND.has(kind)),
  );
  const learntFrom = known.filter((each) => !isCounted(each) && each.taught >= TAUGHT_MIN);
  print("not counted: training VMs up to day 62", learntFrom);
}

await main();
