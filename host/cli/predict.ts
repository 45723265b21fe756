import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { Command, Option } from "commander";
import { envelopeRow, PHASES, QUANTILES, RESOURCES, type Resource } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { shippedWeightsFile } from "../model/shipped-weights.js";
import { type NetworkWeights, readWeights } from "../model/weights.js";
import { InstanceStream } from "../profiler/instance-stream.js";
import type { LadderAnswer } from "../profiler/ladder.js";
import {
  checkPredictorName,
  PREDICTOR_NAMES,
  type PredictorName,
} from "../profiler/predictors/predictors.js";
import type { Rung } from "../profiler/profile.js";
import { readBitbrains } from "../sources/bitbrains/bitbrains-source.js";
import type { ResourceAmounts, SourceEvent } from "../sources/sample.js";
import { type Cut, readCuts } from "./cuts-file.js";
import { formatTable, printJson, printLine, printNote } from "./output.js";
import { predictionSvg, readAround } from "./predict-picture.js";

const NO_MODEL = "none";
const NOTHING_KNOWN =
  "no sample up to this cut: this is what other machines needed in their first hour";
/** Cuts that a note names one by one. */
const NAMED_CUTS_MAX = 5;

const EXAMPLES = `
Cuts are a JSON list: [{"at": 1374000000, "outageMinutes": 10}, ...], at in seconds since 1970.
Only samples up to a cut's time count for its answer.

Examples:
  $ reprise predict --format bitbrains --input 1.csv --cuts cuts.json
  $ reprise predict --format bitbrains --input rnd_1.csv.gz --name vm-1 --cuts cuts.json --json
  $ reprise predict --format bitbrains --input 1.csv --cuts cuts.json --beside nsigma
  $ reprise predict --format bitbrains --input 1.csv --cuts cuts.json --picture cut.svg`;

interface PredictOptions {
  readonly format: string;
  readonly input: string;
  readonly cuts: string;
  readonly name?: string;
  readonly model?: string;
  readonly predictor?: string;
  readonly beside?: string;
  readonly json?: boolean;
  readonly picture?: string;
}

/** One answer as it is printed. */
export interface Prediction {
  readonly instance: string;
  readonly at: number;
  readonly outageMinutes: number;
  readonly rung: Rung;
  readonly modelVersion: string;
  readonly phases: readonly string[];
  readonly quantiles: readonly number[];
  /** phase x quantile a resource: quantiles of the peak, in cores, GiB, Mbps and MB/s. */
  readonly envelope: PredictedEnvelope;
  /** Whose need the envelope is: nothing was known of the instance at the cut. */
  readonly warning?: string;
  /** What another predictor says, where it was asked for. */
  readonly beside?: {
    readonly predictor: PredictorName;
    readonly rung: Rung;
    readonly envelope: PredictedEnvelope;
  };
}

export type PredictedEnvelope = Readonly<Record<Resource, readonly (readonly number[])[]>>;

export function predictCommand(): Command {
  return new Command("predict")
    .description("predict what one instance would need after a restart, at given moments")
    .addOption(
      new Option("--format <format>", "format of the input (required)").choices(["bitbrains"]),
    )
    .option("--input <file>", "one instance's series, plain or gzip (required)")
    .option("--cuts <file>", "JSON list of moments and outages (required)")
    .option("--name <id>", "the instance's name (default: the input's file name)")
    .option("--model <file>", "weights, safetensors (default: those that ship)")
    .addOption(
      new Option("--predictor <name>", "who answers; default the network").choices(PREDICTOR_NAMES),
    )
    .addOption(
      new Option("--beside <name>", "show another predictor's answer too").choices(PREDICTOR_NAMES),
    )
    .option("--json", "print one JSON object a cut and line")
    .option("--picture <file>", "draw the first cut, with what came after it, as SVG")
    .addHelpText("after", EXAMPLES)
    .action(async (given: Partial<PredictOptions>, command: Command) => {
      const options = requireOptions(given, command);
      const predictions = await predict(options);
      if (options.json === true) for (const prediction of predictions) printJson(prediction);
      else printPredictions(predictions);
      if (options.picture !== undefined) await draw(options.input, options.picture, predictions[0]);
    });
}

/** Checked here, not by the parser, so that a mistyped option is named before a missing one. */
function requireOptions(given: Partial<PredictOptions>, command: Command): PredictOptions {
  const { format, input, cuts } = given;
  if (format !== undefined && input !== undefined && cuts !== undefined) {
    return { ...given, format, input, cuts };
  }
  const required = { format, input, cuts };
  const [missing] = Object.entries(required).find(([, value]) => value === undefined) ?? [];
  return command.error(`error: required option '--${missing} <...>' not specified`);
}

/**
 * Answers every cut of the file, in its order.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_WEIGHTS_FORMAT, ERR_CONFIG, ERR_SHAPE
 */
export async function predict(options: PredictOptions): Promise<Prediction[]> {
  const instance =
    options.name ??
    basename(options.input)
      .replace(/\.gz$/, "")
      .replace(/\.csv$/, "");
  checkName(instance);
  const cuts = readCuts(options.cuts);
  const { predictor, beside } = choiceOf(options);
  const asked = [predictor, ...beside];
  const weights = asked.includes("network") ? findWeights(options.model) : null;
  const stream = new InstanceStream(weights, { predictor, beside });
  const source = readBitbrains(options.input, { instanceId: instance });
  const { answers, firstMs } = await answerCuts(cuts, source, stream, asked);
  if (source.dropped.size > 0) printNote(describeDropped(source.dropped));
  if (source.rowCount === 0) throw noRows(options.input);
  const isUnknown = (cut: Cut) => cut.at * 1_000 < firstMs;
  if (cuts.some(isUnknown)) printNote(describeUnknown(cuts, isUnknown));
  const version = predictor === "network" ? (weights?.version ?? NO_MODEL) : predictor;
  return cuts.map((cut, index) => {
    const [answer, other] = answers[index] ?? [];
    if (answer === undefined) throw new RepriseError("ERR_INVARIANT", "a cut has no answer");
    const prediction = {
      ...toPrediction(cut, answer, { instance, modelVersion: version }),
      ...(isUnknown(cut) ? { warning: NOTHING_KNOWN } : {}),
    };
    const [name] = beside;
    if (other === undefined || name === undefined) return prediction;
    const envelope = toEnvelope(other);
    return { ...prediction, beside: { predictor: name, rung: other.rung, envelope } };
  });
}

function choiceOf({ predictor = "network", beside }: PredictOptions): {
  readonly predictor: PredictorName;
  readonly beside: readonly PredictorName[];
} {
  checkPredictorName("predictor", predictor);
  if (beside === undefined) return { predictor, beside: [] };
  checkPredictorName("beside", beside);
  return { predictor, beside: [beside] };
}

async function draw(input: string, file: string, prediction?: Prediction): Promise<void> {
  if (prediction === undefined) {
    throw new RepriseError("ERR_ARGUMENT", "there is no cut to draw", { field: "cuts" });
  }
  writeFileSync(file, predictionSvg(prediction, await readAround(input, prediction)));
}

function checkName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > 0 && bytes <= LIMITS.idBytesMax) return;
  throw new RepriseError("ERR_ARGUMENT", "the instance has no valid name", {
    field: "name",
    got: name,
    expected: `1 to ${LIMITS.idBytesMax} bytes`,
  });
}

/** Null only when none were named and none ship. */
function findWeights(file: string | undefined): NetworkWeights | null {
  if (file !== undefined) return readWeights(file);
  const shipped = shippedWeightsFile();
  return shipped === undefined ? null : readWeights(shipped);
}

/**
 * One pass over the series: each cut is answered before the first sample after it. What a source
 * tells with a sample (limits, a restart) counts from that sample on, never earlier.
 *
 * @returns an answer a predictor for each cut, and the first sample's time, infinite if none
 */
async function answerCuts(
  cuts: readonly Cut[],
  events: AsyncIterable<SourceEvent>,
  stream: InstanceStream,
  predictors: readonly PredictorName[],
): Promise<{ readonly answers: LadderAnswer[][]; readonly firstMs: number }> {
  const order = cuts.map((_, index) => index).sort((a, b) => at(cuts, a) - at(cuts, b));
  const answers = new Array<LadderAnswer[]>(cuts.length);
  let next = 0;
  const answerUntil = (seconds: number): void => {
    for (; next < order.length && at(cuts, order[next]) < seconds; next++) {
      const index = order[next] as number;
      const cut = cuts[index] as Cut;
      answers[index] = predictors.map((name) => stream.answer(cut.at, cut.outageMinutes, name));
    }
  };
  let firstMs = Number.POSITIVE_INFINITY;
  let limits: ResourceAmounts | undefined;
  let restartedMs: number | undefined;
  for await (const event of events) {
    if (event.kind === "registered") limits = event.registration.limits;
    else if (event.kind === "restarted") restartedMs = event.timeMs;
    else if (event.kind === "sample") {
      firstMs = Math.min(firstMs, event.sample.timeMs);
      answerUntil(event.sample.timeMs / 1_000);
      if (limits !== undefined) stream.setLimits(limits);
      if (restartedMs !== undefined) stream.restarted(restartedMs);
      limits = undefined;
      restartedMs = undefined;
      stream.push(event.sample);
    }
  }
  answerUntil(Number.POSITIVE_INFINITY);
  return { answers, firstMs };
}

function at(cuts: readonly Cut[], index: number | undefined): number {
  return cuts[index ?? -1]?.at ?? Number.NaN;
}

function toPrediction(
  cut: Cut,
  answer: LadderAnswer,
  model: { readonly instance: string; readonly modelVersion: string },
): Prediction {
  return {
    instance: model.instance,
    at: cut.at,
    outageMinutes: cut.outageMinutes,
    rung: answer.rung,
    modelVersion: model.modelVersion,
    phases: PHASES,
    quantiles: QUANTILES,
    envelope: toEnvelope(answer),
  };
}

function toEnvelope({ envelope }: LadderAnswer): PredictedEnvelope {
  const table = (resource: number) =>
    PHASES.map((_phase, phase) => {
      const from = envelopeRow(resource, phase, 0);
      return [...envelope.subarray(from, from + QUANTILES.length)];
    });
  const [cpu = [], memory = [], network = [], disk = []] = RESOURCES.map((_, row) => table(row));
  return { cpu, memory, network, disk };
}

function describeDropped(dropped: ReadonlyMap<string, number>): string {
  const parts = [...dropped].map(([reason, count]) => `${count} ${reason}`);
  return `samples left out: ${parts.join(", ")}`;
}

function noRows(file: string): RepriseError {
  return new RepriseError("ERR_TRACE_FORMAT", "nothing can be predicted from this series", {
    file,
    got: "no usable line",
    expected: "a header and at least one line of values",
  });
}

function describeUnknown(cuts: readonly Cut[], isUnknown: (cut: Cut) => boolean): string {
  const found = cuts.flatMap((cut, index) => (isUnknown(cut) ? [{ cut, index }] : []));
  const named = found
    .slice(0, NAMED_CUTS_MAX)
    .map(({ cut, index }) => `[${index}] at ${new Date(cut.at * 1_000).toISOString()}`);
  if (found.length > named.length) named.push(`${found.length - named.length} more`);
  return `warning: nothing was known, so other machines' first hours answer, at cuts ${named.join(", ")}`;
}

const UNITS: Readonly<Record<Resource, string>> = {
  cpu: "cores",
  memory: "GiB",
  network: "Mbps",
  disk: "MB/s",
};

function printPredictions(predictions: readonly Prediction[]): void {
  for (const prediction of predictions) {
    const when = new Date(prediction.at * 1_000).toISOString();
    const { instance, outageMinutes, rung, beside, warning } = prediction;
    const model = describeModel(prediction);
    printLine(`${instance} at ${when}, back after ${outageMinutes} min: rung ${rung}, ${model}`);
    if (warning !== undefined) printLine(warning);
    const levels = QUANTILES.map((level) => `P${level * 100}`);
    const others =
      beside === undefined ? [] : levels.map((level) => `${beside.predictor} ${level}`);
    const header = ["peak within", ...levels, ...others];
    const rows = RESOURCES.flatMap((resource) =>
      prediction.envelope[resource].map((quantiles, phase) => [
        `${resource} ${PHASES[phase]} min, ${UNITS[resource]}`,
        ...quantiles.map((value) => value.toFixed(3)),
        ...(beside?.envelope[resource][phase] ?? []).map((value) => value.toFixed(3)),
      ]),
    );
    printLine(formatTable(header, rows));
    printLine();
  }
}

function describeModel({ rung, modelVersion }: Prediction): string {
  if (rung === 0) return `network ${modelVersion}`;
  const isBaseline = rung === 2 && (PREDICTOR_NAMES as readonly string[]).includes(modelVersion);
  return isBaseline ? modelVersion : "without the network";
}
