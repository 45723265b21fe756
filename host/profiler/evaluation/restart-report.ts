import { NEED_COLUMNS, PHASE_COUNT, QUANTILE_COUNT, RESOURCES } from "../../core/abi.js";
import { Prng } from "../../lib/prng.js";
import { COMPARED, InstanceBaselines } from "../../model/baselines/instance-baselines.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../../model/training/cuts.js";
import type { Series } from "../../model/training/series.js";
import type { NetworkWeights } from "../../model/weights.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import { isHeldOut } from "../../sources/bitbrains/split.js";
import { type StreamedRestart, streamSeries } from "./series-stream.js";

/** What somebody would have granted at restarts. */
export interface GrantFigures {
  readonly name: string;
  readonly truths: number;
  readonly coverage: number;
  /** 95 %, whole instances resampled. */
  readonly interval: readonly [number, number];
  /** sum(grant above the truth) / sum(truth) */
  readonly slack: number;
  /** sum(truth above the grant) / sum(truth) */
  readonly deficit: number;
  /** Its slack over that of giving the limit; absent where no limit is known. */
  readonly ofLimit?: number;
}

export interface RestartReport {
  readonly set: string;
  readonly restarts: number;
  readonly instances: number;
  readonly resources: readonly {
    readonly resource: string;
    /** Level that is granted: .95, memory .99. */
    readonly level: number;
    readonly grants: readonly GrantFigures[];
  }[];
}

const DAY_SECONDS = 86_400;
/** Restarts of a type after which its surge and trackers are held to their target. */
const SETTLED = 20;
/** Index of the granted level of cpu, memory, network, disk. */
const GRANTED = [2, 3, 2, 2] as const;
const LEVELS = [0.95, 0.99, 0.95, 0.95] as const;
const DRAWS = 400;

const KINDS: readonly { readonly name: string; readonly kinds: readonly string[] }[] = [
  { name: "power_on, selected blind", kinds: ["power_on"] },
  { name: "first_power_on, selected blind, no history", kinds: ["first_power_on"] },
  { name: "cold, selected by its burst", kinds: ["cold"] },
  { name: "gap and warm_candidate, selected by their burst", kinds: ["gap", "warm_candidate"] },
];

/**
 * Streams every instance that restarts, from its first day, and compares what the profiler granted
 * at each recognised restart, surge and trackers included, with what else could have been granted.
 * All instances are of one job type, because the trace names none. Answers are made before the
 * truth is known and learn from it after.
 */
export async function restartReports(
  all: readonly Series[],
  restarts: ReadonlyMap<string, readonly RecognisedRestart[]>,
  weights: NetworkWeights,
  onProgress?: (done: number, total: number) => void,
): Promise<RestartReport[]> {
  const series = all.filter(({ name }) => (restarts.get(name) ?? []).length > 0);
  if (series.length === 0) return [];
  const found: Restart[] = [];
  const baselines = new Map(series.map((one) => [one.name, new InstanceBaselines(one)]));
  await streamSeries({
    series,
    fromSeconds: Math.min(...series.map(({ times }) => times[0] ?? Infinity)) - 1,
    weights,
    teach: true,
    jobType: "vm",
    restarts,
    onRestart: (one) => found.push(withGrants(one, baselines.get(one.series.name))),
    onProgress,
  });
  const firstTest = TRACE_START_SECONDS + SET_DAYS.test[0] * DAY_SECONDS;
  const isSettled = ({ one }: Restart) => one.learnt >= SETTLED;
  const isHeld = ({ one }: Restart) =>
    isHeldOut(one.series.name) || one.restartSeconds >= firstTest;
  return KINDS.flatMap(({ name, kinds }) => {
    const own = found.filter(({ one }) => kinds.includes(one.kind));
    return [
      report(`${name}; all`, own),
      report(`${name}; after ${SETTLED} restarts`, own.filter(isSettled)),
      report(
        `${name}; after ${SETTLED} restarts, held out`,
        own.filter((restart) => isSettled(restart) && isHeld(restart)),
      ),
    ].filter(({ restarts: count }) => count > 0);
  });
}

interface Restart {
  readonly one: StreamedRestart;
  /** By name: amounts a `needColumn`, NaN where it has none. */
  readonly grants: ReadonlyMap<string, Float64Array>;
}

function withGrants(one: StreamedRestart, baselines: InstanceBaselines | undefined): Restart {
  const none = new Float64Array(NEED_COLUMNS).fill(Number.NaN);
  const { cpu, memory, network, disk } = one.limits;
  const limits = [cpu, memory, network, disk];
  const rows =
    baselines === undefined || Number.isNaN(one.askedSeconds)
      ? undefined
      : baselines.predict(one.askedSeconds, one.outageMinutes);
  const baseline = (name: (typeof COMPARED)[number]) => {
    const row = rows?.[COMPARED.indexOf(name)] ?? none;
    // Everybody gets the same cap.
    return row.map((amount, column) => Math.min(amount, limits[resourceOf(column)] ?? Infinity));
  };
  return {
    one,
    grants: new Map([
      ["profiler", granted(one.profile.envelope)],
      ["network alone", one.alone === null ? none : granted(one.alone)],
      ["max 7 d", baseline("max 7 d")],
      ["VPA", baseline("VPA")],
      ["its limit", none.map((_, column) => limits[resourceOf(column)] ?? Number.NaN)],
    ]),
  };
}

function resourceOf(column: number): number {
  return Math.floor(column / PHASE_COUNT);
}

/** The granted quantile of each column. */
function granted(envelope: ArrayLike<number>): Float64Array {
  return Float64Array.from(
    { length: NEED_COLUMNS },
    (_, column) =>
      envelope[column * QUANTILE_COUNT + (GRANTED[resourceOf(column)] ?? 0)] ?? Number.NaN,
  );
}

function report(set: string, found: readonly Restart[]): RestartReport {
  const names = [...(found[0]?.grants.keys() ?? [])];
  return {
    set,
    restarts: found.length,
    instances: new Set(found.map(({ one }) => one.series.name)).size,
    resources: RESOURCES.map((resource, index) => ({
      resource,
      level: LEVELS[index] ?? Number.NaN,
      grants: names.flatMap((name) => {
        const rows = found.flatMap((restart) => rowsOf(restart, name, index));
        return rows.length === 0 ? [] : [grantFigures(name, rows)];
      }),
    })),
  };
}

/** One phase of one restart. */
interface GrantRow {
  readonly instance: string;
  readonly truth: number;
  readonly amount: number;
  /** NaN where none is known. */
  readonly limit: number;
}

function rowsOf({ one, grants }: Restart, name: string, resource: number): GrantRow[] {
  return Array.from({ length: PHASE_COUNT }, (_, phase) => {
    const column = resource * PHASE_COUNT + phase;
    return {
      instance: one.series.name,
      truth: one.peaks[column] ?? Number.NaN,
      amount: grants.get(name)?.[column] ?? Number.NaN,
      limit: grants.get("its limit")?.[column] ?? Number.NaN,
    };
  }).filter(({ truth, amount }) => truth >= 0 && amount >= 0);
}

function grantFigures(name: string, rows: readonly GrantRow[]): GrantFigures {
  let [covered, over, under, total, limitOver] = [0, 0, 0, 0, 0];
  for (const { truth, amount, limit } of rows) {
    if (truth <= amount) covered += 1;
    over += Math.max(0, amount - truth);
    under += Math.max(0, truth - amount);
    total += truth;
    limitOver += Math.max(0, limit - truth);
  }
  return {
    name,
    truths: rows.length,
    coverage: covered / rows.length,
    interval: coverageInterval(rows),
    slack: over / total,
    deficit: under / total,
    ...(Number.isNaN(limitOver) ? {} : { ofLimit: over / limitOver }),
  };
}

function coverageInterval(rows: readonly GrantRow[]): readonly [number, number] {
  const byInstance = new Map<string, [number, number]>();
  for (const { instance, truth, amount } of rows) {
    const [covered, count] = byInstance.get(instance) ?? [0, 0];
    byInstance.set(instance, [covered + (truth <= amount ? 1 : 0), count + 1]);
  }
  const own = [...byInstance.values()];
  const prng = new Prng(1);
  const shares = Array.from({ length: DRAWS }, () => {
    let [covered, count] = [0, 0];
    for (let draw = 0; draw < own.length; draw++) {
      const [a, b] = own[prng.below(own.length)] ?? [0, 0];
      covered += a;
      count += b;
    }
    return covered / count;
  }).sort((a, b) => a - b);
  const at = (share: number) => shares[Math.floor(share * (DRAWS - 1))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}
