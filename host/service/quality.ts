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

interface Tally {
  /** Resource x quantile: phases in which the need stayed within. */
  readonly held: Float64Array;
  /** Resource: phases that were measured. */
  readonly seen: Float64Array;
  /** Resource: sums of the .95. */
  readonly room: Float64Array;
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
});

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
      if (peak > (envelope[envelopeRow(resource, phase, quantile)] ?? 0)) continue;
      const row = resource * QUANTILE_COUNT + quantile;
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

/** Null where nothing was seen. */
function share(part: number | undefined, whole: number): number | null {
  return whole === 0 ? null : (part ?? 0) / whole;
}
