import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { Command } from "commander";
import { elapsedMs } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { FINE_TUNE_DEFAULTS, type FineTuneResult, fineTune } from "../model/training/fine-tune.js";
import { writeParameters } from "../model/training/product.js";
import { loadRecordings } from "../model/training/recordings.js";
import { type NetworkWeights, readWeights } from "../model/weights.js";
import { checkWritable, day, part, whole } from "./arguments.js";
import { printJson, printLine } from "./output.js";
import { Progress } from "./progress.js";
import { epochLine } from "./train.js";

interface FineTuneFlags {
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly epochs: number;
  readonly events: number;
  readonly scored: number;
  readonly rate: number;
  readonly seed: number;
  readonly workers: number;
  readonly date?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ reprise fine-tune --model reprise-h32.safetensors --data recordings --out mine.safetensors
  $ reprise fine-tune --model mine.safetensors --data samples.ndjson.gz --out new.safetensors --json

DATA is a file or a folder of them: *.csv as the Bitbrains trace, one instance each, or *.ndjson with
one sample a line: {"instanceId":"web-1","timeMs":1767225600000,"cpuCores":1.2,"memoryGiB":3.1}, and
{"kind":"limits","instanceId":"web-1","timeMs":...,"limits":{"cpu":4,"memory":16}}.

The recordings' first 70 % train, the next 15 % choose the epoch, the last 15 % decide whether the new
weights are better; if they are not, nothing is written without --force.`;

export function fineTuneCommand(): Command {
  const whenAbsent = FINE_TUNE_DEFAULTS;
  return new Command("fine-tune")
    .description("goes on from a weights file with your own recorded samples")
    .requiredOption("--model <FILE>", "weights to begin with")
    .requiredOption("--data <PATH>", "recordings: a file, or a folder of them")
    .requiredOption("--out <FILE>", "weights file to write")
    .option("--epochs <N>", "passes at most", whole(1, 1000), whenAbsent.epochs)
    .option("--events <N>", "training events an instance", whole(1, 100_000), whenAbsent.events)
    .option("--scored <N>", "held-back events an instance", whole(1, 10_000), whenAbsent.scored)
    .option("--rate <R>", "peak learning rate", part, whenAbsent.peakRate)
    .option("--seed <N>", "of the events and their order", whole(0, 2 ** 32 - 1), 1)
    .option(
      "--workers <N>",
      "threads; the weights do not depend on it",
      whole(1, LIMITS.workersMax),
      Math.min(availableParallelism(), LIMITS.workersMax),
    )
    .option("--date <DAY>", "day to write into the file, as 2026-01-31", day)
    .option("--force", "write the weights even when they are not better")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(runFineTune);
}

async function runFineTune(flags: FineTuneFlags): Promise<void> {
  checkWritable(flags.out);
  const started = elapsedMs();
  const weights = readWeights(flags.model);
  const progress = new Progress(flags.json !== true && process.stderr.isTTY === true);
  const recordings = await loadRecordings(flags.data, progress.stage("reading recordings"));
  const { epochs, events, scored, rate: peakRate, seed, workers } = flags;
  const options = { epochs, events, scored, peakRate, seed, workers };
  const onBatch = progress.stage("training");
  const result = await fineTune(weights, recordings, options, {
    onBatch: ({ epoch, batch, batches, loss }) =>
      onBatch((epoch - 1) * batches + batch, epochs * batches, loss),
    onEpoch: (report) => progress.note(epochLine(report)),
  });
  progress.end();
  const { lossBefore, lossAfter, bestEpoch, reports } = result;
  if (!(lossAfter < lossBefore) && flags.force !== true) throw notBetter(result);
  writeParameters(flags.out, result.parameters, result.shape, {
    name: basename(flags.out).replace(/\.safetensors$/, ""),
    metadata: metadataOf(flags, weights, { result, recordings: recordings.length }),
  });
  const { version } = readWeights(flags.out);
  const seconds = (elapsedMs() - started) / 1000;
  if (flags.json === true) {
    const { out } = flags;
    printJson({ out, version, seconds, lossBefore, lossAfter, bestEpoch, epochs: reports });
    return;
  }
  printLine(`held-back loss ${lossBefore.toFixed(4)} before, ${lossAfter.toFixed(4)} after`);
  printLine(`${version} written to ${flags.out} after ${seconds.toFixed(0)} s`);
}

function notBetter({ lossBefore, lossAfter }: FineTuneResult): RepriseError {
  return new RepriseError("ERR_STATE", "the new weights are not better, nothing was written", {
    got: lossAfter,
    expected: `a held-back loss below ${lossBefore}; --force writes them all the same`,
  });
}

function metadataOf(
  flags: FineTuneFlags,
  parent: NetworkWeights,
  done: { readonly result: FineTuneResult; readonly recordings: number },
): Record<string, string> {
  const { result, recordings } = done;
  const { diskUnit } = parent.metadata;
  return {
    format: "pt",
    ...(diskUnit === undefined ? {} : { diskUnit }),
    command:
      `reprise fine-tune --epochs ${flags.epochs} --events ${flags.events} ` +
      `--scored ${flags.scored} --seed ${flags.seed} --rate ${flags.rate}`,
    parent: parent.version,
    data: `${parent.metadata.data ?? "unknown"}; then ${recordings} recorded instances`,
    seed: `${flags.seed}`,
    epoch: `${result.bestEpoch}`,
    heldBackLoss: `${result.lossAfter.toFixed(6)}, was ${result.lossBefore.toFixed(6)}`,
    ...(flags.date === undefined ? {} : { date: flags.date }),
  };
}
