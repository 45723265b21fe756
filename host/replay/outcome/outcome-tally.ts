import { RESOURCE_COUNT } from "../../core/abi.js";
import type { Interruption } from "../policy.js";
import { quantile } from "../survey.js";
import type { RestartWindow } from "./outcome-actor.js";

export const CLASS_COUNT = 5;
const SECONDS_A_MINUTE = 60;
const MINUTES_AN_HOUR = 60;

/** What one policy did to one world. All but `planner` is the same on every machine. */
export interface OutcomeFigures {
  readonly interruptions: Readonly<Record<Interruption["cause"], number>>;
  readonly interruptionsPerInstanceDay: number;
  readonly repeatedWithinHour: number;
  readonly lostCoreHours: number;
  readonly lostCoreHoursByClass: readonly number[];
  readonly outOfMemory: number;
  /** Beyond the end of the outage, seconds; those still waiting at the end included. */
  readonly restartDelaySeconds: { readonly mean: number; readonly p95: number };
  readonly restarts: {
    readonly granted: number;
    /** Of those, whose hour, or a part of it, was seen; the next three are among these. */
    readonly count: number;
    /** At once, with all that was asked for. */
    readonly wholeAtOnce: number;
    /** Of those, never above the grant in their hour. */
    readonly coveredAtOnce: number;
    /** At once, and everything that was wanted could be served. */
    readonly servedAtOnce: number;
    readonly stillWaiting: number;
  };
  /** Waiting for room, above the grant in the restart's hour, or squeezed on a full node. */
  readonly sloMinutesByClass: readonly number[];
  /** Minutes in which a running instance, beside restarts, wanted more memory than it held. */
  readonly squeezedMinutes: number;
  readonly overload: {
    /** Share of the minutes of restarts' hours in which the node was overloaded. */
    readonly ofWindowMinutes: number;
    /** Share of restarts' hours with any such minute. */
    readonly ofWindows: number;
    readonly nodeMinutes: number;
  };
  /** Kept for restarts and not used by them, hours x unit. */
  readonly reservedUnused: readonly number[];
  readonly reserved: readonly number[];
  /** Use over capacity, mean over time, one value a resource. */
  readonly utilisation: readonly number[];
  /** Work not done while waiting and while squeezed, core-hours. */
  readonly missedCoreHours: number;
  readonly reclaims: {
    readonly met: number;
    readonly missed: number;
    readonly missedFeasible: number;
  };
  /** Share of what was freed that was not short, CPU and memory, mean over plans. */
  readonly overReclaim: number;
  readonly plans: number;
  readonly inversions: number;
  /** Lost and missed work together, core-hours; the oracle's is the yardstick. */
  readonly score: number;
}

/** Adds up what happens. */
export class OutcomeTally {
  readonly interruptions = { planned: 0, reclaim: 0, evicted: 0 };
  readonly reclaims = { met: 0, missed: 0, missedFeasible: 0 };
  repeatedWithinHour = 0;
  outOfMemory = 0;
  stillWaiting = 0;
  missedCoreHours = 0;
  inversions = 0;
  overloadNodeMinutes = 0;
  squeezedMinutes = 0;
  instanceMinutes = 0;
  readonly lostByClass = new Float64Array(CLASS_COUNT);
  readonly sloMinutes = new Float64Array(CLASS_COUNT);
  readonly reservedMinutes = new Float64Array(RESOURCE_COUNT);
  readonly unusedMinutes = new Float64Array(RESOURCE_COUNT);
  readonly used = new Float64Array(RESOURCE_COUNT);
  readonly capacity = new Float64Array(RESOURCE_COUNT);
  readonly overReclaims: number[] = [];
  readonly #delays: number[] = [];
  readonly #windows = { count: 0, minutes: 0, overloaded: 0, overloadedMinutes: 0 };
  readonly #restarts = { count: 0, wholeAtOnce: 0, coveredAtOnce: 0, servedAtOnce: 0 };

  delayed(minutes: number): void {
    this.#delays.push(minutes * SECONDS_A_MINUTE);
  }

  /** A restart's hour is over, or was cut short. */
  closed(window: RestartWindow): void {
    const windows = this.#windows;
    windows.count++;
    windows.minutes += window.minutes;
    windows.overloadedMinutes += window.overloadedMinutes;
    if (window.overloadedMinutes > 0) windows.overloaded++;
    const restarts = this.#restarts;
    restarts.count++;
    if (window.waitedMinutes > 0) return;
    if (!window.outOfMemory && window.throttledMinutes === 0) restarts.servedAtOnce++;
    if (window.short) return;
    restarts.wholeAtOnce++;
    if (!window.outOfMemory && window.exceededMinutes === 0) restarts.coveredAtOnce++;
  }

  figures(): OutcomeFigures {
    const { count, minutes, overloaded, overloadedMinutes } = this.#windows;
    const delays = [...this.#delays].sort((a, b) => a - b);
    const interrupted = Object.values(this.interruptions).reduce((sum, each) => sum + each, 0);
    const hours = (total: Float64Array): number[] =>
      Array.from(total, (value) => value / MINUTES_AN_HOUR);
    const lostCoreHours = this.lostByClass.reduce((sum, each) => sum + each, 0);
    return {
      interruptions: { ...this.interruptions },
      interruptionsPerInstanceDay: ratio(interrupted, this.instanceMinutes / 1440),
      repeatedWithinHour: this.repeatedWithinHour,
      lostCoreHours,
      lostCoreHoursByClass: [...this.lostByClass],
      outOfMemory: this.outOfMemory,
      restartDelaySeconds: {
        mean: ratio(
          delays.reduce((sum, each) => sum + each, 0),
          delays.length,
        ),
        p95: quantile(delays, 0.95),
      },
      restarts: {
        granted: delays.length - this.stillWaiting,
        ...this.#restarts,
        stillWaiting: this.stillWaiting,
      },
      sloMinutesByClass: [...this.sloMinutes],
      squeezedMinutes: this.squeezedMinutes,
      overload: {
        ofWindowMinutes: ratio(overloadedMinutes, minutes),
        ofWindows: ratio(overloaded, count),
        nodeMinutes: this.overloadNodeMinutes,
      },
      reservedUnused: hours(this.unusedMinutes),
      reserved: hours(this.reservedMinutes),
      utilisation: Array.from(this.used, (value, r) => ratio(value, this.capacity[r] ?? 0)),
      missedCoreHours: this.missedCoreHours,
      reclaims: { ...this.reclaims },
      overReclaim: ratio(
        this.overReclaims.reduce((sum, each) => sum + each, 0),
        this.overReclaims.length,
      ),
      plans: this.overReclaims.length,
      inversions: this.inversions,
      score: lostCoreHours + this.missedCoreHours,
    };
  }
}

/** Zero of nothing. */
export function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
