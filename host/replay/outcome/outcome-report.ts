import { Prng } from "../../lib/prng.js";
import type { OutcomePolicyName } from "./outcome-policies.js";
import type { OutcomeRun } from "./outcome-run.js";
import { ratio } from "./outcome-tally.js";

const DRAWS = 1_000;

/** One figure of a run; how it is said, and whether less is better. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly of: (run: OutcomeRun) => number;
}

const total = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0);
const share = (part: number, whole: number): number => 100 * ratio(part, whole);

export const MEASURES: readonly Measure[] = [
  { name: "interruptions", unit: "", of: (run) => total(Object.values(run.interruptions)) },
  { name: "  evicted at the loss", unit: "", of: (run) => run.interruptions.evicted },
  { name: "interruptions", unit: "/instance-day", of: (run) => run.interruptionsPerInstanceDay },
  { name: "again within an hour", unit: "", of: (run) => run.repeatedWithinHour },
  { name: "work lost", unit: "core-h", of: (run) => run.lostCoreHours },
  { name: "work missed, waiting or squeezed", unit: "core-h", of: (run) => run.missedCoreHours },
  { name: "killed for memory", unit: "", of: (run) => run.outOfMemory },
  { name: "losses missed", unit: "", of: (run) => run.reclaims.missed },
  { name: "  that could be met", unit: "", of: (run) => run.reclaims.missedFeasible },
  { name: "restart delay, mean", unit: "s", of: (run) => run.restartDelaySeconds.mean },
  { name: "restart delay, P95", unit: "s", of: (run) => run.restartDelaySeconds.p95 },
  {
    name: "restarts at once with all they asked",
    unit: "%",
    of: ({ restarts }) => share(restarts.wholeAtOnce, restarts.count),
  },
  {
    name: "  and never above the grant",
    unit: "%",
    of: ({ restarts }) => share(restarts.coveredAtOnce, restarts.count),
  },
  {
    name: "restarts at once and always served",
    unit: "%",
    of: ({ restarts }) => share(restarts.servedAtOnce, restarts.count),
  },
  {
    name: "overload",
    unit: "% of restart minutes",
    of: (run) => 100 * run.overload.ofWindowMinutes,
  },
  { name: "overload", unit: "% of restarts", of: (run) => 100 * run.overload.ofWindows },
  { name: "SLO minutes", unit: "min", of: (run) => total(run.sloMinutesByClass) },
  { name: "  of the highest class", unit: "min", of: (run) => run.sloMinutesByClass.at(-1) ?? 0 },
  { name: "reserved and unused", unit: "core-h", of: (run) => run.reservedUnused[0] ?? 0 },
  { name: "reserved and unused", unit: "GiB-h", of: (run) => run.reservedUnused[1] ?? 0 },
  {
    name: "reserved and unused a restart",
    unit: "core-h",
    of: (run) => ratio(run.reservedUnused[0] ?? 0, run.restarts.granted),
  },
  { name: "CPU used", unit: "%", of: (run) => 100 * (run.utilisation[0] ?? 0) },
  { name: "memory used", unit: "%", of: (run) => 100 * (run.utilisation[1] ?? 0) },
  { name: "freed and not short", unit: "%", of: (run) => 100 * run.overReclaim },
  { name: "running, above the memory held", unit: "min", of: (run) => run.squeezedMinutes },
  { name: "inversions", unit: "", of: (run) => run.inversions },
  { name: "a plan's work lost over the least", unit: "%", of: planRegretOf },
  { name: "requests deferred", unit: "", of: (run) => run.counts.deferredRequests },
  {
    name: "  granted by their first retryAt",
    unit: "%",
    of: ({ counts }) =>
      share(counts.grantedByRetryAt, counts.grantedByRetryAt + counts.missedRetryAt),
  },
  { name: "  forced at the deadline", unit: "", of: (run) => run.counts.forcedDeferred },
  { name: "score: work lost and missed", unit: "core-h", of: (run) => run.score },
  { name: "turn with a plan, P99", unit: "ms", of: (run) => run.planMsP99 },
];

function planRegretOf({ regret }: OutcomeRun): number {
  return 100 * ratio(regret.cost - regret.least, regret.least);
}

/** A mean over seeds, and its 95 % interval by bootstrap over seeds. */
export interface Estimate {
  readonly mean: number;
  readonly interval: readonly [number, number];
}

export function meanOf(values: readonly number[]): Estimate {
  return bootstrap(values.length, (rows) =>
    ratio(total(rows.map((i) => values[i] ?? 0)), rows.length),
  );
}

/** Change of a measure against another policy in the same worlds, as a share; NaN of nothing. */
export function pairedChange(ours: readonly number[], theirs: readonly number[]): Estimate {
  return bootstrap(ours.length, (rows) => {
    const [a, b] = [rows.map((i) => ours[i] ?? 0), rows.map((i) => theirs[i] ?? 0)];
    return total(b) === 0 ? Number.NaN : total(a) / total(b) - 1;
  });
}

function bootstrap(count: number, of: (rows: readonly number[]) => number): Estimate {
  const all = Array.from({ length: count }, (_, index) => index);
  const prng = new Prng(1);
  const found = Array.from({ length: DRAWS }, () => of(all.map(() => prng.below(count))))
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  const at = (level: number): number => found[Math.floor(level * (found.length - 1))] ?? Number.NaN;
  return { mean: of(all), interval: [at(0.025), at(0.975)] };
}

/** A measure of one policy, a value a seed. */
export function valuesOf(
  runs: readonly OutcomeRun[],
  policy: OutcomePolicyName,
  measure: Measure,
): number[] {
  return runs.filter((run) => run.policy === policy).map((run) => measure.of(run));
}
