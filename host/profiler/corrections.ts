import {
  ENVELOPE_ROWS,
  envelopeRow,
  KEEP_ROWS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
} from "../core/abi.js";
import { exponential } from "../lib/elementary.js";
import type { RestartCalibration } from "./calibration.js";
import { CutCalibration, type Owner } from "./cut-calibration.js";
import { DriftWatch } from "./drift.js";
import type { LadderTables } from "./ladder.js";
import { LaunchTrackers } from "./launch-trackers.js";
import type { LearntParts } from "./learnt.js";
import type { RestartOutcome, TrackerCounts } from "./profile.js";
import type { ScoredCut } from "./shadow-cuts.js";
import { shifted } from "./shift.js";
import { type StopAnswer, SurgeBook, type SurgePrior } from "./surge.js";
import { TypeTrackers } from "./type-trackers.js";

/**
 * What is added to the network's answer of one instance, beyond the offsets that all restarts share
 * and the core applies itself: shadow cuts correct both the keep-need and the envelope; restarts of
 * its job type and their surge the envelope alone.
 */
export class Corrections {
  readonly #shared: RestartCalibration;
  readonly #cuts: CutCalibration;
  readonly #restarts = new TypeTrackers();
  readonly #surge: SurgeBook;
  readonly #launches = new LaunchTrackers();
  readonly #drift = new DriftWatch();

  constructor(slotCount: number, shared: RestartCalibration, prior?: SurgePrior) {
    this.#shared = shared;
    this.#cuts = new CutCalibration(slotCount);
    this.#surge = new SurgeBook(prior);
  }

  get isDemoted(): boolean {
    return this.#drift.isDemoted;
  }

  get driftAlarmCount(): number {
    return this.#drift.alarmCount;
  }

  counts(owner: Owner): TrackerCounts {
    return {
      cuts: this.#cuts.count,
      instanceCuts: this.#cuts.countOf(owner.slot),
      restarts: this.#shared.trackerCount,
      typeRestarts: this.#restarts.count(owner.jobType),
      surges: this.#surge.count(owner.jobType),
      launches: this.#launches.count,
      typeLaunches: this.#launches.countOf(owner.jobType),
      demoted: this.isDemoted,
    };
  }

  /** Minutes after a restart from which its surge raises no quantile any more. */
  settledAfterMinutes({ jobType }: Owner): number {
    return this.#surge.settledAfterMinutes(jobType);
  }

  /** False while nothing was learnt that would change this instance's answer. */
  concerns({ jobType }: Owner): boolean {
    return this.#cuts.count + this.#restarts.count(jobType) + this.#surge.count(jobType) > 0;
  }

  /** The answer for a restart, and for being left alone. Both tables are new. */
  apply(tables: LadderTables, owner: Owner, scale: ArrayLike<number>): LadderTables {
    const { slot, jobType } = owner;
    const envelope = shiftEnvelope(tables.envelope, scale, (row) =>
      this.#restartMove(jobType, row, this.#cuts.offset(slot, jobType, row)),
    );
    return { envelope, keepNeed: this.#keepNeed(tables.keepNeed, owner, scale) };
  }

  /**
   * The statistics' answer for a restart while the network is demoted: all that restarts taught,
   * the shared offsets too, which the core adds to the network's answers only. Nothing of shadow
   * cuts, which measure the network.
   */
  applyToDemoted(envelope: Float64Array, owner: Owner, scale: ArrayLike<number>): Float64Array {
    const shared = this.#shared.offsets;
    return shiftEnvelope(envelope, scale, (row) =>
      this.#restartMove(owner.jobType, row, shared[row] ?? 0),
    );
  }

  /** What restarts of the type taught, on top of another offset. */
  #restartMove(jobType: string | undefined, row: number, base: number): Move {
    const type = this.#restarts.offset(jobType, row);
    const surge = this.#surge.shift(jobType, row);
    const offset = base + type + surge.scaled;
    if (surge.added === 0) return { offset, added: 0 };
    // What restarts teach moves the surge as well as what it is added to.
    const factor = exponential((this.#shared.offsets[row] ?? 0) + type);
    return { offset, added: surge.added * factor };
  }

  /** The answer for a cut that nobody notices: an envelope for an outage of 0. */
  applyToCut(envelope: Float64Array, owner: Owner, scale: ArrayLike<number>): Float64Array {
    const { slot, jobType } = owner;
    return shiftEnvelope(envelope, scale, (row) => {
      return { offset: this.#cuts.offset(slot, jobType, row), added: 0 };
    });
  }

  /** Everything that is learnt here, by name. */
  get parts(): LearntParts {
    return {
      restarts: this.#shared,
      typeRestarts: this.#restarts,
      cuts: this.#cuts,
      launches: this.#launches,
      surge: this.#surge,
    };
  }

  /** Offsets of one instance, as `takeUp` takes them; undefined before its first cut. */
  own(slot: number): Int16Array | undefined {
    return this.#cuts.own(slot);
  }

  takeUp(slot: number, own: Int16Array): void {
    this.#cuts.takeUp(slot, own);
  }

  /** Cold launches that taught so far. */
  get launchCount(): number {
    return this.#launches.count;
  }

  /** The answer about an instance without history. */
  applyToLaunch(envelope: Float64Array, { jobType }: Owner): Float64Array {
    return this.#launches.apply(envelope, jobType);
  }

  /** What an instance needed that nothing was known of. */
  learnLaunch(jobType: string | undefined, outcome: RestartOutcome): void {
    this.#launches.learn(jobType, outcome);
  }

  learnCut(owner: Owner, cut: ScoredCut): void {
    this.#drift.observe(cut);
    this.#cuts.learn(owner, cut, this.#drift.boost);
  }

  /**
   * What a restart needed whose answer these corrections had moved.
   *
   * @param taught answer: null when nothing was noted at the stop; then it teaches no surge.
   *   factor: on the step of the offsets
   */
  learnRestart(
    owner: Owner,
    outcome: RestartOutcome,
    { answer, factor }: { readonly answer: StopAnswer | null; readonly factor: number },
  ): void {
    this.#restarts.learn(owner.jobType, outcome, factor);
    if (answer !== null) this.#surge.learn(owner.jobType, outcome.peaks, answer);
  }

  /** A slot changes hands. */
  reset(slot: number): void {
    this.#cuts.reset(slot);
  }

  /** The keep-need is the highest of three phases; so is its offset. */
  #keepNeed(keepNeed: Float64Array, owner: Owner, scale: ArrayLike<number>): Float64Array {
    const out = new Float64Array(KEEP_ROWS);
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      let before = 0;
      for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
        let offset = Number.NEGATIVE_INFINITY;
        for (let phase = 0; phase < PHASE_COUNT; phase++) {
          const row = envelopeRow(resource, phase, quantile);
          offset = Math.max(offset, this.#cuts.offset(owner.slot, owner.jobType, row));
        }
        const at = resource * QUANTILE_COUNT + quantile;
        const moved = shifted(keepNeed[at] ?? Number.NaN, scale[resource] ?? 0, offset);
        before = Math.max(before, moved);
        out[at] = before;
      }
    }
    return out;
  }
}

/** What is added to a quantile, in asinh space and then in the resource's unit. */
interface Move {
  readonly offset: number;
  readonly added: number;
}

/** Quantiles stay in order. */
function shiftEnvelope(
  envelope: Float64Array,
  scale: ArrayLike<number>,
  moveOf: (row: number) => Move,
): Float64Array {
  const out = new Float64Array(ENVELOPE_ROWS);
  let before = 0;
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const resource = Math.floor(row / (PHASE_COUNT * QUANTILE_COUNT));
    const { offset, added } = moveOf(row);
    const moved = shifted(envelope[row] ?? Number.NaN, scale[resource] ?? 0, offset) + added;
    before = row % QUANTILE_COUNT === 0 ? moved : Math.max(before, moved);
    out[row] = before;
  }
  return out;
}
