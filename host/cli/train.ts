import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { INPUT_ROWS, QUANTILES } from "../core/abi.js";
import { TRACE_SUMMARY_ROWS } from "../core/network-rows.js";
import { elapsedMs } from "../lib/clock.js";
import { LIMITS } from "../lib/limits.js";
import { curveSvg } from "../model/evaluation/curve.js";
import type { SetFigures } from "../model/evaluation/figures.js";
import { heldOutFigures } from "../model/evaluation/report.js";
import {
  memorylessParameters,
  recurrentParameters,
  withoutSteps,
  withoutSummary,
} from "../model/training/ablations.js";
import {
  type RunIdentity,
  readCheckpoint,
  removeCheckpoint,
  runIdentity,
  writeCheckpoint,
} from "../model/training/checkpoint.js";
import { loadSeries } from "../model/training/load.js";
import type { NetShape } from "../model/training/parameters.js";
import { writeParameters } from "../model/training/product.js";
import {
  BATCH_TILES,
  openSession,
  type TrainingSession,
  WINDOW_STEPS,
} from "../model/training/session.js";
import { type EpochReport, TRAINER_DEFAULTS, Trainer } from "../model/training/trainer.js";
import { readWeights } from "../model/weights.js";
import { checkWritable, day, part, whole } from "./arguments.js";
import { formatTable, printJson, printLine } from "./output.js";
import { Progress } from "./progress.js";

interface TrainFlags {
  readonly data: string;
  readonly out: string;
  readonly epochs: number;
  readonly seed: number;
  readonly workers: number;
  readonly events: number;
  readonly scored: number;
  readonly hidden: number;
  readonly rate: number;
  readonly decay: number;
  readonly date?: string;
  readonly curve?: string;
  readonly memoryless?: boolean;
  /** False with --no-summary. */
  readonly summary: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const EVENTS_DEFAULT = 800;

const EXAMPLES = `
Examples:
  $ reprise train --data traces --out weights.safetensors
  $ reprise train --data traces --out weights.safetensors --epochs 2 --events 50 --json

After each epoch everything that training needs is kept in FILE.checkpoint until the weights are
written: with --resume and the same options a run that was killed ends with the same bits.

DIR holds Bitbrains series (*.csv or *.csv.gz), itself or in bitbrains_rnd/series. One VM in five,
chosen by its name, and days 63-91 are never trained on; the figures at the end are theirs.`;

export function trainCommand(): Command {
  return new Command("train")
    .description("trains the network on traces, in the core, and writes safetensors")
    .requiredOption("--data <DIR>", "folder with the series")
    .requiredOption("--out <FILE>", "weights file to write")
    .option(
      "--epochs <N>",
      "passes over the training events",
      whole(1, 1000),
      TRAINER_DEFAULTS.epochs,
    )
    .option("--events <N>", "training events a VM", whole(1, 100_000), EVENTS_DEFAULT)
    .option("--scored <N>", "validation and test events a VM, each", whole(1, 10_000), 30)
    .option(
      "--seed <N>",
      "of the first weights, the events and their order",
      whole(0, 2 ** 32 - 1),
      1,
    )
    .option(
      "--workers <N>",
      "threads; the weights do not depend on it",
      whole(1, LIMITS.workersMax),
      Math.min(availableParallelism(), LIMITS.workersMax),
    )
    .option("--hidden <N>", "hidden units, a multiple of 4", hiddenSize, 32)
    .option("--rate <R>", "peak learning rate", part, TRAINER_DEFAULTS.peakRate)
    .option("--decay <D>", "weight decay", part, TRAINER_DEFAULTS.decay)
    .option("--date <DAY>", "day to write into the file, as 2026-01-31", day)
    .option("--curve <FILE>", "write the learning curve as an SVG picture")
    .option("--memoryless", "without recurrence, from the summary features alone: to compare with")
    .option("--no-summary", "without usage in the summary features: to compare with")
    .option("--resume", "go on from the checkpoint of a run that was cut off")
    .option("--json", "print one JSON object instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(runTrain);
}

function hiddenSize(text: string): number {
  const value = whole(4, LIMITS.hiddenSizeMax)(text);
  if (value % 4 !== 0) throw new InvalidArgumentError("expected a multiple of 4");
  return value;
}

async function runTrain(flags: TrainFlags): Promise<void> {
  for (const file of [flags.out, flags.curve]) if (file !== undefined) checkWritable(file);
  const started = elapsedMs();
  const progress = new Progress(flags.json !== true && process.stderr.isTTY === true);
  const shape = {
    inputSize: INPUT_ROWS,
    hiddenSize: flags.hidden,
    summarySize: TRACE_SUMMARY_ROWS,
  };
  const data = await loadSeries(flags.data, progress.stage("reading series"));
  const session = openSession(
    data,
    {
      shape,
      batchTiles: BATCH_TILES,
      seed: flags.seed,
      cutsPerInstance: flags.events,
      scoredCuts: flags.scored,
      stepCount: WINDOW_STEPS,
      workers: flags.workers,
    },
    progress.stage("ingesting"),
  );
  const trainer = openTrainer(session, flags, shape);
  const checkpoint = `${flags.out}.checkpoint`;
  const run = runIdentity(data, identityOf(flags));
  let reports: EpochReport[];
  let resumed = 0;
  try {
    const from = flags.resume === true ? readCheckpoint(checkpoint, run) : undefined;
    resumed = from?.reports.length ?? 0;
    const onBatch = progress.stage("training");
    reports = await trainer.run(
      {
        onBatch: ({ epoch, batch, batches, loss }) =>
          onBatch((epoch - 1) * batches + batch, flags.epochs * batches, loss),
        onState: (state) => writeCheckpoint(checkpoint, run, state),
        onEpoch: (report) => progress.note(epochLine(report)),
      },
      from,
    );
  } finally {
    await trainer.close();
  }
  progress.end();
  const figures = heldOutFigures(session);
  const trained = `${data.seen.length} series, ${data.unseen.length} held out`;
  writeParameters(flags.out, trainer.weights, shape, {
    name: basename(flags.out).replace(/\.safetensors$/, ""),
    metadata: metadataOf(flags, trained, reports),
  });
  if (flags.curve !== undefined) writeFileSync(flags.curve, curveSvg(reports));
  removeCheckpoint(checkpoint);
  const seconds = (elapsedMs() - started) / 1000;
  const { version } = readWeights(flags.out);
  if (flags.json === true) {
    printJson({ out: flags.out, version, seconds, resumed, epochs: reports, figures });
    return;
  }
  printFigures(figures);
  printLine();
  printLine(`${version} written to ${flags.out} after ${seconds.toFixed(0)} s`);
}

function openTrainer(session: TrainingSession, flags: TrainFlags, shape: NetShape): Trainer {
  const { epochs, seed, rate: peakRate, decay, memoryless } = flags;
  const options = { ...TRAINER_DEFAULTS, epochs, seed, peakRate, decay };
  if (flags.summary === false) {
    withoutSummary(session);
    return new Trainer(session, { ...options, initial: recurrentParameters(shape, seed) });
  }
  if (memoryless !== true) return new Trainer(session, options);
  withoutSteps(session);
  return new Trainer(session, { ...options, initial: memorylessParameters(shape, seed) });
}

/** Every option that the bits of the weights depend on. */
function identityOf(flags: TrainFlags): RunIdentity {
  const { epochs, events, scored, seed, hidden, rate, decay } = flags;
  const { patience } = TRAINER_DEFAULTS;
  const fixed = { stepCount: WINDOW_STEPS, batchTiles: BATCH_TILES, patience };
  const memoryless = flags.memoryless === true ? { memoryless: 1 } : {};
  const recurrent = flags.summary ? {} : { recurrent: 1 };
  const ablation = { ...memoryless, ...recurrent };
  return { epochs, events, scored, seed, hidden, rate, decay, ...fixed, ...ablation };
}

function metadataOf(
  flags: TrainFlags,
  trained: string,
  reports: readonly EpochReport[],
): Record<string, string> {
  const best = reports.reduce((a, b) => (b.validateLoss < a.validateLoss ? b : a));
  return {
    format: "pt",
    command:
      `reprise train --epochs ${flags.epochs} --events ${flags.events} --scored ${flags.scored} ` +
      `--seed ${flags.seed} --hidden ${flags.hidden} --rate ${flags.rate} ` +
      `--decay ${flags.decay}${flags.memoryless === true ? " --memoryless" : ""}` +
      (flags.summary ? "" : " --no-summary"),
    data: `GWA-T-12 Bitbrains rnd, ${trained}`,
    diskUnit: "MB/s",
    seed: `${flags.seed}`,
    epoch: `${best.epoch}`,
    validationLoss: best.validateLoss.toFixed(6),
    ...(flags.date === undefined ? {} : { date: flags.date }),
  };
}

export function epochLine({
  epoch,
  trainLoss,
  laterLoss,
  otherLoss,
  seconds,
}: EpochReport): string {
  return (
    `epoch ${epoch}: training loss ${trainLoss.toFixed(4)}, ` +
    `${laterLoss.toFixed(4)} later, ${otherLoss.toFixed(4)} on other VMs, ${seconds.toFixed(1)} s`
  );
}

function printFigures(figures: readonly SetFigures[]): void {
  printLine("Virtual cuts of days 63-91: forecasting skill, not restarts.");
  for (const { set, instances, resources } of figures) {
    printLine();
    printLine(`${set} (${instances})`);
    const rows = resources.map((figure) => [
      figure.resource,
      figure.modelPinball95.toFixed(4),
      ...figure.baselines.map(({ raw, shifted }) => `${raw.toFixed(4)}/${shifted.toFixed(4)}`),
      `${percent(figure.change)} [${figure.interval.map(percent).join(", ")}]`,
      figure.coverage.map((share) => share.toFixed(3)).join(" "),
    ]);
    const names = resources[0]?.baselines.map(({ name }) => name) ?? [];
    const header = ["aPin95", "network", ...names, "against the best", `coverage ${QUANTILES}`];
    printLine(formatTable(header, rows));
  }
  printLine();
  printLine("Baselines: raw / shifted to 95 % coverage on the validation days.");
}

function percent(share: number): string {
  return `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
}
