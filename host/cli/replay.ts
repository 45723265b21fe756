import { availableParallelism } from "node:os";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError, Option } from "commander";
import { LIMITS } from "../lib/limits.js";
import { PREDICTOR_NAMES, type PredictorName } from "../profiler/predictors/predictors.js";
import type { OutcomePolicyName } from "../replay/outcome/outcome-policies.js";
import { OUTCOME_DAYS_MAX } from "../replay/outcome/outcome-scenario.js";
import { DAYS_MAX } from "../replay/plan-scenario.js";
import {
  type OnProgress,
  type ReplayOptions,
  runReplay,
  SAMPLE_DAYS,
} from "../replay/run-replay.js";
import { CAPACITY_SOURCES, type CapacitySource } from "../replay/trace-folder.js";
import { printJson, printLine } from "./output.js";
import { policyNames, replayOutcome } from "./replay-outcome.js";
import { formatReplay } from "./replay-table.js";

interface ReplayFlags {
  readonly data?: string;
  readonly days?: number;
  readonly vms?: number;
  readonly nodes?: number;
  readonly seed: number;
  readonly workers: number;
  readonly ledger: string;
  readonly model?: string;
  readonly predictor?: PredictorName;
  readonly json?: boolean;
  readonly world: "decisions" | "outcome";
  readonly report?: string;
  readonly seeds: number;
  readonly policies?: readonly OutcomePolicyName[];
  readonly capacity: CapacitySource;
  readonly jobs: number;
  readonly cache?: string;
  readonly resume?: boolean;
}

const STEPS = 1000;
const IN_MEMORY = "memory";

const EXAMPLES = `
Examples:
  $ reprise replay                              the bundled sample: 32 VMs, a week
  $ reprise replay --json --seed 7              the same for machines, other draws
  $ reprise replay --data traces --vms 100      whole traces, 100 VMs of them, three weeks
  $ reprise replay --world outcome --data traces --report out --seeds 10 --days 2
                                                nine policies in ten worlds, what each one lost
  $ reprise replay --ledger replay-ledger       keep the ledger, for reprise explain

DIR holds bitbrains_rnd/series/*.csv.gz and spot_skypilot/, spot_bamboo/ for --capacity bamboo.`;

export function replayCommand(): Command {
  return new Command("replay")
    .description(
      "plays real traces: VMs on nodes that lose capacity, under Reprise and under priority alone",
    )
    .option("--data <DIR>", "folder with whole traces instead of the bundled sample")
    .option(
      "--days <N>",
      `days after the week of warm-up, at most ${DAYS_MAX}, outcome ${OUTCOME_DAYS_MAX}`,
      positive,
    )
    .option("--vms <N>", "how many VMs, drawn by the seed; default all", whole(1, 1_000_000))
    .option("--nodes <N>", "how many nodes; default one for 15 VMs, at least 3", whole(1, 65_536))
    .option("--seed <N>", "of everything that is drawn", whole(0, 2 ** 32 - 1), 1)
    .option(
      "--workers <N>",
      "threads of the profiler, 0 for none; the result does not depend on it",
      whole(0, LIMITS.workersMax),
      Math.min(availableParallelism(), LIMITS.workersMax),
    )
    .option("--ledger <DIR>", "an empty folder for the ledger, or memory", IN_MEMORY)
    .option("--model <FILE>", "weights of the network; default those that ship")
    .addOption(
      new Option("--predictor <name>", "whose answers count; default the network").choices(
        PREDICTOR_NAMES,
      ),
    )
    .addOption(
      new Option("--world <name>", "decisions, or outcome: what they were worth, nine policies")
        .choices(["decisions", "outcome"])
        .default("decisions"),
    )
    .option("--report <DIR>", "outcome: a folder for report.md, report.json and pictures")
    .option("--seeds <N>", "outcome: this many worlds, from --seed on", whole(1, 1_000), 10)
    .option("--policies <names>", "outcome: some of them, by comma", policyNames)
    .addOption(
      new Option("--capacity <source>", "outcome: whose spot clusters the zones follow")
        .choices(CAPACITY_SOURCES)
        .default("skypilot"),
    )
    .option("--jobs <N>", "outcome: threads that play worlds", whole(0, LIMITS.workersMax), 1)
    .option("--cache <DIR>", "outcome: keep forecasts here, for the next replay of the same span")
    .option("--resume", "outcome: go on with the runs that the report folder already holds")
    .option("--json", "print one JSON object instead of a table")
    .addHelpText("after", EXAMPLES)
    .action(replay);
}

async function replay(flags: ReplayFlags): Promise<void> {
  const progress = openProgress();
  try {
    if (flags.world === "outcome") {
      await replayOutcome(flags, progress.update);
      return;
    }
    const report = await runReplay(toOptions(flags), progress.update);
    progress.stop();
    if (flags.json === true) printJson(report);
    else printLine(formatReplay(report));
  } finally {
    progress.stop();
  }
}

function toOptions(flags: ReplayFlags): ReplayOptions {
  const { data, vms, nodes, seed, workers, ledger, model, predictor } = flags;
  return {
    seed,
    workers,
    days: flags.days ?? (data === undefined ? SAMPLE_DAYS : DAYS_MAX),
    ...(data === undefined ? {} : { data }),
    ...(vms === undefined ? {} : { vmCount: vms }),
    ...(nodes === undefined ? {} : { nodeCount: nodes }),
    ...(ledger === IN_MEMORY ? {} : { ledgerFolder: ledger }),
    ...(model === undefined ? {} : { model }),
    ...(predictor === undefined ? {} : { predictor }),
  };
}

/** A bar on the terminal; nothing where standard error is a file or a pipe. */
function openProgress(): { readonly update: OnProgress; readonly stop: () => void } {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    stream: process.stderr,
    format: "{part} |{bar}| {percentage} % | {eta_formatted} left",
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 100,
  });
  let current = "";
  return {
    update: (part, done) => {
      if (part !== current) {
        bar.stop();
        bar.start(STEPS, 0, { part });
        current = part;
      }
      bar.update(Math.floor(done * STEPS), { part });
    },
    stop: () => bar.stop(),
  };
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`a whole number from ${min} to ${max} is expected.`);
  };
}

function positive(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= OUTCOME_DAYS_MAX) return value;
  throw new InvalidArgumentError(`a number above 0 and up to ${OUTCOME_DAYS_MAX} is expected.`);
}
