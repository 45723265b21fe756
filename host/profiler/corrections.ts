import { ENVELOPE_ROWS, KEEP_ROWS, PHASE_COUNT, QUANTILE_COUNT } from "../core/abi.js";
import { exponential, exponentials } from "../lib/elementary.js";
import type { RestartCalibration } from "./calibration.js";
import { CutCalibration, type Owner } from "./cut-calibration.js";
import { DriftWatch } from "./drift.js";
import type { LadderTables } from "./ladder.js";
import { LaunchTrackers } from "./launch-trackers.js";
import type { LearntParts } from "./learnt.js";
import type { RestartOutcome, TrackerCounts } from "./profile.js";
import type { ScoredCut } from "./shadow-cuts.js";
import { shiftedBy } from "./shift.js";
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
  /** Of the answer that is being moved: 48 rows of an envelope, behind them 16 of a keep-need. */
  readonly #moves: Moves = {
    offsets: new Float64Array(ENVELOPE_ROWS + KEEP_ROWS),
    powers: new Float64Array(ENVELOPE_ROWS + KEEP_ROWS),
    added: new Float64Array(ENVELOPE_ROWS),
  };

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
    const { offsets, powers } = this.#moves;
    this.#cuts.offsetsInto(offsets, owner);
    keepOffsets(offsets);
    this.#addRestarts(owner.jobType);
    powers.set(offsets);
    exponentials(powers, powers.length);
    const envelope = shiftRows(tables.envelope, scale, this.#moves);
    return { envelope, keepNeed: shiftKeepNeed(tables.keepNeed, scale, this.#moves) };
  }

  /**
   * The statistics' answer for a restart while the network is demoted: all that restarts taught,
   * the shared offsets too, which the core adds to the network's answers only. Nothing of shadow
   * cuts, which measure the network.
   */
  applyToDemoted(envelope: Float64Array, owner: Owner, scale: ArrayLike<number>): Float64Array {
    const { offsets, powers } = this.#moves;
    offsets.set(this.#shared.offsets);
    this.#addRestarts(owner.jobType);
    powers.set(offsets);
    exponentials(powers, ENVELOPE_ROWS);
    return shiftRows(envelope, scale, this.#moves);
  }

  /** Adds what restarts of the type taught to the offsets that are there. */
  #addRestarts(jobType: string | undefined): void {
    const { offsets, added } = this.#moves;
    if (this.#restarts.count(jobType) + this.#surge.count(jobType) === 0) {
      added.fill(0);
      return;
    }
    for (let row = 0; row < ENVELOPE_ROWS; row++) {
      const move = this.#restartMove(jobType, row, offsets[row] ?? 0);
      offsets[row] = move.offset;
      added[row] = move.added;
    }
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
    const { offsets, powers, added } = this.#moves;
    this.#cuts.offsetsInto(offsets, owner);
    powers.set(offsets);
    exponentials(powers, ENVELOPE_ROWS);
    added.fill(0);
    return shiftRows(envelope, scale, this.#moves);
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
}

/** What is added to a quantile, in asinh space and then in the resource's unit. */
interface Move {
  readonly offset: number;
  readonly added: number;
}

/** What is added to each row, and e to the power of its offset. */
interface Moves {
  readonly offsets: Float64Array;
  readonly powers: Float64Array;
  readonly added: Float64Array;
}

const RESOURCE_ROWS = PHASE_COUNT * QUANTILE_COUNT;

/** The keep-need is the highest of three phases; so is its offset. */
function keepOffsets(offsets: Float64Array): void {
  for (let at = 0; at < KEEP_ROWS; at++) {
    const resource = Math.floor(at / QUANTILE_COUNT);
    const row = resource * RESOURCE_ROWS + (at % QUANTILE_COUNT);
    let highest = Number.NEGATIVE_INFINITY;
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      highest = Math.max(highest, offsets[row + phase * QUANTILE_COUNT] ?? 0);
    }
    offsets[ENVELOPE_ROWS + at] = highest;
  }
}

/** Quantiles stay in order. */
function shiftRows(
  envelope: Float64Array,
  scale: ArrayLike<number>,
  { offsets, powers, added }: Moves,
): Float64Array {
  const out = new Float64Array(ENVELOPE_ROWS);
  let before = 0;
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const own = scale[Math.floor(row / RESOURCE_ROWS)] ?? 0;
    const value = envelope[row] ?? Number.NaN;
    const isMoved = offsets[row] !== 0;
    const moved = (isMoved ? shiftedBy(value, own, powers[row] ?? 0) : value) + (added[row] ?? 0);
    before = row % QUANTILE_COUNT === 0 ? moved : Math.max(before, moved);
    out[row] = before;
  }
  return out;
}

function shiftKeepNeed(
  keepNeed: Float64Array,
  scale: ArrayLike<number>,
  { offsets, powers }: Moves,
): Float64Array {
  const out = new Float64Array(KEEP_ROWS);
  let before = 0;
  for (let at = 0; at < KEEP_ROWS; at++) {
    const own = scale[Math.floor(at / QUANTILE_COUNT)] ?? 0;
    const value = keepNeed[at] ?? Number.NaN;
    const isMoved = offsets[ENVELOPE_ROWS + at] !== 0;
    const moved = isMoved ? shiftedBy(value, own, powers[ENVELOPE_ROWS + at] ?? 0) : value;
    before = Math.max(at % QUANTILE_COUNT === 0 ? 0 : before, moved);
    out[at] = before;
  }
  return out;
}
