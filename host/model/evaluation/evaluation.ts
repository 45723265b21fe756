import { TILE_LANES } from "../../core/abi.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import { isHeldOut } from "../../sources/bitbrains/split.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../training/cuts.js";
import { parametersOf } from "../training/product.js";
import { openSession, type SessionData, type TrainingSession } from "../training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../training/trainer.js";
import type { NetworkWeights } from "../weights.js";
import { AsinhSpace } from "./asinh-space.js";
import { calibrate } from "./calibrations.js";
import { isBusy } from "./report.js";
import { type ScoreTable, scoreTable } from "./score-table.js";
import { type SetReport, setReport } from "./set-report.js";

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
}

export interface Evaluation {
  readonly table: ScoreTable;
  readonly sets: readonly SetReport[];
  /** Recognised restarts that nobody can be asked about: nothing ran before them. */
  readonly withoutHistory: Readonly<Record<string, number>>;
}

export interface EvaluationStages {
  readonly ingest?: (done: number, total: number) => void;
  readonly score?: (done: number, total: number) => void;
}

const STEP_COUNT = 36;
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
  const restarts = options.restarts ?? new Map<string, readonly RecognisedRestart[]>();
  const session = openSession(
    data,
    {
      shape: weights,
      seed: options.seed,
      cutsPerInstance: 0,
      scoredCuts: options.cuts,
      stepCount: STEP_COUNT,
      batchTiles: BATCH_TILES,
      workers: options.workers,
      evaluate: restarts,
    },
    stages.ingest,
  );
  const trainer = new Trainer(session, { ...TRAINER_DEFAULTS, seed: options.seed });
  try {
    await trainer.adopt(parametersOf(weights));
  } finally {
    await trainer.close();
  }
  const table = scoreTable(session, stages.score);
  return {
    table,
    sets: reports(session, table),
    withoutHistory: countUnasked(table, restarts),
  };
}

function reports(session: TrainingSession, table: ScoreTable): SetReport[] {
  const space = new AsinhSpace(session);
  const all = Array.from({ length: table.rows }, (_, row) => row);
  const cutOf = (row: number) => table.events[table.event[row] ?? 0]?.cut;
  const validation = all.filter((row) => cutOf(row)?.set === "validate");
  const baselines = table.baselines.map((raw) => calibrate(table, raw, validation, space));
  const scoring = { table, baselines, firstDay: SET_DAYS.test[0] };
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
  const sets: [string, readonly number[]][] = [
    ["virtual cuts, seen instances", cuts.filter((row) => !isUnseen(row))],
    ["virtual cuts, seen instances, busy ones", cuts.filter((r) => !isUnseen(r) && busy(r))],
    ["virtual cuts, unseen instances", cuts.filter(isUnseen)],
    ["virtual cuts, unseen instances, busy ones", cuts.filter((r) => isUnseen(r) && busy(r))],
    ["restarts selected blind, held out", real(BLIND_KINDS).filter(heldOut)],
    ["restarts selected blind, all", real(BLIND_KINDS)],
    ["restarts selected by their burst, held out", real(BURST_KINDS).filter(heldOut)],
    ["restarts selected by their burst, all", real(BURST_KINDS)],
  ];
  return sets.flatMap(([name, rows]) => setReport(name, scoring, rows) ?? []);
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
