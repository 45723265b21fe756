import { NEED_COLUMNS, QUANTILES } from "../../core/abi.js";
import { sinh } from "../../lib/arithmetic.js";
import type { AsinhSpace } from "./asinh-space.js";
import type { Amounts, ScoreTable } from "./score-table.js";

/** As it is; moved in asinh space; multiplied. */
export const CALIBRATIONS = ["raw", "added", "multiplied"] as const;
export type Calibration = (typeof CALIBRATIONS)[number];

export const LEVEL = QUANTILES[2];
/** Fewer validation truths than this fit nothing. */
const TRUTHS_MIN = 20;

/** One predictor in its three forms. */
export type Calibrated = Readonly<Record<Calibration, Amounts>>;

/** What calibrations are fitted on. */
export interface Fitting {
  /** Validation rows. */
  readonly rows: readonly number[];
  readonly space: AsinhSpace;
}

/**
 * Fits what makes a predictor cover a share of the validation truths of each resource and phase, by
 * an addend in asinh space and by a factor, and applies both to every row, below the cap.
 *
 * @param level the share
 */
export function calibrate(
  table: ScoreTable,
  raw: Amounts,
  { rows: validation, space }: Fitting,
  level: number,
): Calibrated {
  const addends = new Float64Array(NEED_COLUMNS);
  const factors = new Float64Array(NEED_COLUMNS).fill(1);
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const rows = validation.filter((row) => table.column[row] === column);
    if (rows.length < TRUTHS_MIN) continue;
    addends[column] = covering(
      rows.map((row) => (table.truth.asinh[row] ?? 0) - (raw.asinh[row] ?? 0)),
      level,
    );
    // Where nothing was predicted and nothing came, every factor is right.
    const ratios = rows
      .map((row) => (table.truth.native[row] ?? 0) / (raw.native[row] ?? 0))
      .filter((ratio) => !Number.isNaN(ratio));
    const factor = covering(ratios, level);
    if (Number.isFinite(factor)) factors[column] = factor;
  }
  return {
    raw,
    added: added(table, raw, addends, space),
    multiplied: scaled(table, raw, factors, space),
  };
}

/** The value that this share of these does not exceed. */
function covering(values: readonly number[], level: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(level * sorted.length) - 1] ?? 0;
}

function added(table: ScoreTable, raw: Amounts, addends: Float64Array, space: AsinhSpace): Amounts {
  const native = raw.asinh.map((value, row) => {
    const moved = value + (addends[table.column[row] ?? 0] ?? 0);
    return below(table, row, (table.scale[row] ?? 0) * sinh(Math.max(0, moved)));
  });
  return { native, asinh: space.of(native, table.scale) };
}

function scaled(
  table: ScoreTable,
  raw: Amounts,
  factors: Float64Array,
  space: AsinhSpace,
): Amounts {
  const native = raw.native.map((value, row) =>
    below(table, row, value * (factors[table.column[row] ?? 0] ?? 1)),
  );
  return { native, asinh: space.of(native, table.scale) };
}

function below(table: ScoreTable, row: number, value: number): number {
  const cap = table.cap[row] ?? Number.NaN;
  return Number.isNaN(cap) ? value : Math.min(value, cap);
}
