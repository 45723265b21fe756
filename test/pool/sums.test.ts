import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  aggregateQuantileReference,
  columnSumsReference,
  headroomReference,
} from "../../host/allocator/reference.js";
import { Prng } from "../../host/lib/prng.js";
import { type Board, openBoards, strideBytesOf } from "./board.js";

const test = suite("pool/sums");
const boards = openBoards();
const NODE_COUNTS = [0, 1, 3, 4, 5, 8, 1000];

/** Multiples of 2^-10, what pools are made of. */
function grid(seed: number, rows: number, length: number, max = 4096): number[][] {
  const prng = new Prng(seed);
  return Array.from({ length: rows }, () =>
    Array.from({ length }, () => prng.below(max * 1024) / 1024),
  );
}

function runHeadroom(board: Board, tables: readonly number[][][], nodeCount: number): number[][] {
  const [allocatable = [], allocated = [], reserved = []] = tables;
  board.reset();
  const stride = strideBytesOf(nodeCount, 4);
  const inputs = [allocatable, allocated, reserved].map((rows) => board.table(rows, stride, 7));
  const out = board.space(12 * stride);
  for (let row = 0; row < 12; row++) board.mayWrite(out + row * stride, nodeCount * 4);
  board.snapshot();
  const [a = 0, b = 0, c = 0] = inputs;
  board.kernel.headroom(a, b, c, out, stride, nodeCount);
  board.check();
  return Array.from({ length: 12 }, (_, row) => board.readF32(out + row * stride, nodeCount));
}

for (const nodeCount of NODE_COUNTS) {
  test(`headroom of ${nodeCount} nodes`, () => {
    const tables = [grid(1, 4, nodeCount), grid(2, 4, nodeCount), grid(3, 12, nodeCount)];
    const [allocatable = [], allocated = [], reserved = []] = tables;
    const want = headroomReference(allocatable, allocated, reserved, nodeCount);
    for (const { board } of boards) assert.equal(runHeadroom(board, tables, nodeCount), want);
  });

  test(`column sums of ${nodeCount} nodes are exact`, () => {
    const table = grid(5, 12, nodeCount);
    for (const { board } of boards) {
      board.reset();
      const stride = strideBytesOf(nodeCount);
      const ptr = board.table(table, stride, 1e6);
      const out = board.output(12 * 8);
      board.snapshot();
      board.kernel.columnSums(ptr, stride, nodeCount, 12, out);
      board.check();
      assert.equal(board.readF64(out, 12), columnSumsReference(table, nodeCount));
    }
  });
}

test("a sum with NaN or opposite infinities is NaN, others are untouched", () => {
  for (const { board } of boards) {
    board.reset();
    const infinity = Number.POSITIVE_INFINITY;
    const rows = [
      [1, Number.NaN, 2, 3, 4],
      [infinity, 1, -infinity, 1, 1],
      [1, 2, 3, 4, infinity],
      [1, 2, 3, 4, 5],
    ];
    const ptr = board.table(rows, strideBytesOf(5), 0);
    const out = board.output(4 * 8);
    board.kernel.columnSums(ptr, strideBytesOf(5), 5, 4, out);
    assert.equal(board.readF64(out, 4), [Number.NaN, Number.NaN, infinity, 15]);
  }
});

interface AggregateCase {
  readonly median: number[][];
  readonly upper: number[][];
  readonly rho: number[];
  readonly z: number;
}

function runAggregate(board: Board, { median, upper, rho, z }: AggregateCase): number[] {
  const members = median[0]?.length ?? 0;
  board.reset();
  const stride = strideBytesOf(members, 4);
  const medianPtr = board.table(median, stride, 1e6);
  const upperPtr = board.table(upper, stride, 2e6);
  const rhoPtr = board.floats(rho);
  const out = board.output(rho.length * 8);
  board.snapshot();
  board.kernel.aggregateQuantile(medianPtr, upperPtr, stride, members, rho.length, rhoPtr, z, out);
  board.check();
  return board.readF64(out, rho.length);
}

const amount = fc.float({ min: 0, max: 4096, noNaN: true });
const aggregateCases = fc
  .record({ columns: fc.integer({ min: 1, max: 12 }), members: fc.nat(40) })
  .chain(({ columns, members }) => {
    const table = fc.array(fc.array(amount, { minLength: members, maxLength: members }), {
      minLength: columns,
      maxLength: columns,
    });
    return fc.record({
      median: table,
      upper: table,
      rho: fc.array(fc.constantFrom(0, 0.0625, 0.5, 1), {
        minLength: columns,
        maxLength: columns,
      }),
      z: fc.constantFrom(0, 1, 1.5, 2.25),
    });
  });

for (const { name, board } of boards) {
  test(`${name}: the aggregate quantile equals the reference`, () => {
    fc.assert(
      fc.property(aggregateCases, (question) => {
        const got = runAggregate(board, question);
        const want = aggregateQuantileReference(
          question.median,
          question.upper,
          question.rho,
          question.z,
        );
        want.forEach((value, column) => {
          const difference = Math.abs((got[column] ?? Number.NaN) - value);
          assert.ok(difference <= 1e-12 * Math.max(1, value), `${got[column]} for ${value}`);
        });
      }),
      { numRuns: 200 },
    );
  });
}

test("the quantile of a sum lies between the sum of medians and the comonotone sum", () => {
  const median = grid(7, 12, 33, 16);
  const upper = median.map((row, column) =>
    row.map((value, member) => value + column + member / 8),
  );
  const rho = Array.from({ length: 12 }, () => 0.25);
  const sums = columnSumsReference(median, 33);
  const { board } = boards[0] as { board: Board };
  const got = runAggregate(board, { median, upper, rho, z: 1.5 });
  const comonotone = runAggregate(board, { median, upper, rho: rho.map(() => 1), z: 1.5 });
  got.forEach((value, column) => {
    assert.ok(value > (sums[column] ?? 0));
    assert.ok(value < (comonotone[column] ?? 0));
  });
});

test("one member is its own quantile; crossed quantiles have no spread; NaN stays", () => {
  for (const { board } of boards) {
    const z = 1;
    const one = runAggregate(board, { median: [[3]], upper: [[3 + 1.2816]], rho: [0.5], z });
    assert.ok(Math.abs((one[0] ?? 0) - 4) < 1e-6);
    const crossed = runAggregate(board, { median: [[3, 4]], upper: [[2, 1]], rho: [0.5], z });
    assert.equal(crossed, [7]);
    const broken = { median: [[3, Number.NaN, 1, 1, 1]], upper: [[4, 4, 4, 4, 4]], rho: [0], z };
    assert.equal(runAggregate(board, broken), [Number.NaN]);
    assert.equal(runAggregate(board, { median: [[]], upper: [[]], rho: [0.5], z }), [0]);
  }
});

test.run();
