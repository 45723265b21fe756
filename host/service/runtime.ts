/**
 * The three modules at work in one process: samples and requests come in, predictions, decisions
 * and grants go out. HTTP is one way to reach it; nothing here knows of it.
 *
 * Goals: one owner of the parts and of their order of opening and closing; a request is decided as
 * soon as it is in, many of one moment in one turn; a ledger that fails stops acting, not serving.
 * Non-goals: transport, authentication, configuration files.
 */
import { PredictiveAllocator } from "../allocator/allocator.js";
import type { LoadReader } from "../allocator/load.js";
import type { Grant } from "../allocator/types.js";
import { Coordinator } from "../coordinator/coordinator.js";
import type { CoordinatorPolicy, CoordinatorRequest } from "../coordinator/types.js";
import { RESOURCES } from "../core/abi.js";
import type { Engine } from "../engines/engine.js";
import type { Ledger } from "../ledger/ledger.js";
import type { DecisionRecord } from "../ledger/records.js";
import { type Clock, repeatEvery } from "../lib/clock.js";
import { isRepriseError, RepriseError } from "../lib/errors.js";
import type { NetworkWeights } from "../model/weights.js";
import { Profiler } from "../profiler/profiler.js";
import type { DropReason } from "../profiler/sample-check.js";
import { UsageBoard } from "../replay/usage-board.js";
import type { InstanceRegistration, Sample, StopCause } from "../sources/sample.js";
import type { InstanceMode, ServiceConfig } from "./config/schema.js";
import { DecisionIndex } from "./decision-index.js";
import { DecisionTurns } from "./decision-turns.js";
import { EventHub, summaryOf } from "./events.js";
import { LedgerHealth } from "./ledger-health.js";
import { Lives } from "./lives.js";
import { ModeEngine } from "./mode-engine.js";
import { RestartOutcomes } from "./outcomes.js";
import { PoolHistory } from "./pool-history.js";
import { readRegistrations, registrationChange, removeRegistration } from "./registrations.js";
import { pruneDecisions, type Retention } from "./retention.js";

export interface RuntimeOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly weights: NetworkWeights | null;
  readonly instancesMax: number;
  readonly workers: number;
  readonly policy: Partial<CoordinatorPolicy>;
  readonly modes: Modes;
  /** What is in use; the sum of the last samples when absent. */
  readonly load?: LoadReader;
  /** What of the past the ledger keeps; as much as the coordinator leaves when absent. */
  readonly retention?: Retention;
}

export interface Pace {
  readonly profilerTickMs: number;
  readonly coordinatorTickMs: number;
  /** What went wrong on a turn that nobody waits for. */
  readonly onError: (error: unknown) => void;
}

export interface SampleReport {
  readonly accepted: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

export type Modes = ServiceConfig["modes"];

/** Everybody's needs are read for them, 0.1 s for 10,000: no decision may wait for that each second. */
const TARGETS_EVERY_MS = 20_000;
/** More that wait are taken in without waiting for the tick. */
const BURST_SAMPLES_MIN = 16_384;

export class ServiceRuntime {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly profiler: Profiler;
  readonly allocator: PredictiveAllocator;
  readonly coordinator: Coordinator;
  readonly events = new EventHub();
  readonly decisions: DecisionIndex;
  readonly #engine: ModeEngine;
  readonly #board: UsageBoard;
  readonly outcomes: RestartOutcomes;
  readonly history = new PoolHistory();
  readonly #turns: DecisionTurns;
  readonly #lives: Lives;
  #learning: Promise<void> | undefined;
  readonly #burstSamples: number;
  #onError: (error: unknown) => void = () => {};
  #stops: (() => Promise<void>)[] = [];
  readonly #health: LedgerHealth;
  readonly #retention: Retention | undefined;
  #modes: Modes;

  private constructor(options: RuntimeOptions) {
    const { ledger, clock, weights } = options;
    this.#modes = options.modes;
    this.#retention = options.retention;
    this.clock = clock;
    this.ledger = ledger;
    this.#burstSamples = Math.max(BURST_SAMPLES_MIN, options.instancesMax);
    this.#health = new LedgerHealth(ledger, (degraded) =>
      this.events.publish({ kind: "health", degraded }, clock.nowMs()),
    );
    this.#lives = new Lives(ledger);
    const lives = (id: string) => this.#lives.of(id);
    this.profiler = Profiler.open({ ...options, maxInstances: options.instancesMax, lives });
    this.#board = new UsageBoard((id) => this.allocator.allocationOf(id)?.nodeId);
    this.allocator = new PredictiveAllocator({
      profiles: this.profiler,
      ledger,
      clock,
      load: options.load ?? this.#board,
      targetsEveryMs: TARGETS_EVERY_MS,
      isInterruptible: (id) => this.#registrationOf(id)?.interruptible === true,
    });
    this.#engine = new ModeEngine(options.engine, (id) => this.modeOf(id));
    this.coordinator = new Coordinator({
      allocator: this.allocator,
      profiles: this.profiler,
      ledger,
      engine: this.#engine,
      priorities: { priorityOf: (id) => this.#registrationOf(id)?.priority },
      clock,
      modelVersion: () => weights?.version ?? "none",
      policy: options.policy,
      load: this.#board,
      lives,
      isPinned: (id) => this.modeOf(id) !== "enforce",
    });
    this.outcomes = new RestartOutcomes(this.profiler);
    this.decisions = new DecisionIndex(ledger);
    this.#turns = new DecisionTurns({
      coordinator: this.coordinator,
      decisions: this.decisions,
      onDecided: (decision) =>
        this.events.publish({ kind: "decision", decision: summaryOf(decision) }, clock.nowMs()),
      onError: (error) => {
        this.#health.note(error);
        this.#onError(error);
      },
    });
  }

  /** Opens the parts and takes up what the ledger holds. @throws what a part throws */
  static async open(options: RuntimeOptions): Promise<ServiceRuntime> {
    const runtime = new ServiceRuntime(options);
    try {
      await runtime.#restore();
    } catch (error) {
      await runtime.close();
      throw error;
    }
    return runtime;
  }

  async #restore(): Promise<void> {
    this.allocator.restore();
    this.decisions.open();
    this.#lives.whileRead(() => {
      for (const registration of readRegistrations(this.ledger)) {
        this.profiler.register(registration);
        this.coordinator.register(registration);
      }
    });
    // A start has read all that there is, and most of it is not read again.
    await this.ledger.release?.();
    await this.coordinator.recover();
  }

  /** Begins to tick. */
  start({ profilerTickMs, coordinatorTickMs, onError }: Pace): void {
    const safely = (task: () => Promise<unknown>) => async () => {
      try {
        await task();
      } catch (error) {
        this.#health.note(error);
        onError(error);
      }
    };
    this.#onError = onError;
    this.#stops = [
      repeatEvery(
        profilerTickMs,
        safely(() => this.learn()),
      ),
      repeatEvery(
        coordinatorTickMs,
        safely(() => this.tick()),
      ),
    ];
  }

  /** Why nothing may act now; null when all is well. */
  get degraded(): string | null {
    return this.#health.degraded;
  }

  async close(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.#turns.close();
    await this.#learning;
    await this.coordinator.close();
    await this.#engine.close();
    await this.profiler.close();
    await this.ledger.close();
  }

  // Identity

  modeOf(instanceId: string): InstanceMode {
    const registration = this.#registrationOf(instanceId);
    if (registration === undefined) return "off";
    const { groups, default: otherwise } = this.#modes;
    return Object.hasOwn(groups, registration.groupId)
      ? (groups[registration.groupId] ?? otherwise)
      : otherwise;
  }

  /** Whether anybody may be acted on. */
  get isEnforcing(): boolean {
    return [this.#modes.default, ...Object.values(this.#modes.groups)].includes("enforce");
  }

  setModes(modes: Modes): void {
    this.#modes = modes;
  }

  /** @param amounts what it holds now, one value a resource; nothing when absent */
  register(registration: InstanceRegistration, amounts?: readonly number[]): void {
    this.allocator.group(() => this.#register(registration, amounts));
    const event = { kind: "registered", instanceId: registration.instanceId } as const;
    this.events.publish(event, this.clock.nowMs());
  }

  /**
   * Many at one time with one wait for the disk. Each stands for itself: the answer has what was
   * wrong with those that were refused, by their place in the list.
   *
   * @throws ERR_LEDGER; then nothing of it was written, and sending it again is safe
   */
  registerAll(
    all: readonly { readonly registration: InstanceRegistration; readonly amounts?: number[] }[],
  ): ReadonlyMap<number, RepriseError> {
    const refused = new Map<number, RepriseError>();
    this.allocator.group(() => {
      for (const [index, { registration, amounts }] of all.entries()) {
        try {
          this.#register(registration, amounts);
        } catch (error) {
          if (!isRepriseError(error) || error.code === "ERR_LEDGER") throw error;
          refused.set(index, error);
        }
      }
    });
    const event = { kind: "registered-many", count: all.length - refused.size } as const;
    this.events.publish(event, this.clock.nowMs());
    return refused;
  }

  /** What was refused leaves nothing behind. */
  #register(registration: InstanceRegistration, amounts?: readonly number[]): void {
    const { instanceId, groupId, nodeId } = registration;
    this.allocator.transact(
      () => {
        if (amounts !== undefined) this.allocator.allocate(instanceId, groupId, nodeId, amounts);
        this.profiler.register(registration);
        this.coordinator.register(registration);
      },
      () => [registrationChange(registration)],
    );
  }

  unregister(instanceId: string): void {
    this.profiler.unregister(instanceId);
    this.coordinator.unregister(instanceId);
    if (this.allocator.allocationOf(instanceId) !== undefined) this.allocator.release(instanceId);
    removeRegistration(this.ledger, instanceId);
    this.outcomes.forget(instanceId);
    this.#board.forget(instanceId);
    this.events.publish({ kind: "unregistered", instanceId }, this.clock.nowMs());
  }

  // Samples and lives

  offer(samples: readonly Sample[]): SampleReport {
    const dropped: Partial<Record<DropReason, number>> = {};
    let accepted = 0;
    for (const sample of samples) {
      const answer = this.profiler.offer(sample);
      if (answer !== "accepted") {
        dropped[answer] = (dropped[answer] ?? 0) + 1;
        continue;
      }
      accepted++;
      this.#board.note(sample);
      this.outcomes.add(sample);
    }
    // A burst is worked off before the queue is full.
    if (this.profiler.pendingSampleCount > this.#burstSamples) this.learn().catch(this.#onError);
    return { accepted, dropped };
  }

  /** What it used last, one value a resource; undefined while nothing is known. */
  usageOf(instanceId: string): readonly number[] | undefined {
    return this.#board.instanceUsage(instanceId);
  }

  /** @param cause as far as whoever saw it knows; what was asked to end here was interrupted */
  async stopped(instanceId: string, timeMs: number, cause: StopCause = "unknown"): Promise<void> {
    const isRunning = this.profiler.isRunning(instanceId);
    if (isRunning) this.profiler.checkLifeTime(instanceId, timeMs);
    const isAsked = this.#engine.takeTold(instanceId) && cause !== "failed";
    if (isRunning) {
      this.outcomes.stopped(instanceId, timeMs);
      this.profiler.stopped(instanceId, timeMs, isAsked ? "interrupted" : cause);
    }
    await this.coordinator.stopped(instanceId, timeMs);
    this.#board.forget(instanceId);
    this.events.publish({ kind: "stopped", instanceId, timeMs }, this.clock.nowMs());
  }

  async restarted(instanceId: string, timeMs: number): Promise<Grant> {
    this.profiler.checkLifeTime(instanceId, timeMs);
    this.#engine.takeTold(instanceId);
    const grant = await this.coordinator.restarted(instanceId, timeMs);
    this.profiler.restarted(instanceId, timeMs);
    this.outcomes.restarted(instanceId, timeMs);
    this.#board.refresh();
    this.events.publish({ kind: "grant", grant }, this.clock.nowMs());
    return grant;
  }

  // Requests

  /** What would be decided now; nothing moves. */
  consider(request: CoordinatorRequest): DecisionRecord {
    return this.coordinator.consider(request);
  }

  /** Takes a request; resolves with its first decision. */
  async submit(request: CoordinatorRequest): Promise<DecisionRecord> {
    this.#health.requireSound();
    return this.#turns.submit(request);
  }

  // Turns

  /** Takes what waits in, refreshes predictions; whoever asks meanwhile shares it. */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  async #learn(): Promise<void> {
    this.outcomes.sweep(this.clock.nowMs());
    if (this.profiler.pendingSampleCount === 0) return;
    const { sampleCount } = await this.profiler.tick();
    const timeMs = this.clock.nowMs();
    this.events.publish({ kind: "tick", sampleCount, timeMs }, timeMs);
  }

  /** One whole cycle of the coordinator. */
  async tick(): Promise<void> {
    this.#health.recover();
    const report = await this.#turns.tick();
    if (this.#retention !== undefined) {
      pruneDecisions(this.ledger, this.#retention, this.clock.nowMs());
    }
    this.#noteHistory();
    const [failure] = [...report.invariantFailures, ...report.engineFailures];
    if (failure !== undefined) throw new RepriseError("ERR_INVARIANT", failure);
  }

  #noteHistory(): void {
    const timeMs = this.clock.nowMs();
    if (!this.history.isDue(timeMs)) return;
    const used = RESOURCES.map((_, resource) =>
      this.allocator
        .nodeIds()
        .reduce((sum, id) => sum + (this.#board.nodeUsage(id)?.[resource] ?? 0), 0),
    );
    this.history.note({ timeMs, pool: this.allocator.pool("total", "total"), used });
  }

  #registrationOf(instanceId: string): InstanceRegistration | undefined {
    return this.profiler.has(instanceId) ? this.profiler.registration(instanceId) : undefined;
  }
}

/** Amounts by name, in the order of `RESOURCES`. */
export function amountsOf(named: Readonly<Record<(typeof RESOURCES)[number], number>>): number[] {
  return RESOURCES.map((resource) => named[resource]);
}
