/**
 * The Behavioral Profiler: instances, their incarnations, their samples, and what they would need
 * if they were interrupted now.
 *
 * Goals: samples cost a copy on the way in; a tick recomputes only tiles with news, on all workers;
 * answers are read in place and never mix two ticks. Non-goals: deciding anything, choosing when to
 * tick, writing lives down: the coordinator takes them and writes them, `lives` gives them back.
 */
import { createHash } from "node:crypto";
import { TILE_LANES } from "../core/abi.js";
import { clearLane, publishedLane } from "../core/tile-lanes.js";
import type { IncarnationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import type { InstanceRegistration, Sample, StopCause } from "../sources/sample.js";
import { RestartCalibration } from "./calibration.js";
import { type CoreMemory, openCoreMemory } from "./core-memory.js";
import { Corrections } from "./corrections.js";
import { InstanceTable } from "./instances.js";
import { SampleIntake } from "./intake.js";
import { Learner } from "./learner.js";
import { LearntKeeper } from "./learnt-keeper.js";
import { checkTime, incarnationRecord, OUTAGE_MINUTES_DEFAULT } from "./lives.js";
import { openWorkers } from "./open-workers.js";
import { Population } from "./population.js";
import { populationPriorOf } from "./population-prior.js";
import { PredictorShelf } from "./predictors/shelf.js";
import type { BehaviourProfile, ProfileOptions, ProfileReader, RestartOutcome } from "./profile.js";
import { ProfileBook } from "./profile-book.js";
import type { ProfilerOptions, TickReport } from "./profiler-options.js";
import { PublishedFacts } from "./published.js";
import { AnswerReader, type NetworkAnswer } from "./reader.js";
import { checkOutage, checkRegistration } from "./registration.js";
import type { DropReason } from "./sample-check.js";
import { surgePriorOf } from "./surge-prior.js";
import { TickSlices } from "./tick.js";
import { TickFacts } from "./tick-facts.js";
import { runSlices } from "./tick-run.js";
import { writeIdentity, writeInterruptions } from "./tile-lanes.js";
import type { Workers } from "./workers.js";

export { OUTAGE_MINUTES_DEFAULT, type ProfilerOptions, type TickReport };

const QUEUE_SAMPLES_MIN = 65_536;

export class Profiler implements ProfileReader {
  readonly #core: CoreMemory;
  readonly #workers: Workers;
  readonly #instances: InstanceTable;
  readonly #lives: ProfilerOptions["lives"];
  readonly #intake: SampleIntake;
  readonly #published: PublishedFacts;
  readonly #slices: TickSlices;
  readonly #book: ProfileBook;
  readonly #population = new Population();
  readonly #predictors: PredictorShelf;
  readonly #calibration = new RestartCalibration();
  readonly #learner: Learner;
  readonly #keeper: LearntKeeper;
  readonly #facts: TickFacts;
  #afterTick: (() => void)[] = [];
  #tick = 0;
  #running: Promise<TickReport> | undefined;
  #closed = false;

  private constructor(options: ProfilerOptions, core: CoreMemory) {
    const { maxInstances, clock } = options;
    this.#core = core;
    this.#lives = options.lives;
    this.#instances = new InstanceTable(maxInstances);
    this.#intake = new SampleIntake({
      clock,
      instances: this.#instances,
      slotCount: core.plan.tileCount * TILE_LANES,
      tileCount: core.plan.tileCount,
      queueSamplesMax: options.queueSamplesMax ?? Math.max(QUEUE_SAMPLES_MIN, maxInstances * 4),
    });
    this.#published = new PublishedFacts(maxInstances);
    this.#predictors = new PredictorShelf(maxInstances, options);
    this.#workers = openWorkers(options, core);
    this.#slices = new TickSlices({
      core,
      queue: this.#intake.queue,
      onLane: (slot, seconds) => this.#prepareLane(slot, seconds),
      onPublished: (slot, count) => this.#facts.publish(slot, count),
    });
    const shared = this.#calibration;
    const modelVersion = options.weights?.version ?? "none";
    const corrections = new Corrections(maxInstances, shared, surgePriorOf(options));
    this.#book = new ProfileBook({
      reader: new AnswerReader(core, this.#slices),
      published: this.#published,
      population: this.#population,
      calibration: shared,
      corrections,
      predictors: this.#predictors,
      prior: populationPriorOf(options),
      modelVersion,
      hasNetwork: core.network !== null,
    });
    const [population, instances] = [this.#population, this.#instances];
    this.#keeper = new LearntKeeper({ corrections, population, instances, modelVersion });
    this.#learner = new Learner({
      slotCount: maxInstances,
      instances: this.#instances,
      published: this.#published,
      book: this.#book,
      shared,
      corrections,
      cutsPerTick: options.shadowCutsPerTick,
      cutsTeach: options.shadowCutsTeach,
      onCut: options.onShadowCut,
    });
    this.#facts = new TickFacts({
      slotCount: maxInstances,
      queue: this.#intake.queue,
      instances: this.#instances,
      published: this.#published,
      population: this.#population,
      predictors: this.#predictors,
      learner: this.#learner,
    });
  }

  /** @throws ERR_ARGUMENT, ERR_LIMIT, ERR_SHAPE */
  static open(options: ProfilerOptions): Profiler {
    return new Profiler(options, openCoreMemory(options));
  }

  /** Ends the tick under way, then the threads. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#running;
    } catch {
      // The caller of tick() got this error already.
    }
    await this.#workers.close();
  }

  // Identity

  get instanceCount(): number {
    return this.#instances.size;
  }

  instanceIds(): IterableIterator<string> {
    return this.#instances.ids();
  }

  has(instanceId: string): boolean {
    return this.#instances.slotOf(instanceId) !== undefined;
  }

  /** @throws ERR_UNKNOWN_ID */
  registration(instanceId: string): InstanceRegistration {
    return this.#instances.get(instanceId).life.registration;
  }

  /** False while it is stopped. @throws ERR_UNKNOWN_ID */
  isRunning(instanceId: string): boolean {
    return this.#instances.get(instanceId).life.stoppedMs === undefined;
  }

  /**
   * Makes an instance known, or changes who a known one is; its history is kept then.
   *
   * @throws ERR_ARGUMENT, ERR_LIMIT, ERR_SHUTTING_DOWN
   */
  register(registration: InstanceRegistration): void {
    this.#checkOpen();
    checkRegistration(registration);
    const { instanceId } = registration;
    const isKnown = this.#instances.slotOf(instanceId) !== undefined;
    const record = isKnown ? undefined : this.#lives?.(instanceId);
    const { slot, life, isNew } = this.#instances.register(registration, record);
    if (isNew) {
      // The first sample to come counts the incarnation under way.
      this.#published.reset(slot, Math.max(0, life.incarnation - 1));
      this.#predictors.reset(slot);
      this.#learner.reset(slot);
      this.#keeper.registered(instanceId, slot);
    }
    this.#facts.setJobType(slot, registration.jobType);
    this.#whenIdle(() => {
      // Memory starts as zeros: only a recycled slot holds what another instance left.
      if (isNew && this.#instances.generationOf(slot) > 0)
        clearLane(this.#core.views, this.#core.plan, slot);
      const outageMinutes = registration.typicalOutageMinutes ?? OUTAGE_MINUTES_DEFAULT;
      const { limits, jobType } = registration;
      const identity = { limits, jobType, outageMinutes };
      writeIdentity(this.#core.views.all, this.#core.plan, slot, identity);
      this.#facts.setOutage(slot, outageMinutes);
    });
  }

  /** Forgets an instance and everything about it. @throws ERR_UNKNOWN_ID */
  unregister(instanceId: string): void {
    this.#checkOpen();
    const slot = this.#instances.leave(instanceId);
    this.#learner.reset(slot);
    this.#slices.forget(slot);
    this.#intake.queue.drop(slot, this.#intake.queue.count(slot));
    this.#whenIdle(() => this.#instances.recycle(slot));
  }

  // Samples and lives

  /** Bad samples so far, by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#intake.dropped;
  }

  /** Samples that wait for the next tick. */
  get pendingSampleCount(): number {
    return this.#intake.queue.total;
  }

  /**
   * Takes a sample for the next tick. A bad one is counted and left out; it moves no state.
   *
   * @throws ERR_SHUTTING_DOWN
   */
  offer(sample: Sample): "accepted" | DropReason {
    this.#checkOpen();
    return this.#intake.offer(sample);
  }

  /** @throws ERR_UNKNOWN_ID, ERR_STATE when it is stopped already, ERR_ARGUMENT */
  stopped(instanceId: string, timeMs: number, cause: StopCause): void {
    this.#checkOpen();
    this.#instances.stop(instanceId, timeMs, cause);
    this.#learner.stopped(instanceId);
  }

  /**
   * A new incarnation begins; its first sample will say so to the core. History is kept.
   *
   * @throws ERR_UNKNOWN_ID, ERR_ARGUMENT
   */
  restarted(instanceId: string, timeMs: number): void {
    this.#checkOpen();
    this.#instances.restart(instanceId, timeMs);
    this.#learner.restarted(instanceId);
  }

  /** Whether a stop or a restart may be told of then. @throws ERR_UNKNOWN_ID, ERR_ARGUMENT */
  checkLifeTime(instanceId: string, timeMs: number): void {
    checkTime(this.#instances.get(instanceId).life, timeMs);
  }

  /** @throws ERR_UNKNOWN_ID */
  incarnation(instanceId: string): IncarnationRecord {
    return incarnationRecord(this.#instances.get(instanceId).life);
  }

  /** Incarnations that changed since the last call, for the ledger. */
  takeIncarnations(): IncarnationRecord[] {
    return this.#instances.takeIncarnations();
  }

  /**
   * What a restarted instance really needed, and what had been predicted. The next tick's answers
   * are calibrated with it.
   *
   * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_SAMPLE
   */
  outcome(outcome: RestartOutcome): void {
    this.#checkOpen();
    this.#learner.outcome(outcome);
  }

  /** Offsets, surges and the population, for `restoreLearnt` of a later process. */
  snapshotLearnt(): Uint8Array {
    return this.#keeper.snapshot();
  }

  /** Goes on as calibrated as when it was taken. @throws ERR_CONFIG; then nothing changed */
  restoreLearnt(bytes: Uint8Array): void {
    this.#checkOpen();
    this.#keeper.restore(bytes);
  }

  // Answers

  /**
   * What an instance would need if it were interrupted now, as of the last published tick.
   *
   * @throws ERR_UNKNOWN_ID, ERR_ARGUMENT, ERR_STATE for a predictor beside that is not kept
   */
  profile(instanceId: string, options?: ProfileOptions): BehaviourProfile {
    const outageMinutes = options?.outageMinutes;
    if (outageMinutes !== undefined) checkOutage("outageMinutes", outageMinutes);
    return this.#book.profile(this.#instances.get(instanceId), options);
  }

  /**
   * What the network alone says, whatever the ladder would choose; null without a network.
   *
   * @throws ERR_UNKNOWN_ID, ERR_ARGUMENT
   */
  networkAnswer(instanceId: string, outageMinutes: number): NetworkAnswer | null {
    checkOutage("outageMinutes", outageMinutes);
    return this.#book.network(this.#instances.get(instanceId).slot, outageMinutes);
  }

  /** The scale of each resource in which the network's answers move. @throws ERR_UNKNOWN_ID */
  scale(instanceId: string): readonly number[] {
    return this.#book.scale(this.#instances.get(instanceId).slot);
  }

  /**
   * SHA-256 of everything the core holds of an instance, as published. Equal digests mean equal
   * bits, whatever the number of workers, the slot, or the split of its samples into ticks.
   *
   * @throws ERR_UNKNOWN_ID, ERR_STATE while a tick runs
   */
  stateDigest(instanceId: string): string {
    const { slot } = this.#instances.get(instanceId);
    if (this.#running !== undefined) {
      throw new RepriseError("ERR_STATE", "the state is being written by a tick");
    }
    const bytes = publishedLane(this.#core.views, this.#core.plan, slot);
    return createHash("sha256").update(bytes).digest("hex");
  }

  // Ticks

  /**
   * Takes every waiting sample into the state and refreshes the answers of its instances. Published
   * slice by slice; of an instance readers see the tick before until its slice is done.
   *
   * @throws ERR_STATE while another tick runs; ERR_WORKER_LOST when repeats made no progress, then
   *   the samples of its slice and of those after it still wait, their state is as before
   */
  async tick(): Promise<TickReport> {
    this.#checkOpen();
    if (this.#running !== undefined) {
      throw new RepriseError("ERR_STATE", "a tick is under way", {
        expected: "one tick at a time",
      });
    }
    this.#running = this.#runTick();
    try {
      return await this.#running;
    } finally {
      this.#running = undefined;
      const waiting = this.#afterTick;
      this.#afterTick = [];
      for (const change of waiting) change();
    }
  }

  async #runTick(): Promise<TickReport> {
    const { plan, views } = this.#core;
    views.f32.set(this.#calibration.offsets, plan.offsets.ptr / 4);
    const tiles = this.#intake.takeTouched();
    const report = await runSlices({
      slices: this.#slices,
      workers: this.#workers,
      tick: ++this.#tick,
      tiles,
      onFailed: (from) => {
        for (const tile of tiles.subarray(from)) this.#intake.touch(tile);
      },
    });
    this.#learner.afterTick();
    return report;
  }

  #prepareLane(slot: number, lastTimeSeconds: number): void {
    const count = this.#facts.interruptions(slot, lastTimeSeconds);
    if (count === undefined) return;
    writeInterruptions(this.#core.views, this.#core.plan, slot, count);
  }

  /** State of a lane changes hands only between ticks: workers own it meanwhile. */
  #whenIdle(change: () => void): void {
    if (this.#running === undefined) change();
    else this.#afterTick.push(change);
  }

  #checkOpen(): void {
    if (this.#closed) throw new RepriseError("ERR_SHUTTING_DOWN", "the profiler is closed");
  }
}
