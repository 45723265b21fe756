/**
 * A small cluster on a virtual clock: real allocator, real coordinator, an engine that may refuse,
 * fail before or after it has acted, and a process that may be killed between any two turns and
 * come back from its ledger. Everything is drawn from one seed.
 */
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import { DEFAULT_POLICY, MINUTE_MS } from "../../host/coordinator/policy.js";
import type { CoordinatorPolicy, CycleReport } from "../../host/coordinator/types.js";
import { compileBinary } from "../../host/core/binary.js";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import type { Act, ActOutcome, Engine } from "../../host/engines/engine.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import type { InstanceRegistration } from "../../host/sources/sample.js";
import { FailingLedger, FakeProfiles } from "../allocator/fakes.js";

export const START = 1_700_000_000_000;
const module = compileBinary("release");

export interface Actor {
  readonly registration: InstanceRegistration;
  readonly size: number;
  up: boolean;
  launchedMs: number;
  /** When it is back; only while it is down. */
  dueMs: number;
  interruptionsMs: number[];
  /** Down by a plan, not by itself. */
  interrupted: boolean;
}

export interface Faults {
  readonly refuse: number;
  readonly failBefore: number;
  readonly failAfter: number;
  readonly ledger: number;
  readonly kill: number;
}

const NO_FAULTS: Faults = { refuse: 0, failBefore: 0, failAfter: 0, ledger: 0, kill: 0 };

export class World {
  readonly prng: Prng;
  readonly clock = new VirtualClock(START);
  readonly ledger = new FailingLedger();
  readonly profiles = new FakeProfiles();
  readonly priorities = new StaticPriorities();
  /** When the lease last seen of an instance that is down runs out. */
  readonly leaseEnds = new Map<string, number>();
  readonly actors = new Map<string, Actor>();
  readonly nodeIds: string[] = [];
  readonly policy: CoordinatorPolicy;
  readonly engine: FaultyEngine;
  faults: Faults;
  allocator: PredictiveAllocator;
  coordinator: Coordinator;
  kills = 0;
  #requests = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.faults = {
      refuse: this.#rate(0.3),
      failBefore: this.#rate(0.2),
      failAfter: this.#rate(0.2),
      ledger: this.#rate(0.05),
      kill: this.#rate(0.05),
    };
    this.policy = { ...DEFAULT_POLICY, groupBudget: this.#pick([1, 2, 3, 50]) };
    this.engine = new FaultyEngine(this);
    this.allocator = this.#newAllocator();
    this.#fillNodes();
    this.coordinator = this.#newCoordinator();
  }

  stopFaults(): void {
    this.faults = NO_FAULTS;
    this.ledger.failNext = 0;
  }

  /** The process dies and a new one takes over from the ledger. */
  async kill(): Promise<void> {
    this.kills += 1;
    this.ledger.failNext = 0;
    this.allocator = this.#newAllocator();
    this.allocator.restore();
    this.coordinator = this.#newCoordinator();
    await this.coordinator.recover();
  }

  /** One tick; undefined when the ledger failed in it. */
  tick(): Promise<CycleReport | undefined> {
    return this.#tolerant(async () => {
      const report = await this.coordinator.tick();
      assert.equal(report.invariantFailures, []);
      return report;
    });
  }

  /** Time passes, and something happens in the world. */
  async step(): Promise<void> {
    this.clock.advanceTo(this.clock.nowMs() + (10 + this.prng.below(110)) * 1000);
    if (this.prng.uniform() < this.faults.ledger) this.ledger.failNext = 1;
    for (const actor of this.actors.values()) {
      if (!actor.up && actor.dueMs <= this.clock.nowMs()) await this.#restart(actor);
    }
    const draw = this.prng.uniform();
    if (draw < 0.35) this.#request();
    else if (draw < 0.4) await this.#fail();
    else if (draw < 0.45) await this.#withdraw();
    else if (draw < 0.48) this.#resize();
    if (this.prng.uniform() < this.faults.kill) await this.kill();
  }

  async restartEverybody(): Promise<void> {
    for (const actor of this.actors.values()) if (!actor.up) await this.#restart(actor);
  }

  /** What the engine really did to an instance. */
  carryOut(act: Act): void {
    const actor = this.actors.get(act.instanceId);
    if (act.kind !== "interrupt" || actor === undefined) return;
    actor.up = false;
    actor.interrupted = true;
    actor.interruptionsMs.push(this.clock.nowMs());
    actor.dueMs = this.clock.nowMs() + (5 + this.prng.below(15)) * MINUTE_MS;
  }

  async #restart(actor: Actor): Promise<void> {
    const { instanceId } = actor.registration;
    const nowMs = this.clock.nowMs();
    const grant = await this.#tolerant(() => this.coordinator.restarted(instanceId, nowMs));
    if (grant === undefined) return;
    actor.up = true;
    actor.interrupted = false;
    actor.launchedMs = nowMs;
  }

  async #fail(): Promise<void> {
    const actor = this.#pick([...this.actors.values()]);
    if (!actor.up) return;
    actor.up = false;
    actor.interrupted = false;
    actor.dueMs = this.clock.nowMs() + this.prng.below(20) * MINUTE_MS;
    const { instanceId } = actor.registration;
    await this.#tolerant(() => this.coordinator.stopped(instanceId, this.clock.nowMs()));
  }

  #request(): void {
    const nowMs = this.clock.nowMs();
    const requestId = `q${this.#requests++}`;
    const deadlineMs = nowMs + (5 + this.prng.below(60)) * MINUTE_MS;
    const force = this.prng.below(4) === 0;
    const base = { requestId, receivedMs: nowMs, deadlineMs, force };
    if (this.prng.below(3) === 0) {
      const instanceId = this.#pick([...this.actors.keys()]);
      this.coordinator.submit({ kind: "interrupt", ...base, instanceId });
      return;
    }
    const count = 1 + this.prng.below(2);
    const nodeIds = this.prng.shuffle([...this.nodeIds]).slice(0, count);
    const cores = 1 + this.prng.below(12);
    this.coordinator.submit({
      kind: "reclaim",
      ...base,
      nodeIds,
      amounts: [cores, cores, 0, 0],
      priorityMax: this.prng.below(4),
      purpose: this.#pick(["capacity-loss", "requester"] as const),
      outageMinutes: this.#pick([5, 10, 30, 90]),
    });
  }

  async #withdraw(): Promise<void> {
    if (this.#requests === 0) return;
    const requestId = `q${this.prng.below(this.#requests)}`;
    await this.#tolerant(() => this.coordinator.withdraw(requestId));
  }

  #resize(): void {
    const cores = 12 + this.prng.below(24);
    void this.#tolerant(async () =>
      this.allocator.resizeNode(this.#pick(this.nodeIds), [cores, cores, 100, 100]),
    );
  }

  /** The ledger may fail in any call; the caller simply tries again later. */
  async #tolerant<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (isRepriseError(error) && error.code === "ERR_LEDGER") return undefined;
      throw error;
    }
  }

  #newAllocator(): PredictiveAllocator {
    const { profiles, ledger, clock } = this;
    return new PredictiveAllocator({ profiles, ledger, clock, module, debug: true });
  }

  #newCoordinator(): Coordinator {
    const { allocator, profiles, ledger, engine, priorities, clock, policy } = this;
    const modelVersion = () => "test@0";
    const ports = { allocator, profiles, ledger, engine, priorities, clock, modelVersion };
    const coordinator = new Coordinator({ ...ports, policy });
    for (const { registration, launchedMs } of this.actors.values()) {
      coordinator.register(registration, launchedMs);
    }
    return coordinator;
  }

  #fillNodes(): void {
    const nodeCount = 2 + this.prng.below(4);
    for (let index = 0; index < nodeCount; index++) {
      const nodeId = `n${index}`;
      const cores = 16 + this.prng.below(17);
      this.nodeIds.push(nodeId);
      this.allocator.addNode({ nodeId, allocatable: [cores, cores, 100, 100] });
      this.#fillNode(nodeId, cores * (0.4 + 0.6 * this.prng.uniform()));
    }
  }

  #fillNode(nodeId: string, cores: number): void {
    let left = cores;
    for (;;) {
      const size = 1 + this.prng.below(6);
      if (size > left) return;
      left -= size;
      const instanceId = `i${this.actors.size}`;
      const groupId = `g${this.prng.below(4)}`;
      const priority = this.prng.below(4);
      const interruptible = this.prng.below(8) > 0;
      const registration = { instanceId, groupId, nodeId, priority, interruptible };
      const need = size * (0.4 + 0.9 * this.prng.uniform());
      const keep = size * (0.3 + 0.6 * this.prng.uniform());
      this.profiles.set(instanceId, { need: [need, need, 1, 1], keep: [keep, keep, 1, 1] });
      this.priorities.set(instanceId, priority);
      this.allocator.allocate(instanceId, groupId, nodeId, [size, size, 1, 1]);
      this.actors.set(instanceId, {
        registration,
        size,
        up: true,
        launchedMs: START - this.prng.below(120) * MINUTE_MS,
        dueMs: 0,
        interruptionsMs: [],
        interrupted: false,
      });
    }
  }

  /** Half of the faults never happen in a run. */
  #rate(max: number): number {
    return this.prng.below(2) === 0 ? 0 : max * this.prng.uniform();
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.prng.below(items.length)] as T;
  }
}

/** Acts like the dry-run engine, but refuses, fails before and fails after, as the dice fall. */
export class FaultyEngine implements Engine {
  readonly name = "faulty";
  /** Called before an act is carried out; throws when it must not be. */
  check: (act: Act) => void = () => {};
  readonly #world: World;
  readonly #inner: DryRunEngine;
  readonly #done = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.#inner = new DryRunEngine({ carryOut: (act) => this.#carryOut(act) });
  }

  get acts(): Iterable<Act> {
    return this.#inner.acts;
  }

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    const { prng, faults } = this.#world;
    const outcomes: ActOutcome[] = [];
    for (const act of acts) {
      if (prng.uniform() < faults.failBefore) throw new Error("the engine is not there");
      // What is done cannot be refused any more.
      const isOpen = !this.#done.has(act.actId) && act.kind !== "grant" && act.kind !== "give-back";
      if (isOpen && prng.uniform() < faults.refuse) {
        outcomes.push({ actId: act.actId, status: "refused", reason: "not now" });
        continue;
      }
      outcomes.push(...(await this.#inner.act([act])));
      if (prng.uniform() < faults.failAfter) throw new Error("the answer was lost");
    }
    return outcomes;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #carryOut(act: Act): void {
    this.check(act);
    this.#done.add(act.actId);
    this.#world.carryOut(act);
  }
}
