import { PHASE_COUNT, RESOURCE_COUNT, RESOURCES, type Resource } from "../core/abi.js";
import type { Interruption, RestartGrant } from "./policy.js";

/** Grant against real need, over all phases seen of all restarts. */
export interface ResourceFigures {
  readonly phases: number;
  /** Share of phases whose peak the grant covered. */
  readonly coverage: number | null;
  /** Granted above need, over need. */
  readonly slack: number | null;
  /** Needed above grant, over need. */
  readonly deficit: number | null;
}

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
  /** Node-minutes in which use exceeded what was left of the node, any resource. */
  readonly overloadMinutes: number;
  readonly lostCoreHours: number;
  readonly repeatedWithinHour: number;
}

/** Adds up what happens in a replay's world. */
export class Tally {
  readonly interruptions = { planned: 0, reclaim: 0, evicted: 0 };
  readonly reclaims = { announced: 0, met: 0, missed: 0 };
  overloadMinutes = 0;
  lostCoreHours = 0;
  repeatedWithinHour = 0;
  readonly #restarts = { granted: 0, reserved: 0, short: 0, waited: 0, total: 0, max: 0 };
  readonly #still = { count: 0, minutes: 0 };
  readonly #phases = new Float64Array(RESOURCE_COUNT);
  readonly #covered = new Float64Array(RESOURCE_COUNT);
  readonly #need = new Float64Array(RESOURCE_COUNT);
  readonly #above = new Float64Array(RESOURCE_COUNT);
  readonly #below = new Float64Array(RESOURCE_COUNT);

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

  stillDown(waitedMinutes: number): void {
    if (waitedMinutes <= 0) return;
    this.#still.count++;
    this.#still.minutes += waitedMinutes;
  }

  /** Both are resource x phase; NaN where nothing was seen. */
  compare(granted: readonly number[], peaks: readonly number[]): void {
    peaks.forEach((peak, column) => {
      const grant = granted[column] ?? Number.NaN;
      if (Number.isNaN(peak) || Number.isNaN(grant)) return;
      const resource = Math.floor(column / PHASE_COUNT);
      add(this.#phases, resource, 1);
      add(this.#covered, resource, peak <= grant ? 1 : 0);
      add(this.#need, resource, peak);
      add(this.#above, resource, Math.max(0, grant - peak));
      add(this.#below, resource, Math.max(0, peak - grant));
    });
  }

  figures(): WorldFigures {
    const need = {} as Record<Resource, ResourceFigures>;
    RESOURCES.forEach((name, resource) => {
      const phases = this.#phases[resource] ?? 0;
      const real = this.#need[resource] ?? 0;
      need[name] = {
        phases,
        coverage: ratio(this.#covered[resource], phases),
        slack: ratio(this.#above[resource], real),
        deficit: ratio(this.#below[resource], real),
      };
    });
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
      need,
      overloadMinutes: this.overloadMinutes,
      lostCoreHours: this.lostCoreHours,
      repeatedWithinHour: this.repeatedWithinHour,
    };
  }
}

function add(column: Float64Array, at: number, amount: number): void {
  column[at] = (column[at] ?? 0) + amount;
}

function ratio(part: number | undefined, whole: number): number | null {
  return whole > 0 ? (part ?? 0) / whole : null;
}
