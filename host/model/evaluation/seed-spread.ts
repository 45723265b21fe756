import { PHASE_COUNT } from "../../core/abi.js";
import { crps, groupBy, measure } from "./measures.js";
import type { Amounts, Answers, ScoreTable } from "./score-table.js";

/** One figure over the training seeds. */
export interface Spread {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

const FIGURES = ["aPin95", "wQL95", "crps", "coverage", "slack", "deficit"] as const;
type Figure = (typeof FIGURES)[number];

/** What nets do that differ in the seed of their training only. */
export type SeedSpread = Readonly<Record<Figure, Spread>> & {
  /** aPin95 over that of the best baseline, and of VPA, less 1. */
  readonly againstBest: Spread;
  readonly againstVpa: Spread;
};

const LEVEL_INDEX = 2;

/**
 * @param nets one a seed
 * @param rows of one resource
 * @param rivals aPin95 of the best baseline and of VPA on the same rows, means over the phases
 */
export function seedSpread(
  table: ScoreTable,
  nets: readonly Answers[],
  rows: readonly number[],
  rivals: { readonly best: number; readonly vpa: number },
): SeedSpread {
  const each = nets.map(({ levels }) => figures(table, levels, rows));
  const of = (pick: (one: (typeof each)[number]) => number) => spread(each.map(pick));
  const named = Object.fromEntries(FIGURES.map((name) => [name, of((one) => one[name])]));
  return {
    ...(named as Record<Figure, Spread>),
    againstBest: of(({ aPin95 }) => aPin95 / rivals.best - 1),
    againstVpa: of(({ aPin95 }) => aPin95 / rivals.vpa - 1),
  };
}

function figures(table: ScoreTable, levels: readonly Amounts[], rows: readonly number[]) {
  const granted = levels[LEVEL_INDEX] as Amounts;
  const phases = [...groupBy(rows, (row) => (table.column[row] ?? 0) % PHASE_COUNT).values()];
  const losses = phases.map((own) => measure(table, granted, own).aPin95);
  return {
    ...measure(table, granted, rows),
    aPin95: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    crps: crps(table, levels, rows),
  };
}

export function spread(values: readonly number[]): Spread {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    min: Math.min(...values),
    max: Math.max(...values),
  };
}
