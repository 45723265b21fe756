import { QUANTILES } from "../../core/abi.js";
import { TRACE_START_SECONDS } from "../training/cuts.js";
import { LEVEL } from "./calibrations.js";
import { pinball } from "./figures.js";
import type { Amounts, ScoreTable } from "./score-table.js";

/** How well amounts meant to cover 95 % do on some rows. */
export interface Measures {
  readonly truths: number;
  /** Mean pinball loss at .95 of asinh(value / scale): the headline. */
  readonly aPin95: number;
  /** 2 sum(pinball at .95) / sum(truth), in the resource's unit: big instances count more. */
  readonly wQL95: number;
  /** Share of truths that do not exceed the amount. */
  readonly coverage: number;
  /** sum(amount above the truth) / sum(truth) */
  readonly slack: number;
  /** sum(truth above the amount) / sum(truth) */
  readonly deficit: number;
}

export function measure(table: ScoreTable, amounts: Amounts, rows: readonly number[]): Measures {
  let [asinh, native, covered, over, under, total] = [0, 0, 0, 0, 0, 0];
  for (const row of rows) {
    const truth = table.truth.native[row] ?? 0;
    const amount = amounts.native[row] ?? 0;
    asinh += loss(table, amounts, row);
    native += pinball(truth, amount, LEVEL);
    if (truth <= amount) covered += 1;
    over += Math.max(0, amount - truth);
    under += Math.max(0, truth - amount);
    total += truth;
  }
  return {
    truths: rows.length,
    aPin95: asinh / rows.length,
    wQL95: (2 * native) / total,
    coverage: covered / rows.length,
    slack: over / total,
    deficit: under / total,
  };
}

/** Pinball loss in asinh space, at .95 unless told. */
export function loss(
  table: ScoreTable,
  amounts: Amounts,
  row: number,
  level: number = LEVEL,
): number {
  return pinball(table.truth.asinh[row] ?? 0, amounts.asinh[row] ?? 0, level);
}

/** (2 / K) sum over the levels of the pinball loss, in asinh space: CRPS on the grid of levels. */
export function crps(table: ScoreTable, quantiles: readonly Amounts[], rows: readonly number[]) {
  let sum = 0;
  for (const row of rows) {
    const truth = table.truth.asinh[row] ?? 0;
    quantiles.forEach(({ asinh }, k) => {
      sum += pinball(truth, asinh[row] ?? 0, QUANTILES[k] ?? 0);
    });
  }
  return (2 * sum) / quantiles.length / rows.length;
}

export function coverage(table: ScoreTable, { native }: Amounts, rows: readonly number[]): number {
  return (
    rows.filter((row) => (table.truth.native[row] ?? 0) <= (native[row] ?? 0)).length / rows.length
  );
}

const WEEK_SECONDS = 7 * 86_400;

/** Coverage of each week of the trace that has rows, in order; weeks begin with `firstDay`. */
export function weeklyCoverage(
  table: ScoreTable,
  amounts: Amounts,
  rows: readonly number[],
  firstDay: number,
): { readonly week: number; readonly coverage: number; readonly truths: number }[] {
  const start = TRACE_START_SECONDS + firstDay * 86_400;
  const weeks = groupBy(rows, (row) => {
    const at = table.events[table.event[row] ?? 0]?.cut.at ?? 0;
    return Math.floor((at - start) / WEEK_SECONDS);
  });
  return [...weeks]
    .sort(([a], [b]) => a - b)
    .map(([week, of]) => ({
      week: week + 1,
      coverage: coverage(table, amounts, of),
      truths: of.length,
    }));
}

/** Instances with fewer truths than this say little about their coverage. */
const TRUTHS_MIN = 30;

/** Share of instances whose own coverage is below `floor`; of those with 30 truths or more. */
export function shareBelow(
  table: ScoreTable,
  amounts: Amounts,
  rows: readonly number[],
  floor: number,
): number {
  const own = [...groupBy(rows, (row) => table.instance[row] ?? 0).values()].filter(
    (of) => of.length >= TRUTHS_MIN,
  );
  return own.filter((of) => coverage(table, amounts, of) < floor).length / own.length;
}

export function groupBy<Key>(
  rows: readonly number[],
  key: (row: number) => Key,
): Map<Key, number[]> {
  const groups = new Map<Key, number[]>();
  for (const row of rows) {
    const name = key(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
