import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { QUANTILES } from "../core/abi.js";
import { elapsedMs } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { BOOTSTRAP_DRAWS } from "../model/evaluation/bootstrap.js";
import {
  type Evaluation,
  evaluate,
  eventList,
  type NamedWeights,
} from "../model/evaluation/evaluation.js";
import {
  checkEvents,
  eventCheckWords,
  eventListName,
  eventListText,
  recordEvents,
} from "../model/evaluation/event-list.js";
import { linearModel } from "../model/evaluation/linear-training.js";
import { setLine, setMarkdown } from "../model/evaluation/markdown.js";
import { decileSvg, reliabilitySvg, scatterSvg } from "../model/evaluation/pictures.js";
import { shippedWeightsFile } from "../model/shipped-weights.js";
import { loadSeries } from "../model/training/load.js";
import type { Series } from "../model/training/series.js";
import { type NetworkWeights, readWeights } from "../model/weights.js";
import { type RestartReport, restartReports } from "../profiler/evaluation/restart-report.js";
import { type StreamReport, streamCoverage } from "../profiler/evaluation/stream-coverage.js";
import { restartMarkdown, streamMarkdown } from "../profiler/evaluation/stream-markdown.js";
import { type RecognisedRestart, readRestarts } from "../sources/bitbrains/restarts.js";
import { whole } from "./arguments.js";
import { printJson, printLine } from "./output.js";
import { Progress } from "./progress.js";

interface EvaluateFlags {
  readonly data: string;
  readonly report: string;
  readonly weights?: string[];
  readonly ablation: NamedWeights[];
  readonly linear: boolean;
  readonly cuts: number;
  readonly seed: number;
  readonly workers: number;
  readonly every: number;
  readonly streams: boolean;
  readonly recordEvents?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ reprise evaluate --data traces --report report
  $ reprise evaluate --data traces --report report --every 10 --cuts 10 --json

DIR holds Bitbrains series, itself or in bitbrains_rnd/series. Recognised restarts are read from
events.csv beside the folder of the series, if there is one. The report is report.json, report.md,
events.csv with every cut that was asked about, and pictures. Virtual cuts measure forecasting,
restarts measure restarts: they are never in one table.`;

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("scores the network and every compared predictor on data kept from training")
    .requiredOption("--data <DIR>", "folder with the series")
    .requiredOption("--report <DIR>", "folder to write the report into, made if need be")
    .option(
      "--weights <FILE>",
      "weights; those that ship when absent. Repeated: the same net from other seeds",
      (file: string, before: string[] = []) => [...before, file],
    )
    .option(
      "--ablation <NAME=FILE>",
      "weights to compare with, under a name; may be repeated",
      (text: string, before: NamedWeights[]) => [...before, namedWeights(text)],
      [],
    )
    .option("--record-events <FILE>", "write the list of what is asked, to keep it (csv.gz)")
    .option("--no-streams", "without streaming through the profiler: no trackers, no surge")
    .option("--no-linear", "without the linear quantile regression")
    .option("--cuts <N>", "validation and test cuts a VM, each", whole(1, 1000), 30)
    .option("--seed <N>", "of the cuts", whole(0, 2 ** 32 - 1), 1)
    .option("--every <N>", "a subset: one VM in N, by name", whole(1, 1000), 1)
    .option(
      "--workers <N>",
      "threads; the figures do not depend on it",
      whole(1, LIMITS.workersMax),
      Math.min(availableParallelism(), LIMITS.workersMax),
    )
    .option("--json", "print the report as one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(runEvaluate);
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  mkdirSync(flags.report, { recursive: true });
  const started = elapsedMs();
  const progress = new Progress(flags.json !== true && process.stderr.isTTY === true);
  const [first, ...seeds] = openWeights(flags.weights);
  const series = await loadSeries(flags.data, progress.stage("reading series"));
  const subset = <T>(all: readonly T[]) => all.filter((_, index) => index % flags.every === 0);
  const data = { seen: subset(series.seen), unseen: subset(series.unseen) };
  const names = new Set([...data.seen, ...data.unseen].map(({ name }) => name));
  const restarts = await loadRestarts(flags.data, names);
  const { cuts, seed, workers, ablation: ablations } = flags;
  const file = join(flags.report, "linear-quantiles.json");
  const linear =
    flags.linear && data.seen.length > 0 ? linearModel(data, { seed, file }) : undefined;
  let events = "";
  const result = await evaluate(
    data,
    first.weights,
    {
      seed,
      cuts,
      workers,
      restarts,
      seeds,
      ablations,
      ...(linear === undefined ? {} : { linear }),
    },
    {
      ingest: progress.stage("ingesting"),
      score: progress.stage("scoring"),
      onEvents: ({ tiles }) => {
        const text = eventListText(tiles);
        events = eventCheckWords(checkEvents(text, eventListName(names.size, seed, cuts)));
        if (flags.recordEvents !== undefined) recordEvents(flags.recordEvents, text);
      },
    },
  );
  const streams = flags.streams
    ? await streamed([...data.seen, ...data.unseen], restarts, first.weights, progress)
    : { streamed: [], restarts: [] };
  progress.end();
  const about = {
    model: first.weights.version,
    ...(seeds.length === 0 ? {} : { seeds: seeds.map(({ name }) => name).join(", ") }),
    ...(ablations.length === 0
      ? {}
      : { ablations: ablations.map((a) => `${a.name} ${a.weights.version}`).join(", ") }),
    instances: names.size,
    rows: result.table.rows,
    cuts,
    seed,
    events,
    bootstrapDraws: BOOTSTRAP_DRAWS,
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${workers} workers, Node ${process.version}`,
    seconds: (elapsedMs() - started) / 1000,
  };
  const report = { ...about, sets: result.sets, withoutHistory: result.withoutHistory, ...streams };
  writeReport(flags.report, report, result);
  if (flags.json === true) {
    printJson(report);
    return;
  }
  for (const set of result.sets) printLine(setLine(set));
  printLine();
  printLine(
    `${first.weights.version}: ${result.table.rows} truths, report in ${flags.report} after ` +
      `${about.seconds.toFixed(0)} s. Change of aPin95 against the best baseline.`,
  );
}

/** What the profiler makes of the network's answers: trackers on cuts, surge on restarts. */
async function streamed(
  series: readonly Series[],
  restarts: ReadonlyMap<string, readonly RecognisedRestart[]>,
  weights: NetworkWeights,
  progress: Progress,
): Promise<Streams> {
  return {
    streamed: await streamCoverage(series, weights, progress.stage("streaming cuts")),
    restarts: await restartReports(series, restarts, weights, progress.stage("streaming restarts")),
  };
}

/** The weights that the figures are of, then those of other seeds. */
function openWeights(files: readonly string[] | undefined): [NamedWeights, ...NamedWeights[]] {
  const found = files ?? [shippedWeightsFile()].filter((file) => file !== undefined);
  const [first, ...others] = found.map((file) => {
    const weights = readWeights(file);
    return { name: weights.version, weights };
  });
  if (first !== undefined) return [first, ...others];
  throw new RepriseError("ERR_CONFIG", "no weights ship with this build", {
    field: "--weights",
    expected: "a weights file",
  });
}

function namedWeights(text: string): NamedWeights {
  const [name = "", ...rest] = text.split("=");
  if (name !== "" && rest.length > 0) return { name, weights: readWeights(rest.join("=")) };
  throw new InvalidArgumentError("expected a name, =, and a weights file");
}

/** Restarts of those VMs, by VM; none when the folder has no list. */
async function loadRestarts(
  folder: string,
  names: ReadonlySet<string>,
): Promise<Map<string, RecognisedRestart[]>> {
  const byName = new Map<string, RecognisedRestart[]>();
  const places = [join(folder, "bitbrains_rnd", "events.csv"), join(folder, "..", "events.csv")];
  const file = places.find((place) => existsSync(place));
  if (file === undefined) return byName;
  for await (const restart of readRestarts(file)) {
    if (!names.has(restart.vm)) continue;
    byName.set(restart.vm, [...(byName.get(restart.vm) ?? []), restart]);
  }
  return byName;
}

interface Streams {
  readonly streamed: readonly StreamReport[];
  readonly restarts: readonly RestartReport[];
}

type Report = Pick<Evaluation, "sets" | "withoutHistory"> &
  Streams &
  Readonly<Record<string, unknown>>;

function writeReport(folder: string, report: Report, { table, network, sets }: Evaluation): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("report.json", `${JSON.stringify(report, null, 1)}\n`);
  write("events.csv", eventList(table));
  const without = Object.entries(report.withoutHistory);
  const { sets: _sets, withoutHistory: _without, streamed, restarts, ...about } = report;
  write(
    "report.md",
    [
      "# Evaluation",
      "",
      ...Object.entries(about).map(([name, value]) => `- ${name}: ${value}`),
      "",
      ...sets.map(setMarkdown),
      ...streamed.map(streamMarkdown),
      ...restarts.map(restartMarkdown),
      without.length === 0
        ? ""
        : `Not asked about, because nothing was known before or after: ${without
            .map(([kind, count]) => `${count} ${kind}`)
            .join(", ")}.`,
      "",
    ].join("\n"),
  );
  const net = network.levels[QUANTILES.indexOf(0.95)];
  for (const set of sets.filter(({ set: name }) => name.startsWith("virtual cuts, "))) {
    const name = set.set.replace(/[^a-z]+/g, "-");
    write(`reliability-${name}.svg`, reliabilitySvg(set));
    write(`size-${name}.svg`, decileSvg(set));
  }
  const test = Array.from({ length: table.rows }, (_, row) => row).filter((row) => {
    const cut = table.events[table.event[row] ?? 0]?.cut;
    return cut?.set === "test" && cut.restart === undefined;
  });
  if (net !== undefined) write("predicted-against-real.svg", scatterSvg(table, net, test));
}
