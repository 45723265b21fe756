/**
 * The Behavioral Profiler: instances, their incarnations, their samples, and what they would need
 * if they were interrupted now.
 *
 * Goals: samples cost a copy on the way in; a tick recomputes only tiles with news, on all workers;
 * answers are read in place and never mix two ticks. Non-goals: deciding anything, durability (the
 * ledger keeps `incarnations`), choosing when to tick.
 */
import { createHash } from "node:crypto";
import { PENDING_RESTART, PENDING_SAMPLE, TILE_LANES } from "../core/abi.js";
import type { IncarnationRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import type { NetworkWeights } from "../model/weights.js";
import type { InstanceRegistration, Sample, StopCause } from "../sources/sample.js";
import { RestartCalibration } from "./calibration.js";
import { type CoreMemory, openCoreMemory } from "./core-memory.js";
import { InstanceTable } from "./instances.js";
import { beginLife, incarnationRecord, interruptionsBefore, type Life } from "./lives.js";
import { openTileRunner } from "./open-runner.js";
import type { RestartOutcome } from "./profile.js";
import { PublishedFacts } from "./published.js";
import { AnswerReader, type NetworkAnswer } from "./reader.js";
import { checkOutage, checkRegistration } from "./registration.js";
import { checkSample, type DropReason } from "./sample-check.js";
import { SampleQueue } from "./sample-queue.js";
import { TickSlices } from "./tick.js";
import { clearLane, publishedLane, writeIdentity, writeInterruptions } from "./tile-lanes.js";
import { InlineWorkers, PiscinaWorkers, type Workers } from "./workers.js";

/** Outage assumed when neither the request nor the registration names one. */
export const OUTAGE_MINUTES_DEFAULT = 10;
const TASK_MS_MAX = 60_000;
const QUEUE_SAMPLES_MIN = 65_536;

export interface ProfilerOptions {
  readonly maxInstances: number;
  /** Without a network the simpler rungs answer. */
  readonly weights: NetworkWeights | null;
  /** Threads; 0 runs the tick on the calling thread. */
  readonly workers: number;
  readonly clock: Clock;
  /** A worker that takes longer for its share of a tick is replaced. */
  readonly taskMsMax?: number;
  /** Samples that may wait for a tick over all instances; default 4 an instance. */
  readonly queueSamplesMax?: number;
  /** Tiles a tick publishes at once; the default holds 131,072 instances. */
  readonly journalTiles?: number;
  /** The compiled worker entry; only tests name another one. */
  readonly workerUrl?: URL;
}

export interface TickReport {
  readonly tick: number;
  readonly sampleCount: number;
  readonly tileCount: number;
  readonly sliceCount: number;
  /** Repeats that lost workers made necessary. */
  readonly repeatCount: number;
}

export class Profiler {
  readonly #clock: Clock;
  readonly #core: CoreMemory;
  readonly #workers: Workers;
  readonly #instances: InstanceTable;
  readonly #queue: SampleQueue;
  readonly #published: PublishedFacts;
  readonly #slices: TickSlices;
  readonly #reader: AnswerReader;
  readonly #calibration = new RestartCalibration();
  readonly #dropped = new Map<DropReason, number>();
  /** Outage that a slot's lane holds now, minutes. */
  readonly #outages: Float64Array;
  readonly #touched: Uint8Array;
  #touchedTiles: number[] = [];
  #afterTick: (() => void)[] = [];
  #tick = 0;
  #running: Promise<TickReport> | undefined;
  #closed = false;

  private constructor(options: ProfilerOptions, core: CoreMemory) {
    const { maxInstances, clock } = options;
    this.#clock = clock;
    this.#core = core;
    this.#instances = new InstanceTable(maxInstances);
    this.#queue = new SampleQueue(
      core.plan.tileCount * TILE_LANES,
      options.queueSamplesMax ?? Math.max(QUEUE_SAMPLES_MIN, maxInstances * 4),
    );
    this.#published = new PublishedFacts(maxInstances);
    this.#outages = new Float64Array(maxInstances);
    this.#touched = new Uint8Array(core.plan.tileCount);
    this.#workers = openWorkers(options, core);
    this.#slices = new TickSlices({
      core,
      queue: this.#queue,
      published: this.#published,
      workers: this.#workers,
      onLane: (slot, seconds) => this.#prepareLane(slot, seconds),
      onPublished: (slot) => this.#published.setOutage(slot, this.#outages[slot] ?? 0),
    });
    this.#reader = new AnswerReader(core, this.#slices);
  }

  /** @throws ERR_LIMIT, ERR_SHAPE */
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
    return this.#instances.find(instanceId) !== undefined;
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
    const { slot, isNew } = this.#instances.register(registration);
    if (isNew) this.#published.reset(slot);
    this.#whenIdle(() => {
      // Memory starts as zeros: only a recycled slot holds what another instance left.
      if (isNew && this.#instances.generationOf(slot) > 0)
        clearLane(this.#core.views, this.#core.plan, slot);
      const outageMinutes = registration.typicalOutageMinutes ?? OUTAGE_MINUTES_DEFAULT;
      const identity = { limits: registration.limits, outageMinutes };
      writeIdentity(this.#core.views, this.#core.plan, slot, identity);
      this.#outages[slot] = outageMinutes;
    });
  }

  /** Forgets an instance and everything about it. @throws ERR_UNKNOWN_ID */
  unregister(instanceId: string): void {
    this.#checkOpen();
    const slot = this.#instances.leave(instanceId);
    this.#slices.forget(slot);
    this.#queue.drop(slot, this.#queue.count(slot));
    this.#whenIdle(() => this.#instances.recycle(slot));
  }

  // Samples and lives

  /** Bad samples so far, by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** Samples that wait for the next tick. */
  get pendingSampleCount(): number {
    return this.#queue.total;
  }

  /**
   * Takes a sample for the next tick. A bad one is counted and left out; it moves no state.
   *
   * @throws ERR_SHUTTING_DOWN
   */
  offer(sample: Sample): "accepted" | DropReason {
    this.#checkOpen();
    const found = this.#instances.find(sample.instanceId);
    const reason =
      found === undefined
        ? "unknown-id"
        : (checkSample(sample, this.#clock.nowMs()) ??
          checkPlace(found.life, sample.timeMs) ??
          this.#push(found.slot, found.life, sample));
    if (reason === undefined) return "accepted";
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    return reason;
  }

  /** @throws ERR_UNKNOWN_ID, ERR_STATE when it is stopped already, ERR_ARGUMENT */
  stopped(instanceId: string, timeMs: number, cause: StopCause): void {
    this.#checkOpen();
    this.#instances.stop(instanceId, timeMs, cause);
  }

  /**
   * A new incarnation begins; its first sample will say so to the core. History is kept.
   *
   * @throws ERR_UNKNOWN_ID, ERR_ARGUMENT
   */
  restarted(instanceId: string, timeMs: number): void {
    this.#checkOpen();
    this.#instances.restart(instanceId, timeMs);
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
   * @throws ERR_SHAPE, ERR_SAMPLE
   */
  outcome(outcome: RestartOutcome): void {
    this.#checkOpen();
    this.#calibration.learn(outcome);
  }

  // Answers

  /** What the network says of an instance; for the outage it was registered with unless named. */
  networkAnswer(instanceId: string, outageMinutes?: number): NetworkAnswer {
    const { slot } = this.#instances.get(instanceId);
    if (outageMinutes === undefined) return this.#reader.published(slot);
    checkOutage("outageMinutes", outageMinutes);
    return this.#reader.forOutage(slot, outageMinutes);
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
   * at the end; readers see the tick before until then.
   *
   * @throws ERR_STATE while another tick runs; ERR_WORKER_LOST when repeats made no progress, then
   *   the samples still wait and the state is as before
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
    const tick = ++this.#tick;
    const tiles = this.#takeTouched();
    let sampleCount = 0;
    let tileCount = 0;
    let sliceCount = 0;
    let repeatCount = 0;
    for (let next = 0; next < tiles.length; ) {
      const from = next;
      next = this.#slices.place(tiles, from);
      try {
        const report = this.#slices.publish(await this.#slices.compute(tick));
        sampleCount += report.sampleCount;
        tileCount += report.tileCount;
        repeatCount += report.repeatCount;
        sliceCount += report.tileCount === 0 ? 0 : 1;
      } catch (cause) {
        for (const tile of tiles.subarray(from)) this.#touch(tile);
        throw cause;
      }
    }
    return { tick, sampleCount, tileCount, sliceCount, repeatCount };
  }

  #takeTouched(): Int32Array {
    const tiles = Int32Array.from(this.#touchedTiles).sort();
    this.#touchedTiles = [];
    for (const tile of tiles) this.#touched[tile] = 0;
    return tiles;
  }

  #touch(tile: number): void {
    if (this.#touched[tile] === 1) return;
    this.#touched[tile] = 1;
    this.#touchedTiles.push(tile);
  }

  #push(slot: number, life: Life, sample: Sample): DropReason | undefined {
    const { first } = life;
    // The source may not know when the instance was launched; whoever reported the restart did.
    const known = first && life.incarnation > 0 && sample.sinceLaunchSeconds === undefined;
    const since = (sample.timeMs - life.launchedMs) / 1_000;
    const complete = known ? { ...sample, sinceLaunchSeconds: since } : sample;
    const flags = first ? PENDING_SAMPLE | PENDING_RESTART : PENDING_SAMPLE;
    if (!this.#queue.push(slot, complete, flags)) return "queue-full";
    if (life.incarnation === 0) {
      beginLife(life, sample.timeMs - (sample.sinceLaunchSeconds ?? 0) * 1_000);
      this.#instances.markChanged(life);
    }
    life.first = false;
    life.lastMs = sample.timeMs;
    this.#touch(slot >>> 3);
    return undefined;
  }

  #prepareLane(slot: number, lastTimeSeconds: number): void {
    const life = this.#instances.lifeIn(slot);
    if (life === undefined) return;
    const count = interruptionsBefore(life, lastTimeSeconds * 1_000);
    writeInterruptions(this.#core.views, this.#core.plan, slot, count);
  }

  /** State of a lane changes hands only between ticks: workers own it meanwhile. */
  #whenIdle(change: () => void): void {
    if (this.#running === undefined) change();
    else this.#afterTick.push(change);
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new RepriseError("ERR_SHUTTING_DOWN", "the profiler is closed");
  }
}

/** Whether the sample comes at a time at which its instance can have one. */
function checkPlace(life: Life, timeMs: number): DropReason | undefined {
  if (timeMs === life.lastMs) return "duplicate";
  if (timeMs < life.lastMs) return "out-of-order";
  if (life.stoppedMs !== undefined) return "stopped";
  return life.first && timeMs < life.launchedMs ? "before-launch" : undefined;
}

function openWorkers(options: ProfilerOptions, core: CoreMemory): Workers {
  const { module, memory, plan, network } = core;
  const setup = { module, memory, plan, network };
  if (options.workers === 0) {
    const runner = openTileRunner(setup);
    return new InlineWorkers((task) => runner.run(task));
  }
  return new PiscinaWorkers({
    threadCount: options.workers,
    setup,
    taskMsMax: options.taskMsMax ?? TASK_MS_MAX,
    ...(options.workerUrl === undefined ? {} : { workerUrl: options.workerUrl }),
  });
}
