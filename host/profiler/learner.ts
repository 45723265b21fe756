import { KNOWN_SAMPLES_MIN } from "../core/adviser-need.js";
import { checkOutcome, type RestartCalibration } from "./calibration.js";
import type { Corrections } from "./corrections.js";
import type { InstanceTable } from "./instances.js";
import type { RestartOutcome } from "./profile.js";
import type { ProfileBook } from "./profile-book.js";
import type { PublishedFacts } from "./published.js";
import { RestartsUnderWay } from "./restarts-under-way.js";
import { type ScoredCut, ShadowCuts } from "./shadow-cuts.js";
import type { StopAnswer } from "./surge.js";

/** Shadow cuts that one tick may begin; looking for them passes at most four times as many slots. */
export const CUTS_PER_TICK = 64;
const PASSED_PER_CUT = 4;

export interface LearnerParts {
  readonly slotCount: number;
  readonly instances: InstanceTable;
  readonly published: PublishedFacts;
  readonly book: ProfileBook;
  readonly shared: RestartCalibration;
  readonly corrections: Corrections;
  /** 0 = no shadow cuts. */
  readonly cutsPerTick?: number | undefined;
  /** False: cuts are scored and reported only. */
  readonly cutsTeach?: boolean | undefined;
  /** Every cut once its hour is over. */
  readonly onCut?: ((cut: ScoredCut) => void) | undefined;
}

/**
 * Brings truths to what learns from them: shadow cuts of running instances, and restarts. Runs on
 * the profiler's thread between ticks and at their end, in the order of slots, so it learns the same
 * whatever the number of workers.
 */
export class Learner {
  readonly #parts: LearnerParts;
  readonly #cuts: ShadowCuts;
  /** Of those that are down, or came back and were not heard of yet. */
  readonly #stops = new Map<number, StopAnswer>();
  readonly #underWay = new RestartsUnderWay<number>();
  #cursor = 0;

  constructor(parts: LearnerParts) {
    this.#parts = parts;
    this.#cuts = new ShadowCuts(parts.slotCount, (cut) => this.#scored(cut));
  }

  /** The slot changes hands. */
  reset(slot: number): void {
    this.#cuts.cancel(slot);
    this.#stops.delete(slot);
    this.#underWay.cancel(slot);
    this.#parts.corrections.reset(slot);
  }

  stopped(instanceId: string): void {
    const tenancy = this.#parts.instances.get(instanceId);
    this.#cuts.cancel(tenancy.slot);
    this.#underWay.cancel(tenancy.slot);
    const answer = this.#parts.book.stopAnswer(tenancy);
    if (answer === null) this.#stops.delete(tenancy.slot);
    else this.#stops.set(tenancy.slot, answer);
  }

  restarted(instanceId: string): void {
    const { slot } = this.#parts.instances.get(instanceId);
    this.#cuts.cancel(slot);
    this.#underWay.begin(slot);
  }

  /** One sample became visible. */
  observe(slot: number, timeSeconds: number, values: ArrayLike<number>): void {
    this.#cuts.observe(slot, timeSeconds, values);
  }

  /** @throws ERR_SHAPE, ERR_SAMPLE; then nothing moved */
  outcome(outcome: RestartOutcome): void {
    const { shared, instances, corrections } = this.#parts;
    checkOutcome(outcome);
    const found = instances.find(outcome.instanceId);
    const stop = (found === undefined ? undefined : this.#stops.get(found.slot)) ?? null;
    const rung = outcome.rung ?? 0;
    const stopRung = stop?.rung ?? 0;
    // The statistics' answers are moved only where they stand in for a demoted network.
    const isMoved = rung === 0 || (rung === 2 && stopRung === 2);
    const step = found === undefined ? 1 : this.#underWay.stepOf(found.slot);
    const factor = isMoved ? step : 0;
    shared.learn(outcome, factor);
    if (rung === 3) corrections.learnLaunch(found?.life.registration.jobType, outcome);
    if (found === undefined) return;
    const { slot, life } = found;
    const owner = { slot, jobType: life.registration.jobType };
    const answer = rung === stopRung ? stop : null;
    if (isMoved) corrections.learnRestart(owner, outcome, { answer, factor });
    this.#stops.delete(slot);
    this.#underWay.heard(slot);
  }

  /** Begins the next shadow cuts. */
  afterTick(): void {
    const { slotCount, cutsPerTick = CUTS_PER_TICK } = this.#parts;
    let begun = 0;
    const passed = Math.min(slotCount, cutsPerTick * PASSED_PER_CUT);
    for (let step = 0; step < passed && begun < cutsPerTick && this.#cuts.hasRoom; step++) {
      const slot = this.#cursor;
      this.#cursor = (slot + 1) % slotCount;
      if (this.#begin(slot)) begun++;
    }
  }

  #begin(slot: number): boolean {
    const { instances, published, book } = this.#parts;
    const life = instances.lifeIn(slot);
    const lastMs = published.lastMs(slot);
    if (life === undefined || life.stoppedMs !== undefined || lastMs === null) return false;
    if (this.#cuts.isUnderWay(slot)) return false;
    if (published.samplesInIncarnation(slot) < KNOWN_SAMPLES_MIN) return false;
    const cut = book.cut({ slot, life }, lastMs / 1_000);
    if (cut === null) return false;
    this.#cuts.begin(slot, cut);
    return true;
  }

  #scored(cut: ScoredCut): void {
    const { instances, corrections, cutsTeach = true, onCut } = this.#parts;
    const jobType = instances.lifeIn(cut.slot)?.registration.jobType;
    if (cutsTeach) corrections.learnCut({ slot: cut.slot, jobType }, cut);
    onCut?.(cut);
  }
}
