import type { Resource } from "../core/abi.js";
import { NeedTally, type ResourceFigures } from "./need-tally.js";
import type { Interruption, RestartGrant } from "./policy.js";

export interface WorldFigures {
  readonly interruptions: Record<Interruption["cause"], number>;
  readonly reclaims: { readonly announced: number; readonly met: number; readonly missed: number };
  readonly restarts: {
    readonly granted: number;
    readonly reserved: number;
    /** Got less than they asked for. */
    readonly short: number;
    /** Had to wait beyond the end of its outage. */
    readonly waited: number;
    readonly waitedMinutesTotal: number;
    readonly waitedMinutesMax: number;
    /** Still down when the replay ended. */
    readonly stillWaiting: number;
    readonly stillWaitingMinutes: number;
  };
  readonly need: Record<Resource, ResourceFigures>;
  /** The same for restarts that were granted all that they asked for. */
  readonly needOfWhole: Record<Resource, ResourceFigures>;
  /** Node-minutes in which use exceeded what was left of the node, any resource. */
  readonly overloadMinutes: number;
  /** Work since the last checkpoint of those who were interrupted. */
  readonly lostCoreHours: number;
  /** What instances would have used while they waited for room. */
  readonly waitingCoreHours: number;
  readonly repeatedWithinHour: number;
}

/** The traces have a sample every five minutes. */
const SAMPLE_HOURS = 5 / 60;

/** Adds up what happens in a replay's world. */
export class Tally {
  readonly interruptions = { planned: 0, reclaim: 0, evicted: 0 };
  readonly reclaims = { announced: 0, met: 0, missed: 0 };
  overloadMinutes = 0;
  lostCoreHours = 0;
  waitingCoreHours = 0;
  repeatedWithinHour = 0;
  readonly #restarts = { granted: 0, reserved: 0, short: 0, waited: 0, total: 0, max: 0 };
  readonly #still = { count: 0, minutes: 0 };
  readonly #all = new NeedTally();
  readonly #whole = new NeedTally();

  restarted(waitedMinutes: number, grant: Pick<RestartGrant, "reserved" | "short">): void {
    const restarts = this.#restarts;
    restarts.granted++;
    if (grant.reserved) restarts.reserved++;
    if (grant.short) restarts.short++;
    if (waitedMinutes <= 0) return;
    restarts.waited++;
    restarts.total += waitedMinutes;
    restarts.max = Math.max(restarts.max, waitedMinutes);
  }

  /** A sample of an instance that waits, which describes its interval. */
  waited(cpuCores: number): void {
    if (!Number.isNaN(cpuCores)) this.waitingCoreHours += cpuCores * SAMPLE_HOURS;
  }

  stillDown(waitedMinutes: number): void {
    if (waitedMinutes <= 0) return;
    this.#still.count++;
    this.#still.minutes += waitedMinutes;
  }

  /** Both are resource x phase; NaN where nothing was seen. */
  compare(restart: {
    readonly granted: readonly number[];
    readonly peaks: readonly number[];
    readonly short: boolean;
  }): void {
    this.#all.compare(restart.granted, restart.peaks);
    if (!restart.short) this.#whole.compare(restart.granted, restart.peaks);
  }

  figures(): WorldFigures {
    const restarts = this.#restarts;
    return {
      interruptions: { ...this.interruptions },
      reclaims: { ...this.reclaims },
      restarts: {
        granted: restarts.granted,
        reserved: restarts.reserved,
        short: restarts.short,
        waited: restarts.waited,
        waitedMinutesTotal: restarts.total,
        waitedMinutesMax: restarts.max,
        stillWaiting: this.#still.count,
        stillWaitingMinutes: this.#still.minutes,
      },
      need: this.#all.figures(),
      needOfWhole: this.#whole.figures(),
      overloadMinutes: this.overloadMinutes,
      lostCoreHours: this.lostCoreHours,
      waitingCoreHours: this.waitingCoreHours,
      repeatedWithinHour: this.repeatedWithinHour,
    };
  }
}
