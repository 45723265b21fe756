import { coverage, measure } from "./measures.js";
import type { Amounts, ScoreTable } from "./score-table.js";

/** A tenth of the rows, by the instances' size in that resource. */
export interface Decile {
  /** Largest scale in it, in the resource's unit. */
  readonly scale: number;
  readonly truths: number;
  readonly coverage: number;
  readonly aPin95: number;
  /** Of the best baseline. */
  readonly best: number;
}

const TENTHS = 10;

/** @param pair the network's amounts, then the baseline's */
export function sizeDeciles(
  table: ScoreTable,
  pair: readonly [Amounts, Amounts],
  rows: readonly number[],
): Decile[] {
  const sorted = [...rows].sort((a, b) => (table.scale[a] ?? 0) - (table.scale[b] ?? 0) || a - b);
  return Array.from({ length: TENTHS }, (_, tenth) => {
    const from = Math.floor((tenth * sorted.length) / TENTHS);
    const own = sorted.slice(from, Math.floor(((tenth + 1) * sorted.length) / TENTHS));
    return {
      scale: table.scale[own.at(-1) ?? 0] ?? Number.NaN,
      truths: own.length,
      coverage: coverage(table, pair[0], own),
      aPin95: measure(table, pair[0], own).aPin95,
      best: measure(table, pair[1], own).aPin95,
    };
  });
}
