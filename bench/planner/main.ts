/**
 * How near to the optimum are the victims, and how fast are they found? Beside the rules of others.
 *
 *     node build/js/bench/planner/main.js [--smoke] [--json [FILE]] [--filter TEXT]
 *
 * The optimum is HiGHS's: the cost of each class in turn, from the highest down. *Gap* is the cost of
 * the victims above it, all classes together; *top* that in the highest class the optimum touches;
 * *inversions* are victims whom lower classes could have spared.
 */
import { writeFileSync } from "node:fs";
import { selectVictims } from "../../host/coordinator/cover.js";
import { elapsedMs } from "../../host/lib/clock.js";
import { parseBenchArguments } from "../support/arguments.js";
import { describeMachine } from "../support/machine.js";
import { type CaseInstance, type CaseShape, type PlannerCase, plannerCase } from "./cases.js";
import { type Exact, type Optimum, openExact } from "./optimum.js";
import { isCovered, questionOf, RULES, type Rule } from "./rules.js";

interface Group extends CaseShape {
  readonly cases: number;
}

interface Spread {
  readonly mean: number;
  readonly p95: number;
}

interface RuleResult {
  readonly gap: Spread;
  readonly topGap: Spread;
  readonly inversions: number;
}

interface GroupResult extends Group {
  readonly rules: Readonly<Record<string, RuleResult>>;
  /** How far the certificate of the highest class touched lies below the optimum. */
  readonly bound: Spread;
  readonly ms: Spread;
  readonly exactMs: Spread;
  readonly speedUp: number;
}

const SEED = 90_000_000;
const PLAIN = [
  [20, 60],
  [50, 60],
  [100, 40],
  [200, 25],
  [500, 15],
] as const;

function groups(smoke: boolean): readonly Group[] {
  if (smoke) return [{ count: 12, resources: 3, classes: 3, donors: 0.4, cases: 3 }];
  const plain = [3, 4].flatMap((resources) =>
    PLAIN.map(([count, cases]) => ({ count, resources, classes: 1, donors: 0, cases })),
  );
  const mixed = [2, 3, 4, 5].flatMap((classes) =>
    [0, 0.4].map((donors) => ({ count: 100, resources: 4, classes, donors, cases: 25 })),
  );
  const donors = [20, 500].map((count) => ({
    count,
    resources: 4,
    classes: 1,
    donors: 0.4,
    cases: count === 500 ? 15 : 60,
  }));
  return [...plain, ...donors, ...mixed];
}

function measure(group: Group, exact: Exact, seed: number): GroupResult {
  const problems = Array.from({ length: group.cases }, (_, at) => plannerCase(group, seed + at));
  const optima = problems.map(exact);
  const rules = Object.fromEntries(
    [...RULES].map(([name, rule]) => [name, judge(rule, problems, optima)] as const),
  );
  const ms = spread(problems.map(timeOf));
  const exactMs = spread(optima.map((each) => each.ms));
  const bound = spread(problems.map((problem, at) => slackOf(problem, optima[at])));
  return { ...group, rules, bound, ms, exactMs, speedUp: exactMs.mean / ms.mean };
}

function judge(
  rule: Rule,
  problems: readonly PlannerCase[],
  optima: readonly Optimum[],
): RuleResult {
  const gaps: number[] = [];
  const topGaps: number[] = [];
  let inversions = 0;
  for (const [at, problem] of problems.entries()) {
    const victims = rule(problem);
    if (!isCovered(problem, victims)) throw new Error(`case ${at} is not covered`);
    const { costs = [] } = optima[at] ?? {};
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    const classes = [...new Set(problem.instances.map(({ priority }) => priority))];
    classes.sort((a, b) => b - a);
    const top = costs.findIndex((cost) => cost > 0);
    if (top >= 0) {
      gaps.push(costOf(victims) / total - 1);
      const own = victims.filter(({ priority }) => priority === classes[top]);
      topGaps.push(costOf(own) / (costs[top] ?? 0) - 1);
    }
    inversions += victims.filter((victim) => isInverted(problem, victims, victim)).length;
  }
  return { gap: spread(gaps), topGap: spread(topGaps), inversions };
}

function isInverted(
  problem: PlannerCase,
  victims: readonly CaseInstance[],
  victim: CaseInstance,
): boolean {
  const others = victims.filter((each) => each !== victim && each.priority >= victim.priority);
  const lower = problem.instances.filter(({ priority }) => priority < victim.priority);
  return isCovered(problem, [...others, ...lower]);
}

/** Share of the optimum that the certificate leaves open, in the highest class touched. */
function slackOf(problem: PlannerCase, optimum: Optimum | undefined): number {
  const { bounds } = selectVictims(questionOf(problem));
  const own = bounds.find(({ cost }) => cost > 0);
  const best = optimum?.costs.find((cost) => cost > 0);
  return own === undefined || best === undefined ? 0 : 1 - own.bound / best;
}

/** Milliseconds of one call, the least of five: the machine may be shared. */
function timeOf(problem: PlannerCase): number {
  const question = questionOf(problem);
  const times = [0, 1, 2, 3, 4].map(() => {
    const started = elapsedMs();
    selectVictims(question);
    return elapsedMs() - started;
  });
  return Math.min(...times);
}

function costOf(victims: readonly CaseInstance[]): number {
  return victims.reduce((sum, { cost }) => sum + cost, 0);
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return { mean, p95: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0 };
}

function print(result: GroupResult): void {
  const percent = ({ mean, p95 }: Spread): string =>
    `${(100 * mean).toFixed(2)} / ${(100 * p95).toFixed(2)} %`;
  const { count, resources, classes, donors, cases, rules, bound, ms, exactMs } = result;
  console.log(
    `\nn=${count} resources=${resources} classes=${classes} donors=${donors}, ${cases} cases`,
  );
  for (const [name, { gap, topGap, inversions }] of Object.entries(rules)) {
    const line = `gap ${percent(gap)}  top ${percent(topGap)}  inversions ${inversions}`;
    console.log(`  ${name.padEnd(15)} ${line}`);
  }
  const times = `${ms.mean.toFixed(3)} / ${ms.p95.toFixed(3)} ms`;
  console.log(`  certificate ${percent(bound)} below the optimum; ${times}`);
  const exact = `${exactMs.mean.toFixed(1)} / ${exactMs.p95.toFixed(1)} ms`;
  console.log(`  HiGHS ${exact}, ${result.speedUp.toFixed(0)} times as long; mean / P95`);
}

async function main(): Promise<void> {
  const options = parseBenchArguments(process.argv.slice(2));
  const quiet = options.json && options.jsonFile === undefined;
  const exact = await openExact();
  const machine = describeMachine();
  if (!quiet) console.log(`# planner, ${machine.date}, ${machine.cpuCount} x ${machine.cpu}`);
  const results: GroupResult[] = [];
  for (const [at, group] of groups(options.smoke).entries()) {
    const name = `n=${group.count} classes=${group.classes} resources=${group.resources}`;
    if (!name.includes(options.filter)) continue;
    const result = measure(group, exact, SEED + 1_000 * at);
    results.push(result);
    if (!quiet) print(result);
  }
  const report = { name: "planner", smoke: options.smoke, machine, groups: results };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, text);
  else if (options.json) process.stdout.write(text);
}

await main();
