/**
 * How predictions did at real restarts: how often each quantile held, and how much room the .95
 * asked for, beside a simple predictor's answers at the same moments.
 */
import {
  envelopeRow,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { byResource } from "./named.js";
import type { KeptOutcome } from "./outcomes.js";

const P95 = QUANTILES.indexOf(0.95);
/** Restarts that the course of the coverage looks back. */
const RECENT_MAX = 400;
/** Fewer tell nothing of a share of one in twenty. */
const DRIFT_RESTARTS_MIN = 100;
const DRIFT_ERRORS = 3;

interface Tally {
  /** Resource x quantile: phases in which the need stayed within. */
  readonly held: Float64Array;
  /** Resource: phases that were measured. */
  readonly seen: Float64Array;
  /** Resource: sums of the .95. */
  readonly room: Float64Array;
  /** Resource x quantile: sums of what was asked for beyond the need, and of what was missing. */
  readonly over: Float64Array;
  readonly under: Float64Array;
}

interface RecentRestart {
  readonly timeMs: number;
  /** Phases within the .95 and phases measured, by resource. */
  readonly held: readonly number[];
  readonly seen: readonly number[];
}

const newTally = (): Tally => ({
  held: new Float64Array(RESOURCE_COUNT * QUANTILE_COUNT),
  seen: new Float64Array(RESOURCE_COUNT),
  room: new Float64Array(RESOURCE_COUNT),
  over: new Float64Array(RESOURCE_COUNT * QUANTILE_COUNT),
  under: new Float64Array(RESOURCE_COUNT * QUANTILE_COUNT),
});

/** What a board holds, for a later process. */
export interface SavedQuality {
  readonly ours: SavedTally;
  readonly baseline: SavedTally;
  readonly needed: readonly number[];
  readonly recent: readonly RecentRestart[];
  readonly restartCount: number;
  readonly sinceMs: number | null;
}

type SavedTally = Readonly<Record<keyof Tally, readonly number[]>>;

/** How the predictions of one resource did at one quantile; null while nothing was seen. */
export interface QuantileQuality {
  readonly coverage: number | null;
  /** Asked for beyond the need, and missing, as shares of the need. */
  readonly over: number | null;
  readonly under: number | null;
}

export class QualityBoard {
  readonly #ours = newTally();
  readonly #baseline = newTally();
  readonly #needed = new Float64Array(RESOURCE_COUNT);
  readonly #recent: RecentRestart[] = [];
  #restartCount = 0;
  #sinceMs: number | null = null;

  add(outcome: KeptOutcome): void {
    const { peaks, predicted, baseline, restartedMs } = outcome;
    this.#restartCount++;
    this.#sinceMs ??= restartedMs;
    count(this.#ours, predicted, peaks);
    count(this.#baseline, baseline, peaks);
    const single = newTally();
    count(single, predicted, peaks);
    peaks.forEach((peak, column) => {
      const resource = Math.floor(column / PHASE_COUNT);
      if (!Number.isNaN(peak)) this.#needed[resource] = (this.#needed[resource] ?? 0) + peak;
    });
    this.#recent.push({
      timeMs: restartedMs,
      held: heldAt(single, P95),
      seen: [...single.seen],
    });
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  quantile(resource: number, quantile: number): QuantileQuality {
    const { held, seen, over, under } = this.#ours;
    const row = resource * QUANTILE_COUNT + quantile;
    const needed = this.#needed[resource] ?? 0;
    return {
      coverage: share(held[row], seen[resource] ?? 0),
      over: share(over[row], needed),
      under: share(under[row], needed),
    };
  }

  /** Coverage of the .95 over the last restarts alone: beside the whole it shows drift. */
  recentCoverage(resource: number): number | null {
    const sum = (key: "held" | "seen") =>
      this.#recent.reduce((total, each) => total + (each[key][resource] ?? 0), 0);
    return share(sum("held"), sum("seen"));
  }

  /**
   * Whether the .95 of the last restarts holds less often than it did before them (at most as often
   * as it says), by more than three standard errors. Each restart counts once for the error: its
   * phases go together.
   *
   * @returns null while there were too few restarts to tell
   */
  isDrifting(resource: number): boolean | null {
    const recent = this.#recent.filter(({ seen }) => (seen[resource] ?? 0) > 0);
    if (recent.length < DRIFT_RESTARTS_MIN) return null;
    const sum = (key: "held" | "seen") =>
      recent.reduce((total, each) => total + (each[key][resource] ?? 0), 0);
    const [held, seen] = [sum("held"), sum("seen")];
    const seenBefore = (this.#ours.seen[resource] ?? 0) - seen;
    const heldBefore = (this.#ours.held[resource * QUANTILE_COUNT + P95] ?? 0) - held;
    const isKnown = seenBefore >= DRIFT_RESTARTS_MIN * PHASE_COUNT;
    const stated = QUANTILES[P95] ?? 0;
    const expected = isKnown ? Math.min(stated, heldBefore / seenBefore) : stated;
    const error = Math.sqrt((expected * (1 - expected)) / recent.length);
    return held / seen < expected - DRIFT_ERRORS * error;
  }

  save(): SavedQuality {
    return {
      ours: savedTally(this.#ours),
      baseline: savedTally(this.#baseline),
      needed: [...this.#needed],
      recent: this.#recent,
      restartCount: this.#restartCount,
      sinceMs: this.#sinceMs,
    };
  }

  restore(saved: SavedQuality): void {
    restoreTally(this.#ours, saved.ours);
    restoreTally(this.#baseline, saved.baseline);
    this.#needed.set(saved.needed);
    this.#recent.splice(0, this.#recent.length, ...saved.recent);
    this.#restartCount = saved.restartCount;
    this.#sinceMs = saved.sinceMs;
  }

  /** Amounts are means a phase, in the resource's unit; shares are of measured phases. */
  report() {
    return {
      restarts: this.#restartCount,
      sinceMs: this.#sinceMs,
      resources: byResource((resource) => {
        const seen = this.#ours.seen[resource] ?? 0;
        return {
          phases: seen,
          needed: share(this.#needed[resource], seen),
          ours: told(this.#ours, resource),
          baseline: told(this.#baseline, resource),
          isDrifting: this.isDrifting(resource),
        };
      }),
      recent: {
        timesMs: this.#recent.map(({ timeMs }) => timeMs),
        resources: byResource((resource) => ({
          held: this.#recent.map(({ held }) => held[resource] ?? 0),
          seen: this.#recent.map(({ seen }) => seen[resource] ?? 0),
        })),
      },
    };
  }
}

function count(tally: Tally, envelope: readonly number[], peaks: readonly number[]): void {
  peaks.forEach((peak, column) => {
    if (Number.isNaN(peak)) return;
    const resource = Math.floor(column / PHASE_COUNT);
    const phase = column % PHASE_COUNT;
    tally.seen[resource] = (tally.seen[resource] ?? 0) + 1;
    const p95 = envelope[envelopeRow(resource, phase, P95)] ?? 0;
    tally.room[resource] = (tally.room[resource] ?? 0) + p95;
    for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
      const row = resource * QUANTILE_COUNT + quantile;
      const beyond = (envelope[envelopeRow(resource, phase, quantile)] ?? 0) - peak;
      const side = beyond >= 0 ? tally.over : tally.under;
      side[row] = (side[row] ?? 0) + Math.abs(beyond);
      if (beyond < 0) continue;
      tally.held[row] = (tally.held[row] ?? 0) + 1;
    }
  });
}

function heldAt(tally: Tally, quantile: number): number[] {
  return Array.from(tally.seen, (_, at) => tally.held[at * QUANTILE_COUNT + quantile] ?? 0);
}

function told(tally: Tally, resource: number) {
  const seen = tally.seen[resource] ?? 0;
  return {
    coverage: QUANTILES.map((_, quantile) =>
      share(tally.held[resource * QUANTILE_COUNT + quantile], seen),
    ),
    room: share(tally.room[resource], seen),
  };
}

const TALLY_PARTS = ["held", "seen", "room", "over", "under"] as const;

function savedTally(tally: Tally): SavedTally {
  const parts = TALLY_PARTS.map((part) => [part, [...tally[part]]] as const);
  return Object.fromEntries(parts) as unknown as SavedTally;
}

function restoreTally(tally: Tally, saved: SavedTally): void {
  for (const part of TALLY_PARTS) tally[part].set(saved[part]);
}

/** Null where nothing was seen. */
function share(part: number | undefined, whole: number): number | null {
  return whole === 0 ? null : (part ?? 0) / whole;
}
