import { QUANTILE_COUNT, QUANTILES, SUMMARY_ROWS, TILE_LANES } from "../../core/abi.js";
import { sinh } from "../../lib/arithmetic.js";
import { present } from "../../lib/assert.js";
import { SUMMARY_BYTES } from "../training/layout.js";
import type { TrainingSession } from "../training/session.js";
import { AsinhSpace } from "./asinh-space.js";
import type { Answers, ScoreTable } from "./score-table.js";

/** Linear quantile regression on the summary features, in asinh space. */
export interface LinearModel {
  /** What it was fitted on and with: data, days, seed. */
  readonly identity: string;
  /** Rows that it was fitted on. */
  readonly rows: number;
  /** Of each feature: what is taken away, then what it is divided by. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** [column * 4 + level][features + 1], the addend last. */
  readonly weights: readonly number[];
}

export const LINEAR_NAME = "linear quantile regression";
/** Standardised features are kept within this: beyond it a line has learnt nothing. */
const FEATURE_MAX = 5;
/** No amount is above sinh(16) times its scale. */
const ASINH_MAX = 16;

/** One event's features of one lane, standardised. */
export function standardised(
  out: Float32Array,
  values: Float32Array,
  at: number,
  { mean, deviation }: Pick<LinearModel, "mean" | "deviation">,
): void {
  for (let row = 0; row < SUMMARY_ROWS; row++) {
    const moved = (values[at + row * TILE_LANES] ?? 0) - (mean[row] ?? 0);
    out[row] = Math.max(-FEATURE_MAX, Math.min(FEATURE_MAX, moved / (deviation[row] ?? 1)));
  }
}

/** What the regression says of every row of the table. Quantiles never cross. */
export function linearAnswers(
  session: TrainingSession,
  table: ScoreTable,
  model: LinearModel,
): Answers {
  const summary = new Float32Array(session.memory.buffer);
  const features = new Float32Array(SUMMARY_ROWS);
  const weights = Float64Array.from(model.weights);
  const native = QUANTILES.map(() => new Float32Array(table.rows));
  let group = -1;
  for (let row = 0; row < table.rows; row++) {
    if (table.group[row] !== group) {
      group = table.group[row] ?? 0;
      const event = table.event[row] ?? 0;
      const at = (session.layout.summary + event * SUMMARY_BYTES) / 4 + (group % TILE_LANES);
      standardised(features, summary, at, model);
    }
    const cap = table.cap[row] ?? Number.NaN;
    let highest = 0;
    for (let k = 0; k < QUANTILE_COUNT; k++) {
      const output = (table.column[row] ?? 0) * QUANTILE_COUNT + k;
      highest = Math.max(highest, Math.min(ASINH_MAX, dot(weights, output, features)));
      const amount = (table.scale[row] ?? 0) * sinh(highest);
      present(native[k], "level")[row] = Number.isNaN(cap) ? amount : Math.min(amount, cap);
    }
  }
  const space = new AsinhSpace(session);
  return {
    name: LINEAR_NAME,
    levels: native.map((values) => ({ native: values, asinh: space.of(values, table.scale) })),
  };
}

function dot(weights: Float64Array, output: number, features: Float32Array): number {
  const at = output * (SUMMARY_ROWS + 1);
  let sum = weights[at + SUMMARY_ROWS] ?? 0;
  for (let row = 0; row < SUMMARY_ROWS; row++)
    sum += (weights[at + row] ?? 0) * (features[row] ?? 0);
  return sum;
}
