import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fitBestReference, fitLeastReference } from "../../host/allocator/reference.js";
import { openBoards, strideBytesOf } from "./board.js";

const test = suite("pool/fit-least");
const boards = openBoards();

const tame = fc.integer({ min: -16, max: 256 }).map((eighths) => eighths / 8);
const odd = fc.constantFrom(
  0,
  -0,
  2 ** -149,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
);

function cases(value: fc.Arbitrary<number>) {
  return fc
    .record({
      columns: fc.constantFrom(1, 3, 4, 5, 8, 12),
      nodeCount: fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17), fc.nat(60)),
      extra: fc.nat(2),
    })
    .chain(({ columns, nodeCount, extra }) => {
      const row = (of: fc.Arbitrary<number>, length: number) =>
        fc.array(of, { minLength: length, maxLength: length });
      return fc.record({
        room: fc.array(row(value, nodeCount), { minLength: columns, maxLength: columns }),
        need: row(value, columns),
        scores: row(value, nodeCount),
        nodeCount: fc.constant(nodeCount),
        extra: fc.constant(extra),
      });
    });
}

for (const { name, board } of boards) {
  for (const [kind, value] of [
    ["exact", tame],
    ["odd", fc.oneof(odd, tame)],
  ] as const) {
    test(`${name}: equals the reference on ${kind} values and writes nothing`, () => {
      fc.assert(
        fc.property(cases(value), ({ room, need, scores, nodeCount, extra }) => {
          board.reset();
          const stride = strideBytesOf(nodeCount, extra * 4);
          // Padding has infinite room and the best score: a kernel that looks at it is caught.
          const roomPtr = board.table(room, stride, Number.POSITIVE_INFINITY);
          const scoresPtr = board.table([scores], stride, Number.NEGATIVE_INFINITY);
          const needPtr = board.floats(need);
          board.snapshot();
          const args = [roomPtr, stride, nodeCount, need.length, needPtr, scoresPtr] as const;
          const got = board.kernel.fitLeast(...args);
          board.check();
          assert.is(got, fitLeastReference(room, nodeCount, need, scores));
        }),
        { numRuns: 250 },
      );
    });
  }
}

test("with the weighted room as score it finds what the best fit finds", () => {
  const weights = fc.array(fc.constantFrom(0.25, 0.5, 1, 2), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(cases(tame), weights, ({ room, need, nodeCount }, weight) => {
      const scores = Array.from({ length: nodeCount }, (_, node) =>
        room.reduce((sum, row, column) => sum + (weight[column] ?? 0) * (row[node] ?? 0), 0),
      );
      const used = weight.slice(0, need.length);
      assert.is(
        fitLeastReference(room, nodeCount, need, scores),
        fitBestReference(room, nodeCount, need, used),
      );
    }),
  );
});

test.run();
