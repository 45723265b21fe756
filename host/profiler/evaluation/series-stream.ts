import { VirtualClock } from "../../lib/clock.js";
import { LIMITS } from "../../lib/limits.js";
import { firstAfter, type Series } from "../../model/training/series.js";
import { phasePeaks } from "../../model/training/truth.js";
import type { NetworkWeights } from "../../model/weights.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import type { ResourceAmounts, Sample } from "../../sources/sample.js";
import type { BehaviourProfile } from "../profile.js";
import { Profiler } from "../profiler.js";
import type { ScoredCut } from "../shadow-cuts.js";

export interface StreamPlan {
  readonly series: readonly Series[];
  /** Samples before this are left out; seconds since 1970. */
  readonly fromSeconds: number;
  readonly weights: NetworkWeights;
  /** False: shadow cuts are scored and move nothing. */
  readonly teach: boolean;
  /** One type for all; a trace names none. Without a type no surge is learnt. */
  readonly jobType?: string;
  /** Recognised restarts by series, each list in time order. */
  readonly restarts?: ReadonlyMap<string, readonly RecognisedRestart[]>;
  /** Every shadow cut, with the index of its series. */
  readonly onCut?: (cut: ScoredCut, series: number) => void;
  readonly onRestart?: (restart: StreamedRestart) => void;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** One recognised restart: what was said at the last sample before it, and what came. */
export interface StreamedRestart {
  readonly series: Series;
  readonly kind: string;
  /** Its earliest moment. */
  readonly restartSeconds: number;
  /** Of the last sample before; NaN when there was none. */
  readonly askedSeconds: number;
  readonly outageMinutes: number;
  /** Restarts whose outcome was known when it was asked about. */
  readonly learnt: number;
  /** The profiler's answer: network, trackers and surge, or whatever the ladder chose. */
  readonly profile: BehaviourProfile;
  /** 48 quantiles of the network alone; null without a sample before. */
  readonly alone: ArrayLike<number> | null;
  /** Four, undefined where there is none. */
  readonly limits: ResourceAmounts;
  /** 12, NaN where nothing was seen. */
  readonly peaks: Float64Array;
}

/** The tick of the trace: its step. */
const TICK_SECONDS = 300;
/** A sample describes this long before it; a restart lies in there. */
const INTERVAL_SECONDS = 300;
const HORIZON_SECONDS = 3_600;

/**
 * Streams series through the profiler as production does: a tick every five minutes, shadow cuts,
 * stops and restarts, outcomes an hour after. Answers never see what comes later.
 */
export async function streamSeries(plan: StreamPlan): Promise<void> {
  const stream = new SeriesStream(plan);
  try {
    await stream.run();
  } finally {
    await stream.close();
  }
}

class SeriesStream {
  readonly #plan: StreamPlan;
  readonly #clock: VirtualClock;
  readonly #profiler: Profiler;
  /** Of each series: its first sample that is streamed, and its next. */
  readonly #first: readonly number[];
  readonly #next: number[];
  /** By series: index of its next restart. */
  readonly #restart: number[];
  readonly #limits: ResourceAmounts[];
  #open: StreamedRestart[] = [];
  #learnt = 0;

  constructor(plan: StreamPlan) {
    const { series, fromSeconds, weights, teach, onCut } = plan;
    this.#plan = plan;
    this.#clock = new VirtualClock(fromSeconds * 1_000);
    this.#first = series.map(({ times }) => firstAfter(times, fromSeconds));
    this.#next = [...this.#first];
    this.#restart = series.map(() => 0);
    this.#limits = series.map(() => ({}));
    this.#profiler = Profiler.open({
      maxInstances: Math.max(1, series.length),
      weights,
      workers: 0,
      clock: this.#clock,
      shadowCutsTeach: teach,
      // Slots are given out in the order of registration.
      ...(onCut === undefined ? {} : { onShadowCut: (cut) => onCut(cut, cut.slot) }),
    });
    series.forEach((_, index) => {
      this.#register(index);
    });
  }

  async close(): Promise<void> {
    await this.#profiler.close();
  }

  async run(): Promise<void> {
    const { series, fromSeconds, onProgress = () => undefined } = this.#plan;
    const last = Math.max(fromSeconds, ...series.map(({ times }) => times.at(-1) ?? 0));
    const ticks = Math.ceil((last + HORIZON_SECONDS - fromSeconds) / TICK_SECONDS);
    for (let tick = 1; tick <= ticks; tick++) {
      const until = fromSeconds + tick * TICK_SECONDS;
      this.#clock.advanceTo(until * 1_000);
      for (let index = 0; index < series.length; index++) this.#offer(index, until);
      await this.#profiler.tick();
      this.#tell(until);
      if (tick % 100 === 0 || tick === ticks) onProgress(tick, ticks);
    }
  }

  #offer(index: number, until: number): void {
    const series = this.#plan.series[index] as Series;
    const from = this.#next[index] ?? 0;
    let sample = from;
    for (; (series.times[sample] ?? Infinity) <= until; sample++) {
      const kind = this.#restartAt(index, series.times[sample] ?? 0);
      // What came before has to be published first.
      if (kind !== undefined && sample > from) break;
      this.#applyCaps(index, sample);
      if (kind !== undefined) this.#restarted(index, sample, kind);
      this.#profiler.offer(sampleOf(series, sample));
    }
    this.#next[index] = sample;
  }

  /** The kind of a restart that this sample is the first after. */
  #restartAt(index: number, seconds: number): string | undefined {
    const { series, restarts } = this.#plan;
    const own = restarts?.get(series[index]?.name ?? "") ?? [];
    const next = own[this.#restart[index] ?? 0];
    return next !== undefined && next.sampleSeconds - 1 < seconds ? next.kind : undefined;
  }

  #restarted(index: number, sample: number, kind: string): void {
    const { series: all, onRestart } = this.#plan;
    const series = all[index] as Series;
    this.#restart[index] = (this.#restart[index] ?? 0) + 1;
    const at = series.times[sample] ?? 0;
    const before = series.times[sample - 1] ?? Number.NaN;
    const restart = Number.isNaN(before)
      ? at - INTERVAL_SECONDS
      : Math.max(before, at - INTERVAL_SECONDS);
    const outage = Number.isNaN(before) ? 0 : (restart - before) / 60;
    const outageMinutes = Math.min(LIMITS.outageMinutesMax, outage);
    const id = series.name;
    const asked: StreamedRestart = {
      series,
      kind,
      restartSeconds: restart,
      askedSeconds: before,
      outageMinutes: outage,
      learnt: this.#learnt,
      profile: this.#profiler.profile(id, { outageMinutes }),
      alone: Number.isNaN(before)
        ? null
        : (this.#profiler.networkAnswer(id, outageMinutes)?.envelope ?? null),
      limits: this.#limits[index] ?? {},
      peaks: phasePeaks(series, restart, 0, true),
    };
    if (!Number.isNaN(before)) {
      this.#profiler.stopped(id, before * 1_000, "unknown");
      this.#profiler.restarted(id, restart * 1_000);
    }
    this.#open.push(asked);
    onRestart?.(asked);
  }

  /** Outcomes of restarts whose hour is over. */
  #tell(nowSeconds: number): void {
    const isOver = (one: StreamedRestart) => one.restartSeconds + HORIZON_SECONDS <= nowSeconds;
    for (const one of this.#open.filter(isOver)) {
      const { envelope, rung } = one.profile;
      this.#profiler.outcome({
        instanceId: one.series.name,
        restartedMs: one.restartSeconds * 1_000,
        peaks: [...one.peaks],
        predicted: [...envelope],
        rung,
      });
      this.#learnt++;
    }
    this.#open = this.#open.filter((one) => !isOver(one));
  }

  #applyCaps(index: number, sample: number): void {
    const caps = this.#plan.series[index]?.caps ?? [];
    const isFirst = sample === this.#first[index];
    const change = isFirst
      ? caps.findLast((one) => one.sample <= sample)
      : caps.findLast((one) => one.sample === sample);
    if (change === undefined) return;
    const [cpu, memory, network, disk] = change.values;
    this.#limits[index] = amounts({ cpu, memory, network, disk });
    this.#register(index);
  }

  #register(index: number): void {
    const { series, jobType } = this.#plan;
    this.#profiler.register({
      instanceId: series[index]?.name ?? "",
      groupId: "all",
      nodeId: "trace",
      priority: 0,
      interruptible: true,
      limits: this.#limits[index] ?? {},
      ...(jobType === undefined ? {} : { jobType }),
    });
  }
}

/** Without what is missing. */
function amounts(values: Readonly<Record<string, number | undefined>>): ResourceAmounts {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => (value ?? -1) >= 0));
}

function sampleOf(series: Series, sample: number): Sample {
  const [cpuCores, memoryGiB, networkMbps, disk] = series.values.subarray(
    4 * sample,
    4 * sample + 4,
  );
  return {
    instanceId: series.name,
    timeMs: (series.times[sample] ?? 0) * 1_000,
    ...amounts({ cpuCores, memoryGiB, networkMbps, disk }),
  };
}
