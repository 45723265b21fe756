import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CoverQuestion } from "../../host/coordinator/cover-board.js";
import { leastCover } from "../../host/coordinator/cover-kernel.js";
import { groupedCase, randomCase } from "./cases.js";
import { openYardstick } from "./yardstick.js";

const test = suite("plan/gap");
const exact = await openYardstick();

/** Gaps of the covered cases; the bound is held against the optimum on the way. */
function gapsOf(questions: readonly CoverQuestion[]): number[] {
  return questions.flatMap((question, index) => {
    const { covered, cost, bound } = leastCover(question);
    if (!covered) return [];
    const optimum = exact(question).cost;
    assert.ok(bound <= optimum * (1 + 1e-9), `case ${index}: bound ${bound} above ${optimum}`);
    assert.ok(cost >= optimum * (1 - 1e-9), `case ${index}: ${cost} below ${optimum}`);
    return [cost / optimum - 1];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test("near the optimum of HiGHS on random cases, the bound below it", () => {
  const gaps = gapsOf(
    Array.from({ length: 30 }, (_, seed) => randomCase({ count: 20, resources: 4 }, seed)),
  );
  assert.is(gaps.length, 30);
  assert.ok(mean(gaps) <= 0.01, `mean gap ${mean(gaps)}`);
  assert.ok(Math.max(...gaps) <= 0.1, `largest gap ${Math.max(...gaps)}`);
});

test("near it where the budgets of groups bind", () => {
  const gaps = gapsOf(
    Array.from({ length: 30 }, (_, seed) => groupedCase({ count: 21, resources: 3 }, seed)),
  );
  assert.ok(gaps.length >= 10, `${gaps.length} of 30 covered`);
  assert.ok(mean(gaps) <= 0.03, `mean gap ${mean(gaps)}`);
});

test.run();
