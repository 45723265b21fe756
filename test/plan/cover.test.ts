import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CoverAnswer, CoverQuestion } from "../../host/coordinator/cover-board.js";
import { CoverKernel } from "../../host/coordinator/cover-kernel.js";
import { leastCoverReference } from "../../host/coordinator/cover-reference.js";
import { type BinaryName, compileBinary, supportsRelaxed } from "../../host/core/binary.js";
import { groupedCase, randomCase } from "./cases.js";

const test = suite("plan/cover");
const names: BinaryName[] = ["release", "debug", "shared"];
if (supportsRelaxed()) names.push("relaxed");
const kernels = names.map((name) => {
  const isShared = name === "shared" || name === "relaxed";
  return [name, new CoverKernel(compileBinary(name), isShared)] as const;
});
const release = new CoverKernel(compileBinary("release"));

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const shapes = fc.record({
  count: fc.constantFrom(1, 2, 3, 7, 8, 9, 12),
  resources: fc.integer({ min: 1, max: 4 }),
});
/** Small whole amounts, so that ties, zeros and hopeless needs occur. */
const small = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.record({
    freed: fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 4 }), {
      minLength: count,
      maxLength: count,
    }),
    costs: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: count, maxLength: count }),
    groups: fc.constant(Array.from({ length: count }, (_, index) => index >> 1)),
    needed: fc.array(fc.integer({ min: -2, max: 9 }), { minLength: 4, maxLength: 4 }),
    budgets: fc.array(fc.integer({ min: 0, max: 2 }), {
      minLength: (count + 1) >> 1,
      maxLength: (count + 1) >> 1,
    }),
  }),
);

function freedBy({ freed }: CoverQuestion, chosen: readonly boolean[]): number[] {
  return [0, 1, 2, 3].map((d) =>
    freed.reduce((sum, row, index) => (chosen[index] ? sum + (row[d] ?? 0) : sum), 0),
  );
}

function covers(question: CoverQuestion, chosen: readonly boolean[]): boolean {
  const sums = freedBy(question, chosen);
  return question.needed.every((amount, d) => (sums[d] ?? 0) >= amount);
}

function isWithinBudgets({ groups, budgets }: CoverQuestion, chosen: readonly boolean[]): boolean {
  return budgets.every(
    (budget, group) => groups.filter((each, i) => chosen[i] && each === group).length <= budget,
  );
}

/** Least cost by trying every choice; undefined when none covers. */
function optimum(question: CoverQuestion): number | undefined {
  const count = question.costs.length;
  let best: number | undefined;
  for (let bits = 0; bits < 2 ** count; bits++) {
    const chosen = question.costs.map((_, index) => ((bits >> index) & 1) === 1);
    const cost = question.costs.reduce((sum, each, i) => (chosen[i] ? sum + each : sum), 0);
    if (best !== undefined && cost >= best) continue;
    if (isWithinBudgets(question, chosen) && covers(question, chosen)) best = cost;
  }
  return best;
}

function checkSound(question: CoverQuestion, answer: CoverAnswer): void {
  const { chosen, covered, cost, bound } = answer;
  assert.ok(isWithinBudgets(question, chosen));
  assert.is(covers(question, chosen), covered);
  const sum = question.costs.reduce((total, each, i) => (chosen[i] ? total + each : total), 0);
  assert.is(cost, sum);
  assert.ok(bound <= cost && bound >= 0);
  const target = covered ? question.needed : freedBy(question, chosen);
  chosen.forEach((is, index) => {
    if (!is) return;
    const without = chosen.map((each, i) => each && i !== index);
    assert.not.ok(covers({ ...question, needed: target }, without), `${index} is not needed`);
  });
}

test("every binary gives the bits of the reference", () => {
  const questions = fc.oneof(
    small,
    fc.tuple(shapes, seeds).map(([shape, seed]) => randomCase(shape, seed)),
    fc.tuple(shapes, seeds).map(([shape, seed]) => groupedCase(shape, seed)),
  );
  fc.assert(
    fc.property(questions, (question) => {
      const expected = leastCoverReference(question);
      for (const [name, kernel] of kernels) assert.equal(kernel.solve(question), expected, name);
    }),
    { numRuns: 600 },
  );
  for (const count of [40, 100]) {
    const question = randomCase({ count, resources: 4 }, count);
    const expected = leastCoverReference(question);
    for (const [name, kernel] of kernels) assert.equal(kernel.solve(question), expected, name);
  }
});

test("covers within the budgets with nobody to spare, and the bound holds", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        small,
        fc.tuple(shapes, seeds).map(([s, n]) => randomCase(s, n)),
      ),
      (q) => {
        const answer = release.solve(q);
        checkSound(q, answer);
        const least = optimum(q);
        if (answer.covered) {
          assert.ok(least !== undefined && answer.bound <= least && answer.cost >= least);
        }
        const ample = { ...q, budgets: q.budgets.map(() => q.costs.length) };
        if (least === undefined) assert.not.ok(answer.covered);
        assert.is(release.solve(ample).covered, optimum(ample) !== undefined);
      },
    ),
    { numRuns: 600 },
  );
});

test("nothing needed, nobody there, nobody allowed", () => {
  const question = randomCase({ count: 9, resources: 4 }, 1);
  const none = release.solve({ ...question, needed: [0, -1, -0, 0] });
  assert.equal(none, { covered: true, chosen: question.costs.map(() => false), cost: 0, bound: 0 });
  const empty = { freed: [], costs: [], groups: [], needed: [1, 0, 0, 0], budgets: [] };
  assert.equal(release.solve(empty), { covered: false, chosen: [], cost: 0, bound: 0 });
  const barred = release.solve({ ...question, budgets: question.budgets.map(() => 0) });
  assert.not.ok(barred.covered || barred.chosen.includes(true));
});

test.run();
