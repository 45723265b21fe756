/**
 * Raises the Lagrangian bound by Shor's r-algorithm, and makes a plan of each relaxed optimum.
 *
 * The bound is concave in four multipliers with many kinks, on which plain subgradient steps crawl:
 * the space is stretched across each kink, so that later steps run along it. Below 0 the slope is
 * turned back, which is an exact penalty. Source: N. Z. Shor, Minimization Methods for
 * Non-differentiable Functions (1985), with the adaptive steps of F. Kappel and A. V. Kuntsevich,
 * An implementation of Shor's r-algorithm (2000).
 */
import {
  AHEAD,
  BEST_COST,
  BEST_LAMBDA,
  BOUND,
  INVERSE,
  keepIfBetter,
  LAMBDA,
  LAST_SLOPE,
  LEFT,
  NEED,
  POINT,
  REDUCED,
  SLOPE,
  STRETCH,
  TURNED,
} from "./board";
import { relax } from "./bound";
import { fill, reverseDelete } from "./greedy";

const STEPS: i32 = 60;
/** Until here multipliers are too rough for a plan to be made of them, but for the first. */
const ROUGH: i32 = 8;
/** Steps along one direction. */
const STRIDES: i32 = 5;
/** Across a kink the space shrinks to 1 / 2.5. */
const SHRINK: f64 = -0.6;
/** Slope at which a multiplier below 0 is led back. */
const RETURN: f64 = 0.1;
const TINY: f64 = 1e-14;
/** Ends when a step is this share of the plan's cost. */
const STEP_MIN: f64 = 1e-8;

/** At most 60 relaxed optima; ends early once the best plan is proven or steps have become tiny. */
export function climb(board: usize): void {
  let step = start(board);
  visit(board);
  for (let turn: i32 = 0; turn < STEPS; ++turn) {
    if (turn === 0 || turn > ROUGH) repair(board);
    if (load<f64>(board, BOUND) >= load<f64>(board, BEST_COST)) return;
    if (!look(board)) return;
    memory.copy(board + LAST_SLOPE, board + SLOPE, 32);
    let strides: i32 = 0;
    for (;;) {
      for (let d: usize = 0; d < 32; d += 8) {
        const at = load<f64>(board + d, POINT) + step * load<f64>(board + d, AHEAD);
        store<f64>(board + d, at, POINT);
      }
      visit(board);
      if (product(board + SLOPE, board + AHEAD) <= 0.0 || strides === STRIDES) break;
      ++strides;
      ++turn;
      if ((strides & 1) === 0) step *= 1.3;
    }
    if (strides === 0) step *= 0.85;
    stretch(board);
    const length = sqrt<f64>(product(board + AHEAD, board + AHEAD));
    if (!(step * length > STEP_MIN * load<f64>(board, BEST_COST))) return;
  }
}

/** Every resource asked for carries an equal part of half the first plan's cost; first step. */
function start(board: usize): f64 {
  let asked: f64 = 0.0;
  for (let d: usize = 0; d < 32; d += 8) {
    if (load<f64>(board + d, NEED) > 0.0) asked += 1.0;
  }
  const part = (0.5 * load<f64>(board, BEST_COST)) / asked;
  memory.fill(board + STRETCH, 0, 128);
  for (let d: usize = 0; d < 32; d += 8) {
    store<f64>(board + d, load<f64>(board + d, NEED) > 0.0 ? part : 0.0, POINT);
    store<f64>(board + 5 * d, 1.0, STRETCH);
  }
  memory.copy(board + BEST_LAMBDA, board + POINT, 32);
  store<f64>(board, 0.0, BOUND);
  return 0.125 * load<f64>(board, BEST_COST);
}

/** The relaxed optimum at POINT, and its slope. */
function visit(board: usize): void {
  for (let d: usize = 0; d < 32; d += 8) {
    store<f64>(board + d, max<f64>(load<f64>(board + d, POINT), 0.0), LAMBDA);
  }
  const value = relax(board);
  if (value > load<f64>(board, BOUND)) {
    store<f64>(board, value, BOUND);
    memory.copy(board + BEST_LAMBDA, board + LAMBDA, 32);
  }
  for (let d: usize = 0; d < 32; d += 8) {
    const inverse = load<f64>(board + d, INVERSE);
    let slope = load<f64>(board + d, LEFT) * inverse;
    if (inverse > 0.0 && load<f64>(board + d, POINT) < 0.0) {
      slope = max<f64>(abs<f64>(slope), RETURN);
    }
    store<f64>(board + d, slope, SLOPE);
  }
}

/** Makes a plan of the relaxed optimum. */
function repair(board: usize): void {
  fill(board, load<usize>(board, REDUCED));
  reverseDelete(board, load<usize>(board, REDUCED));
  keepIfBetter(board);
}

/** The direction of the slope in the stretched space, in AHEAD; false when there is none. */
function look(board: usize): bool {
  turn(board, board + SLOPE);
  const norm = sqrt<f64>(product(board + TURNED, board + TURNED));
  if (!(norm > TINY)) return false;
  for (let row: usize = 0; row < 32; row += 8) {
    const sum = product(board + STRETCH + (row << 2), board + TURNED);
    store<f64>(board + row, sum / norm, AHEAD);
  }
  return true;
}

/** Shrinks the space along the change of slope. */
function stretch(board: usize): void {
  for (let d: usize = 0; d < 32; d += 8) {
    const change = load<f64>(board + d, SLOPE) - load<f64>(board + d, LAST_SLOPE);
    store<f64>(board + d, change, LAST_SLOPE);
  }
  turn(board, board + LAST_SLOPE);
  const norm = sqrt<f64>(product(board + TURNED, board + TURNED));
  if (!(norm > TINY)) return;
  for (let d: usize = 0; d < 32; d += 8) {
    store<f64>(board + d, load<f64>(board + d, TURNED) / norm, TURNED);
  }
  for (let row: usize = 0; row < 128; row += 32) {
    const seen = SHRINK * product(board + STRETCH + row, board + TURNED);
    for (let d: usize = 0; d < 32; d += 8) {
      const at = board + STRETCH + row + d;
      store<f64>(at, load<f64>(at) + seen * load<f64>(board + d, TURNED));
    }
  }
}

/** A vector times the columns of STRETCH, in TURNED. */
function turn(board: usize, vector: usize): void {
  for (let column: usize = 0; column < 32; column += 8) {
    let sum: f64 = 0.0;
    for (let d: usize = 0; d < 32; d += 8) {
      sum += load<f64>(board + (d << 2) + column, STRETCH) * load<f64>(vector + d);
    }
    store<f64>(board + column, sum, TURNED);
  }
}

/** Sum of the products of two f64[4], in order. */
function product(a: usize, b: usize): f64 {
  let sum: f64 = 0.0;
  for (let d: usize = 0; d < 32; d += 8) sum += load<f64>(a + d) * load<f64>(b + d);
  return sum;
}
