/**
 * What moved between two sets of bench results, beyond their noise.
 *
 * A variant is compared as a ratio with an interval: above 1 = the second is faster. Two results of
 * one run each are compared by their ratio to the rival, since only what took turns within one run is
 * comparable; results whose runs took turns with one another are compared in pairs, directly.
 */
import type { BenchReport, VariantResult } from "./definition.js";

/** A change smaller than this is never called one. */
export const MARGIN = 0.05;

/** Two-sided .95 quantiles of Student's t for 1, 2, ... degrees of freedom. */
const STUDENT_T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16];
const STUDENT_T_MORE = 2.15;

export interface Movement {
  /** bench / case / variant */
  readonly name: string;
  /** Speed of the second over that of the first, and its .95 interval. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: "faster" | "slower" | "same";
}

export interface Comparison {
  readonly movements: readonly Movement[];
  /** Variants that only one side has. */
  readonly unmatched: readonly string[];
}

interface Series {
  readonly variant: VariantResult;
  readonly rival: VariantResult | undefined;
}

/** One report a bench on each side: each variant's ratio to its rival, by round. */
export function compareRuns(
  first: readonly BenchReport[],
  second: readonly BenchReport[],
): Comparison {
  const [before, after] = [seriesOf(first), seriesOf(second)];
  return match(before, after, (name, a, b) => {
    if (a.rival === undefined || b.rival === undefined) return undefined;
    const [left, right] = [gains(a.variant, a.rival), gains(b.variant, b.rival)];
    const error = Math.sqrt(squaredError(left) + squaredError(right));
    return judge(name, mean(right) - mean(left), {
      error,
      freedom: Math.min(left.length, right.length) - 1,
    });
  });
}

/** Runs that took turns: reports at one index are a pair. Rivals are compared too. */
export function comparePairs(
  first: readonly (readonly BenchReport[])[],
  second: readonly (readonly BenchReport[])[],
): Comparison {
  const before = first.map(seriesOf);
  const after = second.map(seriesOf);
  return match(before[0] ?? new Map(), after[0] ?? new Map(), (name) => {
    const logs = before.flatMap((series, index) => {
      const a = series.get(name)?.variant.p50Ns;
      const b = after[index]?.get(name)?.variant.p50Ns;
      return a === undefined || b === undefined ? [] : [Math.log(a / b)];
    });
    const freedom = logs.length - 1;
    return judge(name, mean(logs), { error: Math.sqrt(squaredError(logs)), freedom });
  });
}

function seriesOf(reports: readonly BenchReport[]): Map<string, Series> {
  const found = new Map<string, Series>();
  for (const report of reports) {
    for (const each of report.cases) {
      const rival = each.variants.find(({ name }) => name === each.rival);
      for (const variant of each.variants) {
        const name = `${report.name} / ${each.name} / ${variant.name}`;
        found.set(name, { variant, rival: variant === rival ? undefined : rival });
      }
    }
  }
  return found;
}

type Judge = (name: string, before: Series, after: Series) => Movement | undefined;

function match(
  before: ReadonlyMap<string, Series>,
  after: ReadonlyMap<string, Series>,
  compare: Judge,
): Comparison {
  const movements: Movement[] = [];
  const unmatched = [...after.keys()].filter((name) => !before.has(name));
  for (const [name, series] of before) {
    const other = after.get(name);
    if (other === undefined) unmatched.push(name);
    else {
      const movement = compare(name, series, other);
      if (movement !== undefined) movements.push(movement);
    }
  }
  return { movements, unmatched };
}

/** ln(rival's time / own time) of each round. */
function gains(variant: VariantResult, rival: VariantResult): number[] {
  return variant.roundsNs.map((ns, round) => Math.log((rival.roundsNs[round] ?? Number.NaN) / ns));
}

function judge(
  name: string,
  change: number,
  { error, freedom }: { readonly error: number; readonly freedom: number },
): Movement {
  // One pair has no spread that could be known: its interval is everything.
  const t = freedom < 1 ? Number.POSITIVE_INFINITY : (STUDENT_T[freedom - 1] ?? STUDENT_T_MORE);
  const half = freedom < 1 ? t : t * error;
  const [ratio, low, high] = [change, change - half, change + half].map(Math.exp) as [
    number,
    number,
    number,
  ];
  const verdict =
    high < 1 && ratio < 1 - MARGIN ? "slower" : low > 1 && ratio > 1 + MARGIN ? "faster" : "same";
  return { name, ratio, low, high, verdict };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean. */
function squaredError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}
