import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  fitBestReference,
  fitCountReference,
  fitFirstReference,
  fitMaskReference,
  leftoverReference,
} from "../../host/allocator/reference.js";
import { Prng } from "../../host/lib/prng.js";
import { type Board, openBoards, strideBytesOf } from "./board.js";

const test = suite("pool/fit");
const boards = openBoards();

interface FitCase {
  readonly room: readonly (readonly number[])[];
  readonly needs: readonly (readonly number[])[];
  readonly weights: readonly number[];
  readonly nodeCount: number;
  readonly extra: number;
}

interface FitAnswers {
  readonly counts: number[];
  readonly firsts: number[];
  readonly bests: number[];
  readonly masks: number[][];
}

/** Runs all four kernels on one case; canaries are checked. */
function ask(board: Board, question: FitCase): FitAnswers {
  const { room, needs, weights, nodeCount, extra } = question;
  board.reset();
  const columns = weights.length;
  const stride = strideBytesOf(nodeCount, extra * 4);
  const maskStride = nodeCount + extra;
  // Padding nodes have infinite room: a kernel that looks at them answers too much.
  const roomPtr = board.table(room, stride, Number.POSITIVE_INFINITY);
  const needsPtr = board.floats(needs.flat());
  const weightsPtr = board.floats(weights);
  const n = needs.length;
  const [countPtr, firstPtr, bestPtr] = [
    board.output(4 * n),
    board.output(4 * n),
    board.output(4 * n),
  ];
  const maskPtr = board.space(maskStride * n);
  for (let index = 0; index < n; index++) board.mayWrite(maskPtr + index * maskStride, nodeCount);
  board.snapshot();
  const k = board.kernel;
  k.fitCount(roomPtr, stride, nodeCount, columns, needsPtr, n, countPtr);
  k.fitFirst(roomPtr, stride, nodeCount, columns, needsPtr, n, firstPtr);
  k.fitBest(roomPtr, stride, nodeCount, columns, needsPtr, n, weightsPtr, bestPtr);
  k.fitMask(roomPtr, stride, nodeCount, columns, needsPtr, n, maskPtr, maskStride);
  board.check();
  return {
    counts: board.readI32(countPtr, n),
    firsts: board.readI32(firstPtr, n),
    bests: board.readI32(bestPtr, n),
    masks: needs.map((_, index) => board.readU8(maskPtr + index * maskStride, nodeCount)),
  };
}

function expected({ room, needs, weights, nodeCount }: FitCase): FitAnswers {
  return {
    counts: needs.map((need) => fitCountReference(room, nodeCount, need)),
    firsts: needs.map((need) => fitFirstReference(room, nodeCount, need)),
    bests: needs.map((need) => fitBestReference(room, nodeCount, need, weights)),
    masks: needs.map((need) => fitMaskReference(room, nodeCount, need)),
  };
}

/** Eighths up to 32: float32 adds and multiplies them exactly, so indices compare exactly. */
const tame = fc.integer({ min: -16, max: 256 }).map((eighths) => eighths / 8);
const odd = fc.constantFrom(
  0,
  -0,
  2 ** -149,
  -(2 ** -149),
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  Math.fround(3.4e38),
);

function cases(value: fc.Arbitrary<number>): fc.Arbitrary<FitCase> {
  return fc
    .record({
      columns: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 11, 12),
      nodeCount: fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17), fc.nat(40)),
      needCount: fc.integer({ min: 0, max: 5 }),
      extra: fc.nat(2),
    })
    .chain(({ columns, nodeCount, needCount, extra }) => {
      const row = (length: number): fc.Arbitrary<number[]> =>
        fc.array(value, { minLength: length, maxLength: length });
      return fc.record({
        room: fc.array(row(nodeCount), { minLength: columns, maxLength: columns }),
        needs: fc.array(row(columns), { minLength: needCount, maxLength: needCount }),
        weights: fc.array(fc.constantFrom(0, 0.25, 0.5, 1, 2), {
          minLength: columns,
          maxLength: columns,
        }),
        nodeCount: fc.constant(nodeCount),
        extra: fc.constant(extra),
      });
    });
}

for (const { name, board } of boards) {
  test(`${name}: equals the reference on exact values`, () => {
    fc.assert(
      fc.property(cases(tame), (question) => {
        assert.equal(ask(board, question), expected(question));
      }),
      { numRuns: 250 },
    );
  });

  test(`${name}: feasibility equals the reference on odd values`, () => {
    fc.assert(
      fc.property(cases(fc.oneof(odd, tame)), (question) => {
        const got = ask(board, question);
        const want = expected(question);
        assert.equal(got.masks, want.masks);
        assert.equal(got.counts, want.counts);
        assert.equal(got.firsts, want.firsts);
        // The best one's score may overflow in float32, so only its feasibility is compared.
        got.bests.forEach((best, index) => {
          assert.is(best >= 0, (want.counts[index] ?? 0) > 0);
          if (best >= 0) assert.is(want.masks[index]?.[best], 1);
        });
      }),
      { numRuns: 250 },
    );
  });
}

/** A table of `nodeCount` nodes with float32 values that are not exact in sums. */
function seeded(seed: number, columns: number, nodeCount: number, needCount: number): FitCase {
  const prng = new Prng(seed);
  const draw = (max: number): number => Math.fround(prng.uniform() * max);
  const rows = (count: number, length: number, max: number): number[][] =>
    Array.from({ length: count }, () => Array.from({ length }, () => draw(max)));
  return {
    room: rows(columns, nodeCount, 64),
    needs: rows(needCount, columns, 32),
    weights: Array.from({ length: columns }, () => draw(1)),
    nodeCount,
    extra: 1,
  };
}

for (const columns of [4, 12, 6]) {
  test(`node counts around the vector and the block, ${columns} columns`, () => {
    for (const nodeCount of [0, 1, 3, 4, 5, 8, 511, 1000, 1541, 3077]) {
      const question = seeded(nodeCount * 31 + columns, columns, nodeCount, 3);
      const want = expected(question);
      const answers = boards.map(({ board }) => ask(board, question));
      for (const got of answers) {
        assert.equal(got.masks, want.masks);
        assert.equal(got.counts, want.counts);
        assert.equal(got.firsts, want.firsts);
        assert.equal(got.bests, answers[0]?.bests, "binaries agree");
        got.bests.forEach((best, index) => {
          const need = question.needs[index] ?? [];
          const ideal = want.bests[index] ?? -1;
          assert.is(best < 0, ideal < 0);
          if (best < 0) return;
          const score = (node: number): number =>
            leftoverReference(question.room, need, question.weights, node);
          assert.ok(score(best) <= score(ideal) + 1e-4, "as good as the best within float32");
        });
      }
    }
  });
}

test("the best of equals is the lowest index, infinite leftovers included", () => {
  for (const { board } of boards) {
    const same = Array.from({ length: 9 }, () => 5);
    const infinite = same.map(() => Number.POSITIVE_INFINITY);
    const base = { needs: [[1, 1]], nodeCount: 9, extra: 0 };
    assert.equal(ask(board, { ...base, room: [same, same], weights: [1, 1] }).bests, [0]);
    assert.equal(ask(board, { ...base, room: [infinite, same], weights: [1, 1] }).bests, [0]);
    assert.equal(ask(board, { ...base, room: [infinite, same], weights: [0, 1] }).bests, [0]);
    const late = [0, 0, 0, 0, 0, 5, 0, 5, 0];
    assert.equal(ask(board, { ...base, room: [late, late], weights: [1, 1] }).bests, [5]);
    const mixed = [9, 9, 3, 9, 9, 9, 3, 9, 3];
    assert.equal(ask(board, { ...base, room: [mixed, mixed], weights: [1, 1] }).bests, [2]);
  }
});

test("less need or more room never turns a yes into a no", () => {
  const { board } = boards[1] as { board: Board };
  fc.assert(
    fc.property(cases(tame), fc.integer({ min: 0, max: 32 }), (question, eighths) => {
      const before = ask(board, question).masks;
      const smaller = question.needs.map((need) => need.map((value) => value - eighths / 8));
      const larger = question.room.map((row) => row.map((value) => value + eighths / 8));
      for (const changed of [{ needs: smaller }, { room: larger }]) {
        const after = ask(board, { ...question, ...changed }).masks;
        before.forEach((row, need) => {
          row.forEach((bit, node) => {
            assert.ok(bit <= (after[need]?.[node] ?? 0));
          });
        });
      }
    }),
    { numRuns: 150 },
  );
});

test("zero need fits every room that is not negative", () => {
  for (const { board } of boards) {
    const room = [[0, -0, 1, 2 ** -149, Number.POSITIVE_INFINITY, -(2 ** -149), Number.NaN]];
    const question = { room, needs: [[0], [-0]], weights: [1], nodeCount: 7, extra: 0 };
    assert.equal(ask(board, question).masks, [
      [1, 1, 1, 1, 1, 0, 0],
      [1, 1, 1, 1, 1, 0, 0],
    ]);
  }
});

test.run();
