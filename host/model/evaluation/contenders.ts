import { NEED_COLUMNS, QUANTILES } from "../../core/abi.js";
import { CALIBRATIONS, type Calibrated, calibrate, type Fitting, LEVEL } from "./calibrations.js";
import { groupBy, loss } from "./measures.js";
import type { Answers, ScoreTable } from "./score-table.js";

/** Rows that are reported together. */
export interface RowSet {
  readonly name: string;
  readonly rows: readonly number[];
}

/** A predictor that the network is compared with. */
export interface Contender {
  readonly name: string;
  /** What it grants, made to cover 95 %, in its three forms. */
  readonly forms: Calibrated;
  /** By name of the set: CRPS a `needColumn`, each level in its best form; NaN without rows. */
  readonly crps: ReadonlyMap<string, Float64Array>;
}

/**
 * Gives a predictor the same chance at every level: three forms each, of which the best on the
 * rows themselves counts, a resource and phase. One that states a single amount gets its four
 * quantiles this way.
 */
export function contender(
  table: ScoreTable,
  { name, levels }: Answers,
  fitting: Fitting,
  sets: readonly RowSet[],
): Contender {
  const crps = new Map(sets.map((set) => [set.name, new Float64Array(NEED_COLUMNS)]));
  let granted: Calibrated | undefined;
  for (const [index, raw] of levels.entries()) {
    const level = QUANTILES[index] ?? Number.NaN;
    const forms = calibrate(table, raw, fitting, level);
    if (level === LEVEL) granted = forms;
    for (const set of sets) {
      const sums = crps.get(set.name);
      bestLosses(table, forms, set.rows, level).forEach((least, column) => {
        if (sums !== undefined) sums[column] = (sums[column] ?? 0) + (2 / levels.length) * least;
      });
    }
  }
  return { name, forms: granted as Calibrated, crps };
}

/** Mean loss in the best form, a column. */
function bestLosses(
  table: ScoreTable,
  forms: Calibrated,
  rows: readonly number[],
  level: number,
): Float64Array {
  const losses = new Float64Array(NEED_COLUMNS).fill(Number.NaN);
  for (const [column, own] of groupBy(rows, (row) => table.column[row] ?? 0)) {
    const means = CALIBRATIONS.map(
      (form) =>
        own.reduce((sum, row) => sum + loss(table, forms[form], row, level), 0) / own.length,
    );
    losses[column] = Math.min(...means);
  }
  return losses;
}
