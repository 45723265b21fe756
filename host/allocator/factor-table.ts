/**
 * Standard normal factors for the draws of a pool: rows of the same 512 values, the middles of 512
 * equally likely strata, each row in an order of its own (a Latin hypercube). So every row has
 * exactly the law it stands for, and a pool of one has no noise at all.
 *
 * Only + - * / and sqrt are used: the same numbers on every machine.
 */
import { Prng } from "../lib/prng.js";

export const DRAW_COUNT = 512;
const SEED = 20_261_124;
const SERIES_TERMS = 80;
const NEWTON_STEPS = 12;

/** Density of the normal law; exp(x^2 / 2) by its series, all of whose terms are positive. */
function density(x: number): number {
  const half = (x * x) / 2;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < SERIES_TERMS; k++) {
    term *= half / k;
    sum += term;
  }
  return 1 / (Math.sqrt(2 * Math.PI) * sum);
}

/** Phi(x) for x up to 4: 1/2 + density * (x + x^3 / 3 + x^5 / 15 + ...). */
function share(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 1; k < SERIES_TERMS; k++) {
    term *= (x * x) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + density(x) * sum;
}

/** Scores of the middles of the strata, rising; the second half mirrors the first. */
export function stratumScores(count: number): Float64Array {
  const scores = new Float64Array(count);
  let x = 0;
  for (let index = count / 2; index < count; index++) {
    const tau = (index + 0.5) / count;
    for (let step = 0; step < NEWTON_STEPS; step++) x += (tau - share(x)) / density(x);
    scores[index] = x;
    scores[count - 1 - index] = -x;
  }
  return scores;
}

/** f32[rowCount][DRAW_COUNT] */
export function factorTable(rowCount: number): Float32Array {
  const scores = [...stratumScores(DRAW_COUNT)];
  const prng = new Prng(SEED);
  const table = new Float32Array(rowCount * DRAW_COUNT);
  for (let row = 0; row < rowCount; row++) table.set(prng.shuffle(scores), row * DRAW_COUNT);
  return table;
}
