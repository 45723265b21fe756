/**
 * Streams a fleet with its restarts through two profilers in time order: one that learns (shadow
 * cuts, surge, trackers), one that never does and shows the network alone and the baselines.
 */
import {
  ENVELOPE_ROWS,
  NEED_COLUMNS,
  needColumn,
  PHASE_END_MINUTES,
  QUANTILE_COUNT,
  RESOURCES,
} from "../../../host/core/abi.js";
import { VirtualClock } from "../../../host/lib/clock.js";
import { LIMITS } from "../../../host/lib/limits.js";
import type { NetworkWeights } from "../../../host/model/weights.js";
import type { Rung } from "../../../host/profiler/profile.js";
import { Profiler } from "../../../host/profiler/profiler.js";
import type { PackedSeries } from "./fleet.js";

const HORIZON_SECONDS = 3_600;
const BASELINES = ["max7d", "vpa"] as const;

/** A restart of one instance, known beforehand to nobody. */
export interface Restart {
  readonly id: string;
  readonly kind: string;
  /** When it may have begun, at the earliest: phases are counted from here. */
  readonly atSeconds: number;
  /** Of the first sample after it. */
  readonly sampleSeconds: number;
}

/** What was said before a restart, what it needed, and how much had been learnt by then. */
export interface ScoredRestart extends Restart {
  readonly jobType: string;
  /** Restarts of its job type that had taught when it was asked. */
  readonly taught: number;
  readonly rung: Rung;
  /** 12, NaN where nothing was seen. */
  readonly peaks: readonly number[];
  /** 48 quantiles a method; an amount without quantiles stands at every level. */
  readonly said: Readonly<Record<string, readonly number[]>>;
  /** Four, NaN = none. */
  readonly limits: readonly number[];
}

export interface RestartRunOptions {
  readonly weights: NetworkWeights;
  readonly fleet: readonly PackedSeries[];
  readonly restarts: readonly Restart[];
  readonly jobTypeOf: (series: PackedSeries) => string;
  readonly tickSeconds: number;
}

interface Open extends Omit<ScoredRestart, "peaks"> {
  readonly peaks: number[];
}

class Run {
  readonly #options: RestartRunOptions;
  readonly #clock: VirtualClock;
  readonly #learning: Profiler;
  readonly #still: Profiler;
  readonly #next: Int32Array;
  readonly #open = new Map<string, Open>();
  readonly #limits: number[];
  readonly done: ScoredRestart[] = [];

  constructor(options: RestartRunOptions, startSeconds: number) {
    this.#options = options;
    this.#clock = new VirtualClock(startSeconds * 1_000);
    const { weights, fleet } = options;
    const common = { maxInstances: fleet.length, weights, workers: 0, clock: this.#clock };
    this.#learning = Profiler.open(common);
    this.#still = Profiler.open({ ...common, shadowCutsPerTick: 0, beside: BASELINES });
    this.#next = new Int32Array(fleet.length);
    this.#limits = fleet.map(() => -1);
  }

  async tick(untilSeconds: number, restarts: readonly Restart[]): Promise<void> {
    const { fleet } = this.#options;
    this.#clock.advanceTo(untilSeconds * 1_000);
    for (const restart of restarts) {
      const at = fleet.findIndex(({ id }) => id === restart.id);
      const series = fleet[at];
      if (series !== undefined) this.#restart(series, at, restart);
    }
    fleet.forEach((series, at) => {
      this.#offer(series, at, untilSeconds);
    });
    await this.#learning.tick();
    await this.#still.tick();
  }

  async close(): Promise<void> {
    for (const id of [...this.#open.keys()]) this.#finish(id);
    await this.#learning.close();
    await this.#still.close();
  }

  #register(series: PackedSeries, at: number, seconds: number): void {
    let change = this.#limits[at] ?? -1;
    while ((series.limits[change + 1]?.atSeconds ?? Infinity) <= seconds) change++;
    const isKnown = this.#learning.has(series.id);
    if (isKnown && change === this.#limits[at]) return;
    this.#limits[at] = change;
    const registration = {
      instanceId: series.id,
      groupId: "all",
      nodeId: "none",
      priority: 0,
      interruptible: true,
      jobType: this.#options.jobTypeOf(series),
      limits: series.limits[Math.max(0, change)]?.limits ?? {},
    };
    this.#learning.register(registration);
    this.#still.register(registration);
  }

  #restart(series: PackedSeries, at: number, restart: Restart): void {
    const { id } = series;
    this.#finish(id);
    this.#register(series, at, restart.sampleSeconds);
    const before = (this.#next[at] ?? 0) - 1;
    const last = before < 0 ? Number.NaN : (series.seconds[before] ?? Number.NaN);
    const outage = Number.isNaN(last) ? 0 : Math.max(0, restart.atSeconds - last) / 60;
    const outageMinutes = Math.min(LIMITS.outageMinutesMax, outage);
    const ours = this.#learning.profile(id, { outageMinutes });
    const limits = RESOURCES.map(
      (each) => series.limitsAt(restart.sampleSeconds)[each] ?? Number.NaN,
    );
    const network = [...this.#still.profile(id, { outageMinutes }).envelope];
    const said: Record<string, readonly number[]> = { ours: [...ours.envelope], network };
    for (const beside of BASELINES) {
      const still = this.#still.profile(id, { outageMinutes, beside });
      said[beside] = [...(still.beside?.envelope ?? [])];
    }
    said.limit = Array.from(
      { length: ENVELOPE_ROWS },
      (_, row) => limits[Math.floor(row / 12)] ?? Number.NaN,
    );
    this.#open.set(id, {
      ...restart,
      jobType: this.#options.jobTypeOf(series),
      taught: ours.trackers?.typeRestarts ?? 0,
      rung: ours.rung,
      peaks: new Array<number>(NEED_COLUMNS).fill(-1),
      said,
      limits,
    });
    if (before < 0) return;
    const atMs = Math.max(last, restart.atSeconds) * 1_000;
    for (const profiler of [this.#learning, this.#still]) {
      profiler.stopped(id, last * 1_000, "interrupted");
      profiler.restarted(id, atMs);
    }
  }

  #offer(series: PackedSeries, at: number, untilSeconds: number): void {
    let index = this.#next[at] ?? 0;
    for (; (series.seconds[index] ?? Infinity) <= untilSeconds; index++) {
      const seconds = series.seconds[index] ?? 0;
      this.#register(series, at, seconds);
      this.#see(series, index);
      this.#learning.offer(series.sample(index));
      this.#still.offer(series.sample(index));
    }
    this.#next[at] = index;
    const open = this.#open.get(series.id);
    if (open !== undefined && untilSeconds - open.atSeconds > HORIZON_SECONDS)
      this.#finish(series.id);
  }

  /** Phases are (from, to]; one with a missing value has no peak. */
  #see(series: PackedSeries, index: number): void {
    const open = this.#open.get(series.id);
    if (open === undefined) return;
    const since = (series.seconds[index] ?? 0) - open.atSeconds;
    const phase = PHASE_END_MINUTES.findIndex((end) => since <= end * 60);
    if (phase < 0 || since <= 0) return;
    series.values(index).forEach((value, resource) => {
      const column = needColumn(resource, phase);
      open.peaks[column] = Math.max(open.peaks[column] ?? -1, value);
    });
  }

  #finish(id: string): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    const peaks = open.peaks.map((peak) => (peak >= 0 ? peak : Number.NaN));
    const predicted = open.said.ours ?? [];
    this.#learning.outcome({
      instanceId: id,
      restartedMs: open.atSeconds * 1_000,
      peaks,
      predicted,
      rung: open.rung,
    });
    this.done.push({ ...open, peaks });
  }
}

/** Every restart, in the order in which their hours were over. */
export async function runRestarts(options: RestartRunOptions): Promise<ScoredRestart[]> {
  const { fleet, tickSeconds } = options;
  const restarts = [...options.restarts].sort((a, b) => a.sampleSeconds - b.sampleSeconds);
  const first = Math.min(...fleet.map(({ seconds }) => seconds[0] ?? Infinity));
  const last = Math.max(...fleet.map(({ seconds }) => seconds.at(-1) ?? 0));
  const run = new Run(options, first);
  let next = 0;
  for (let until = first; until < last + tickSeconds; until += tickSeconds) {
    const from = next;
    while ((restarts[next]?.sampleSeconds ?? Infinity) <= until) next++;
    await run.tick(until, restarts.slice(from, next));
  }
  await run.close();
  return run.done;
}

/** The amount that would be granted: .95, of memory .99. */
export function grantOf(said: readonly number[] | undefined, column: number): number {
  const level = Math.floor(column / 3) === RESOURCES.indexOf("memory") ? 3 : 2;
  return said?.[column * QUANTILE_COUNT + level] ?? Number.NaN;
}
