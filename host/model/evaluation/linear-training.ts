import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { INPUT_ROWS, NEED_COLUMNS, SUMMARY_ROWS, TILE_LANES } from "../../core/abi.js";
import { runIdentity } from "../training/checkpoint.js";
import { SUMMARY_BYTES, TARGET_BYTES } from "../training/layout.js";
import {
  openSession,
  type SessionData,
  type TrainingSession,
  WINDOW_STEPS,
} from "../training/session.js";
import { type LinearModel, standardised } from "./linear-answers.js";
import { fitLinearQuantiles } from "./linear-quantiles.js";

/** Training cuts an instance. */
const CUTS = 100;
/** A feature that hardly moves says nothing. */
const DEVIATION_MIN = 1e-3;

export interface LinearOptions {
  readonly seed: number;
  /** Where the fit is kept; another one's is written over. */
  readonly file: string;
}

/**
 * The regression for this data: fitted on the training days of the instances that are not held out,
 * from the cuts and interruptions that training draws, or read back when it was fitted before.
 */
export function linearModel(data: SessionData, { seed, file }: LinearOptions): LinearModel {
  const run = runIdentity(data, { what: "linear quantiles 1", seed, cuts: CUTS });
  const identity = JSON.stringify(run);
  const kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as LinearModel)
    : undefined;
  if (kept?.identity === identity) return kept;
  const session = openSession(
    { seen: data.seen, unseen: [] },
    {
      shape: { inputSize: INPUT_ROWS, hiddenSize: 4, summarySize: SUMMARY_ROWS },
      seed,
      cutsPerInstance: CUTS,
      scoredCuts: 0,
      stepCount: WINDOW_STEPS,
      batchTiles: 1,
      workers: 1,
    },
  );
  const model = { identity, ...fit(session, seed) };
  writeFileSync(file, `${JSON.stringify(model)}\n`);
  return model;
}

function fit(session: TrainingSession, seed: number): Omit<LinearModel, "identity"> {
  const places = trainingPlaces(session);
  const f32 = new Float32Array(session.memory.buffer);
  const { mean, deviation } = moments(f32, places);
  const features = new Float32Array(places.length * SUMMARY_ROWS);
  const targets = new Float32Array(places.length * NEED_COLUMNS);
  places.forEach(({ summary, target }, row) => {
    const own = features.subarray(row * SUMMARY_ROWS, (row + 1) * SUMMARY_ROWS);
    standardised(own, f32, summary, { mean, deviation });
    for (let column = 0; column < NEED_COLUMNS; column++) {
      targets[row * NEED_COLUMNS + column] = f32[target + column * TILE_LANES] ?? Number.NaN;
    }
  });
  const weights = fitLinearQuantiles(
    { features, featureCount: SUMMARY_ROWS, targets, targetCount: NEED_COLUMNS },
    seed,
  );
  return { rows: places.length, mean, deviation, weights: [...weights] };
}

/** Where one event's features and truths of one lane begin, as indices of floats. */
interface Place {
  readonly summary: number;
  readonly target: number;
}

/** Lanes of training events that have a truth and whole features. */
function trainingPlaces({ memory, layout, records }: TrainingSession): Place[] {
  const f32 = new Float32Array(memory.buffer);
  const whole = (at: number, rows: number, test: (value: number) => boolean) =>
    Array.from({ length: rows }, (_, row) => f32[at + row * TILE_LANES] ?? Number.NaN).every(test);
  return records.flatMap(({ cut, event }) => {
    if (cut.set !== "train") return [];
    return Array.from({ length: TILE_LANES }, (_, lane) => ({
      summary: (layout.summary + event * SUMMARY_BYTES) / 4 + lane,
      target: (layout.target + event * TARGET_BYTES) / 4 + lane,
    })).filter(
      ({ summary, target }) =>
        whole(summary, SUMMARY_ROWS, Number.isFinite) && !whole(target, NEED_COLUMNS, Number.isNaN),
    );
  });
}

function moments(f32: Float32Array, places: readonly Place[]) {
  const column = (row: number) => places.map(({ summary }) => f32[summary + row * TILE_LANES] ?? 0);
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let row = 0; row < SUMMARY_ROWS; row++) {
    const values = column(row);
    const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - middle) * (value - middle), 0);
    const spread = Math.sqrt(squares / values.length);
    mean.push(middle);
    deviation.push(spread > DEVIATION_MIN ? spread : 1);
  }
  return { mean, deviation };
}
