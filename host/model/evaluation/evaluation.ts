import { TILE_LANES } from "../../core/abi.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import { isHeldOut } from "../../sources/bitbrains/split.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../training/cuts.js";
import type { NetShape } from "../training/parameters.js";
import { parametersOf } from "../training/product.js";
import {
  openSession,
  type SessionData,
  type TrainingSession,
  WINDOW_STEPS,
} from "../training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../training/trainer.js";
import type { NetworkWeights } from "../weights.js";
import { AsinhSpace } from "./asinh-space.js";
import { contender, type RowSet } from "./contenders.js";
import { type LinearModel, linearAnswers } from "./linear-answers.js";
import { networkAnswers } from "./network-answers.js";
import { isBusy } from "./report.js";
import { type Answers, type ScoreTable, scoreTable } from "./score-table.js";
import { type Scoring, type SetReport, setReport } from "./set-report.js";

/** Restarts found without looking at what came after them. */
export const BLIND_KINDS: readonly string[] = ["power_on", "first_power_on"];
/** Restarts found by the burst that followed, so that their need is large by selection. */
export const BURST_KINDS: readonly string[] = ["cold", "gap", "warm_candidate"];

export interface EvaluationOptions {
  readonly seed: number;
  /** Validation and test cuts an instance, each. */
  readonly cuts: number;
  readonly workers: number;
  readonly restarts?: ReadonlyMap<string, readonly RecognisedRestart[]>;
  /** The same net trained from other seeds. */
  readonly seeds?: readonly NamedWeights[];
  /** Nets to compare with. */
  readonly ablations?: readonly NamedWeights[];
  readonly linear?: LinearModel;
}

export interface NamedWeights {
  readonly name: string;
  readonly weights: NetworkWeights;
}

export interface Evaluation {
  readonly table: ScoreTable;
  /** Of the net that the figures are of. */
  readonly network: Answers;
  readonly sets: readonly SetReport[];
  /** Recognised restarts that nobody can be asked about: nothing ran before them. */
  readonly withoutHistory: Readonly<Record<string, number>>;
}

export interface EvaluationStages {
  /** Called once the events are drawn, before any is scored. */
  readonly onEvents?: (session: TrainingSession) => void;
  readonly ingest?: (done: number, total: number) => void;
  readonly score?: (done: number, total: number) => void;
}

/** Scoring keeps no gradients of a batch, but a batch sizes the scratch. */
const BATCH_TILES = 8;

/**
 * Scores a net and every compared predictor on virtual cuts of days 63-91 and on recognised
 * restarts. Calibrations of the predictors are fitted on days 54-61 of the instances that are not
 * held out.
 */
export async function evaluate(
  data: SessionData,
  weights: NetworkWeights,
  options: EvaluationOptions,
  stages: EvaluationStages = {},
): Promise<Evaluation> {
  const open = (shape: NetShape) => openScoring(data, shape, options, stages.ingest);
  const session = open(weights);
  stages.onEvents?.(session);
  const { table, baselines } = scoreTable(session, stages.score);
  const nets = [
    { name: "network", weights },
    ...(options.seeds ?? []),
    ...(options.ablations ?? []),
  ];
  const answers = await answersOf({ session, table, open }, nets);
  const [first, ...others] = answers as [Answers, ...Answers[]];
  const seedCount = options.seeds?.length ?? 0;
  const ablations = others.slice(seedCount);
  if (options.linear !== undefined)
    ablations.unshift(linearAnswers(session, table, options.linear));
  return {
    table,
    network: first,
    sets: reports(session, {
      table,
      networks: [first, ...others.slice(0, seedCount)],
      baselines,
      ablations,
    }),
    withoutHistory: countUnasked(table, options.restarts ?? new Map()),
  };
}

function openScoring(
  data: SessionData,
  shape: NetShape,
  options: EvaluationOptions,
  onTile: EvaluationStages["ingest"],
): TrainingSession {
  const { inputSize, hiddenSize, summarySize } = shape;
  return openSession(
    data,
    {
      shape: { inputSize, hiddenSize, summarySize },
      seed: options.seed,
      cutsPerInstance: 0,
      scoredCuts: options.cuts,
      stepCount: WINDOW_STEPS,
      batchTiles: BATCH_TILES,
      workers: options.workers,
      evaluate: options.restarts ?? new Map<string, readonly RecognisedRestart[]>(),
    },
    onTile,
  );
}

interface Asked {
  readonly session: TrainingSession;
  readonly table: ScoreTable;
  /** Streams the same data through kernels for a net of another shape. */
  readonly open: (shape: NetShape) => TrainingSession;
}

/** Every net's answers to the table; nets of one shape share a session. */
async function answersOf(
  { session, table, open }: Asked,
  nets: readonly NamedWeights[],
): Promise<Answers[]> {
  const shapeOf = (one: NetShape) => `${one.inputSize} ${one.hiddenSize} ${one.summarySize}`;
  const answers = new Map<NamedWeights, Answers>();
  const own = shapeOf(session.layout.sizes.shape);
  for (const shape of new Set(nets.map(({ weights }) => shapeOf(weights)))) {
    const group = nets.filter(({ weights }) => shapeOf(weights) === shape);
    const of = shape === own ? session : open((group[0] as NamedWeights).weights);
    const trainer = new Trainer(of, { ...TRAINER_DEFAULTS, seed: 0 });
    try {
      for (const net of group) {
        await trainer.adopt(parametersOf(net.weights));
        answers.set(net, networkAnswers(of, table, net.name));
      }
    } finally {
      await trainer.close();
    }
  }
  return nets.map((net) => answers.get(net) as Answers);
}

function reports(session: TrainingSession, scored: Scored): SetReport[] {
  const { table, networks } = scored;
  const cutOf = (row: number) => table.events[table.event[row] ?? 0]?.cut;
  const validation = Array.from({ length: table.rows }, (_, row) => row).filter(
    (row) => cutOf(row)?.set === "validate",
  );
  const fitting = { rows: validation, space: new AsinhSpace(session) };
  const sets = rowSets(session, table);
  const contend = (one: Answers) => contender(table, one, fitting, sets);
  const scoring: Scoring = {
    table,
    networks,
    baselines: scored.baselines.map(contend),
    ablations: scored.ablations.map(contend),
    firstDay: SET_DAYS.test[0],
  };
  return sets.flatMap((set) => setReport(scoring, set) ?? []);
}

interface Scored {
  readonly table: ScoreTable;
  readonly networks: readonly [Answers, ...Answers[]];
  readonly baselines: readonly Answers[];
  readonly ablations: readonly Answers[];
}

/** Which rows are reported together: cuts and restarts never are. */
function rowSets(session: TrainingSession, table: ScoreTable): RowSet[] {
  const all = Array.from({ length: table.rows }, (_, row) => row);
  const cutOf = (row: number) => table.events[table.event[row] ?? 0]?.cut;
  const cuts = all.filter((row) => cutOf(row)?.set === "test" && cutOf(row)?.restart === undefined);
  const unseen = table.instances.map(isHeldOut);
  const busyNames = new Set(
    session.tiles.flatMap(({ series }) => series.filter(isBusy).map(({ name }) => name)),
  );
  const isUnseen = (row: number) => unseen[table.instance[row] ?? 0] === true;
  const busy = (row: number) => busyNames.has(table.instances[table.instance[row] ?? 0] ?? "");
  const firstTest = TRACE_START_SECONDS + SET_DAYS.test[0] * 86_400;
  const real = (kinds: readonly string[]) =>
    all.filter((row) => kinds.includes(cutOf(row)?.restart?.kind ?? ""));
  const heldOut = (row: number) => isUnseen(row) || (cutOf(row)?.at ?? 0) >= firstTest;
  return [
    { name: "virtual cuts, seen instances", rows: cuts.filter((row) => !isUnseen(row)) },
    {
      name: "virtual cuts, seen instances, busy ones",
      rows: cuts.filter((row) => !isUnseen(row) && busy(row)),
    },
    { name: "virtual cuts, unseen instances", rows: cuts.filter(isUnseen) },
    {
      name: "virtual cuts, unseen instances, busy ones",
      rows: cuts.filter((row) => isUnseen(row) && busy(row)),
    },
    { name: "restarts selected blind, held out", rows: real(BLIND_KINDS).filter(heldOut) },
    { name: "restarts selected blind, all", rows: real(BLIND_KINDS) },
    { name: "restarts selected by their burst, held out", rows: real(BURST_KINDS).filter(heldOut) },
    { name: "restarts selected by their burst, all", rows: real(BURST_KINDS) },
  ];
}

/** Restarts by kind that have no row in the table. */
function countUnasked(
  table: ScoreTable,
  restarts: ReadonlyMap<string, readonly RecognisedRestart[]>,
): Record<string, number> {
  const asked = new Set<string>();
  for (let row = 0; row < table.rows; row++) {
    const cut = table.events[table.event[row] ?? 0]?.cut;
    if (cut?.restart === undefined) continue;
    asked.add(`${table.instances[table.instance[row] ?? 0]} ${cut.at + 1}`);
  }
  const counts: Record<string, number> = {};
  for (const { vm, kind, sampleSeconds } of [...restarts.values()].flat()) {
    if (asked.has(`${vm} ${sampleSeconds}`)) continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** The list of events, one a line: what was asked, of whom, when. */
export function eventList(table: ScoreTable): string {
  const lines = ["set,kind,instance,at_s,outage_min"];
  let last = -1;
  for (let row = 0; row < table.rows; row++) {
    const group = table.group[row] ?? 0;
    if (group === last) continue;
    last = group;
    const record = table.events[table.event[row] ?? 0];
    const lane = group % TILE_LANES;
    const { set, restart, outages } = record?.cut ?? { set: "", restart: undefined, outages: [] };
    const name = table.instances[table.instance[row] ?? 0];
    const outage = (outages[lane] ?? 0).toFixed(2).replace(/\.00$/, "");
    const kind = restart?.kind ?? "cut";
    lines.push(`${set},${kind},${name},${record?.at[lane] ?? ""},${outage}`);
  }
  return `${lines.join("\n")}\n`;
}
