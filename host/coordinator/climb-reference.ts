/** The climb of `leastCover` in plain float64: assembly/plan/climb.ts. */
import { present } from "../lib/assert.js";
import type { Board } from "./cover-board.js";

const STEPS = 60;
const ROUGH = 8;
const STRIDES = 5;
const SHRINK = -0.6;
const RETURN = 0.1;
const TINY = 1e-14;
const STEP_MIN = 1e-8;
const ALL = [0, 1, 2, 3] as const;

type Vector = readonly number[];

export function climb(board: Board): void {
  const asked = board.need.filter((amount) => amount > 0).length;
  const part = (0.5 * board.bestCost) / asked;
  let point: Vector = board.need.map((amount) => (amount > 0 ? part : 0));
  let space: readonly Vector[] = ALL.map((row) => ALL.map((column) => (row === column ? 1 : 0)));
  let step = 0.125 * board.bestCost;
  board.bestLambda = [...point];
  board.bound = 0;
  let slope = visit(board, point);
  for (let turn = 0; turn < STEPS; turn++) {
    if (turn === 0 || turn > ROUGH) repair(board);
    if (board.bound >= board.bestCost) return;
    const ahead = look(space, slope);
    if (ahead === undefined) return;
    const before = slope;
    let strides = 0;
    for (;;) {
      const length = step;
      point = point.map((at, d) => at + length * at4(ahead, d));
      slope = visit(board, point);
      if (product(slope, ahead) <= 0 || strides === STRIDES) break;
      strides++;
      turn++;
      if (strides % 2 === 0) step *= 1.3;
    }
    if (strides === 0) step *= 0.85;
    const change = slope.map((each, d) => each - at4(before, d));
    space = stretch(space, change);
    if (!(step * Math.sqrt(product(ahead, ahead)) > STEP_MIN * board.bestCost)) return;
  }
}

function visit(board: Board, point: Vector): Vector {
  board.lambda = point.map((at) => Math.max(at, 0));
  const value = board.relax();
  if (value > board.bound) {
    board.bound = value;
    board.bestLambda = [...board.lambda];
  }
  return board.left.map((left, d) => {
    const slope = left * board.inverse(d);
    const isBelow = board.inverse(d) > 0 && at4(point, d) < 0;
    return isBelow ? Math.max(Math.abs(slope), RETURN) : slope;
  });
}

function repair(board: Board): void {
  board.fill(board.reduced);
  board.reverseDelete(board.reduced);
  board.keepIfBetter();
}

function look(space: readonly Vector[], slope: Vector): Vector | undefined {
  const turned = turn(space, slope);
  const norm = Math.sqrt(product(turned, turned));
  return norm > TINY ? space.map((row) => product(row, turned) / norm) : undefined;
}

function stretch(space: readonly Vector[], change: Vector): readonly Vector[] {
  const turned = turn(space, change);
  const norm = Math.sqrt(product(turned, turned));
  if (!(norm > TINY)) return space;
  const unit = turned.map((each) => each / norm);
  return space.map((row) => {
    const seen = SHRINK * product(row, unit);
    return row.map((each, d) => each + seen * at4(unit, d));
  });
}

/** A vector times the columns of the space. */
function turn(space: readonly Vector[], vector: Vector): Vector {
  return ALL.map((column) =>
    space.reduce((sum, row, d) => sum + at4(row, column) * at4(vector, d), 0),
  );
}

function product(a: Vector, b: Vector): number {
  return a.reduce((sum, each, d) => sum + each * at4(b, d), 0);
}

function at4(vector: Vector, index: number): number {
  return present(vector[index], "coordinate");
}
