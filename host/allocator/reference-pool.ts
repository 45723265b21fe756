/**
 * The draws of a pool in float64, straight from their definitions: what the tests compare the core
 * with. Not used in decisions.
 */

const UPPER_TAIL_TERMS = 60;

/** 1 - Phi(x) for x >= 0: series near 0, continued fraction beyond. */
function upperTail(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; k < UPPER_TAIL_TERMS; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = x;
  for (let k = UPPER_TAIL_TERMS * 4; k > 0; k--) fraction = x + k / fraction;
  return density / fraction;
}

export interface DrawMember {
  /** Least need, .5, .9, .95, .99 quantile. */
  readonly knots: readonly number[];
  readonly cap: number;
  readonly shift: number;
}

/** Need at a normal score: inverse distribution function, linear between the knots, then a tail. */
export function needAtScore(knots: readonly number[], score: number): number {
  if (Number.isNaN(score)) return Number.NaN;
  const [least = 0, q50 = 0, q90 = 0, q95 = 0, q99 = 0] = knots;
  const above = score < 0 ? 1 - upperTail(-score) : upperTail(score);
  const tau = 1 - above;
  const between = (from: number, to: number, a: number, b: number): number =>
    a + ((b - a) * (tau - from)) / (to - from);
  if (tau <= 0.5) return between(0, 0.5, least, q50);
  if (tau <= 0.9) return between(0.5, 0.9, q50, q90);
  if (tau <= 0.95) return between(0.9, 0.95, q90, q95);
  if (tau <= 0.99) return between(0.95, 0.99, q95, q99);
  return q99 + ((q99 - q95) / Math.log(5)) * Math.log(0.01 / above);
}

/** One member's draws of one column, not rounded. */
export function memberDrawsReference(
  factors: readonly ArrayLike<number>[],
  loads: readonly number[],
  member: DrawMember,
): number[] {
  return Array.from(factors[0] ?? [], (_, draw) => {
    let score = 0;
    factors.forEach((factor, index) => {
      score += (loads[index] ?? 0) * (factor[draw] ?? 0);
    });
    const need = needAtScore(member.knots, score);
    return Math.max(0, Math.min(need, member.cap) - member.shift);
  });
}

/** The least multiple of 2^-10 from `low` to `high` that at most `aboveMax` sums exceed. */
export function drawQuantileReference(
  sums: readonly number[],
  aboveMax: number,
  low: number,
  high: number,
): number {
  const order = sums.map((sum) => (Number.isNaN(sum) ? Infinity : sum)).sort((a, b) => b - a);
  const found = Math.ceil((order[aboveMax] ?? 0) * 1024) / 1024;
  return Math.min(high, Math.max(low, found));
}
