/** The table of docs/planning.md: gap to the optimum and time, beside the rules of others. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CoverQuestion } from "../../host/coordinator/cover-board.js";
import { leastCover } from "../../host/coordinator/cover-kernel.js";
import { elapsedMs } from "../../host/lib/clock.js";
import { randomCase } from "./cases.js";
import { cheapestFirst, openYardstick, plainGreedy, reprieve } from "./yardstick.js";

const test = suite("plan/gap.slow");
const exact = await openYardstick();
const CASES = new Map([
  [20, 60],
  [50, 60],
  [100, 40],
  [200, 25],
]);

const RULES: ReadonlyMap<string, (question: CoverQuestion) => number> = new Map([
  ["ours", (question: CoverQuestion) => leastCover(question).cost],
  ["plain greedy", plainGreedy],
  ["reprieve", reprieve],
  ["cheapest first", cheapestFirst],
]);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function p95(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const both = (values: readonly number[]): string =>
  `${percent(mean(values))} / ${percent(p95(values))}`;

/** Milliseconds of one call, the least of five: the machine is shared. */
function timeOf(question: CoverQuestion): number {
  const times = [0, 1, 2, 3, 4].map(() => {
    const started = elapsedMs();
    leastCover(question);
    return elapsedMs() - started;
  });
  return Math.min(...times);
}

test("gap to the optimum, 4 resources", () => {
  const lines = [
    "| n | cases | ours | plain greedy | reprieve | cheapest first | bound | ours, ms | HiGHS, ms |",
  ];
  for (const [count, cases] of CASES) {
    const questions = Array.from({ length: cases }, (_, seed) =>
      randomCase({ count, resources: 4 }, 1000 * count + seed),
    );
    const optima = questions.map(exact);
    const gaps = (rule: (question: CoverQuestion) => number): number[] =>
      questions.map((question, index) => rule(question) / (optima[index]?.cost ?? 0) - 1);
    const below = questions.map((q, i) => 1 - leastCover(q).bound / (optima[i]?.cost ?? 0));
    const ours = gaps((question) => leastCover(question).cost);
    assert.ok(Math.min(...below, ...ours) >= -1e-9);
    assert.ok(mean(ours) <= 0.01 && p95(ours) <= 0.04, `n ${count}: ${both(ours)}`);
    const ms = questions.map(timeOf);
    const highsMs = optima.map((each) => each.ms);
    const cells = [...RULES.values()].map((rule) => both(gaps(rule)));
    const times = [ms, highsMs].map((each) => `${mean(each).toFixed(2)} / ${p95(each).toFixed(2)}`);
    lines.push(`| ${[count, cases, ...cells, both(below), ...times].join(" | ")} |`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
});

test.run();
