import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  harmsOf,
  type WaterQuestion,
  waterFillReference,
} from "../../host/allocator/reference-water.js";
import { type Board, openBoards } from "./board.js";

const test = suite("pool/water-fill");
const boards = openBoards();
const QUANTUM = 2 ** -10;
const RESOURCES = [0, 1, 2, 3];

function run(board: Board, question: WaterQuestion, roundCount: number): number[][] {
  const count = question.most[0]?.length ?? 0;
  const width = count + 3;
  board.reset();
  const table = (rows: WaterQuestion["most"]): number =>
    board.doubles(rows.flatMap((row) => [...row, 77, 77, 77]));
  const most = table(question.most);
  const held = table(question.held);
  const needed = board.doubles(question.needed);
  const harm = board.output(count * 8);
  const given = board.space(4 * width * 8);
  for (const r of RESOURCES) board.mayWrite(given + r * width * 8, count * 8);
  board.snapshot();
  board.kernel.waterFill(most, held, needed, width * 8, count, roundCount, harm, given);
  board.check();
  return RESOURCES.map((r) => board.readF64(given + r * width * 8, count));
}

const quanta = (max: number) => fc.integer({ min: 0, max }).map((steps) => steps / 1024);

const questions = fc
  .record({ count: fc.nat(17), fraction: fc.integer({ min: 0, max: 1200 }) })
  .chain(({ count, fraction }) => {
    const row = fc.array(quanta(20_000), { minLength: count, maxLength: count });
    const table = fc.tuple(row, row, row, row);
    return fc.record({ give: table, floor: table, fraction: fc.constant(fraction) });
  })
  .map(({ give, floor, fraction }): WaterQuestion => {
    const held = give.map((row, r) => row.map((value, i) => value + (floor[r]?.[i] ?? 0)));
    const needed = give.map((row) => {
      const total = row.reduce((sum, value) => sum + value, 0);
      return Math.floor(total * fraction) / 1024;
    });
    return { most: give, held, needed };
  });

const sumOf = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);

for (const { name, board } of boards) {
  test(`${name}: what is given is what the reference says`, () => {
    fc.assert(
      fc.property(questions, fc.constantFrom(0, 1, 2, 8), (question, rounds) => {
        const got = run(board, question, rounds);
        const want = waterFillReference(question, rounds);
        got.forEach((row, r) => {
          row.forEach((value, i) => {
            const error = Math.abs(value - (want[r]?.[i] ?? Number.NaN));
            assert.ok(error <= QUANTUM + 1e-6, `${r} ${i}: ${value} for ${want[r]?.[i]}`);
          });
        });
      }),
      { numRuns: name === "debug" ? 60 : 200 },
    );
  });
}

const [first] = boards;
const board = (first as (typeof boards)[number]).board;

test("all that is needed is given to the quantum, nobody goes below its floor", () => {
  fc.assert(
    fc.property(questions, (question) => {
      const given = run(board, question, 8);
      for (const r of RESOURCES) {
        const row = given[r] ?? [];
        const most = question.most[r] ?? [];
        row.forEach((value, i) => {
          assert.ok(value >= 0 && value <= (most[i] ?? 0));
          assert.is(value * 1024, Math.round(value * 1024));
        });
        assert.is(sumOf(row), Math.min(question.needed[r] ?? 0, sumOf(most)));
      }
    }),
    { numRuns: 300 },
  );
});

test("the largest harm is at most that of the same share for each, and a donor's order is nothing", () => {
  fc.assert(
    fc.property(questions, (question) => {
      const given = run(board, question, 8);
      const share = waterFillReference(question, 0);
      const worst = (table: readonly (readonly number[])[]): number =>
        Math.max(0, ...harmsOf(question, table));
      // One quantum of each resource may be more by rounding.
      const least = Math.min(...question.held.flat().filter((value) => value > 0), 1e9);
      assert.ok(worst(given) <= worst(share) + (4 * QUANTUM) / least + 1e-9);
      const turned = (table: WaterQuestion["most"]) => table.map((row) => [...row].reverse());
      const back = run(
        board,
        { most: turned(question.most), held: turned(question.held), needed: question.needed },
        8,
      );
      turned(back).forEach((row, r) => {
        row.forEach((value, i) => {
          assert.ok(Math.abs(value - (given[r]?.[i] ?? 0)) <= QUANTUM + 1e-6);
        });
      });
    }),
    { numRuns: 200 },
  );
});

test("in one resource the shares of what donors hold are alike, but for those at their floor", () => {
  const none = [0, 0, 0, 0];
  const question = {
    most: [[4, 4, 1, 8], none, none, none],
    held: [[8, 16, 16, 8], none, none, none],
    needed: [7, 0, 0, 0],
  };
  // Level 3/16: 1.5 + 3 + 1 (all it may) + 1.5.
  assert.equal(run(board, question, 8)[0], [1.5, 3, 1, 1.5]);
});

test("who is harmed in one resource is spared in another", () => {
  const question = {
    most: [
      [4, 0],
      [4, 4],
      [0, 0],
      [0, 0],
    ],
    held: [
      [8, 8],
      [8, 8],
      [8, 8],
      [8, 8],
    ],
    needed: [2, 2, 0, 0],
  };
  // The first alone can give cpu, so memory comes from the second: a quarter each.
  assert.equal(run(board, question, 8).slice(0, 2), [
    [2, 0],
    [0, 2],
  ]);
});

test.run();
