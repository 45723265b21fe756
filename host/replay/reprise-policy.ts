import { PredictiveAllocator } from "../allocator/allocator.js";
import { isHoldOf } from "../coordinator/commit-plan.js";
import { Coordinator } from "../coordinator/coordinator.js";
import { restartNeed } from "../coordinator/need.js";
import type {
  CoordinatorRequest,
  InterruptionRequest,
  ReclaimRequest,
} from "../coordinator/types.js";
import { DryRunEngine } from "../engines/dry-run.js";
import type { Act } from "../engines/engine.js";
import { StaticPriorities } from "../engines/static-priorities.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Clock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import type { RestartOutcome } from "../profiler/profile.js";
import type { Profiler } from "../profiler/profiler.js";
import type { InstanceRegistration, Sample } from "../sources/sample.js";
import { DecisionLog } from "./decision-log.js";
import { compare } from "./layout.js";
import { LeaseLog } from "./lease-log.js";
import { LostRoom } from "./lost-room.js";
import type {
  CapacityLoss,
  Interruption,
  LossOutcome,
  PolicyCounts,
  ReplayPolicy,
  RestartGrant,
} from "./policy.js";
import type { Amounts, ReplayInstance, Scenario } from "./scenario.js";
import { UsageBoard } from "./usage-board.js";

/** While nothing waits for a decision the pools follow the needs at this pace. */
const IDLE_TICK_MS = 5 * 60_000;
/** A restart without a lease waits this long for its whole need, then takes what there is. */
export const PATIENCE_MINUTES = 30;
/** Assumed for everybody whose request names none; the middle of the outages that are drawn. */
const TYPICAL_OUTAGE_MINUTES = 15;

/** The allocator counts in these. */
const STEP = 1 / 1024;

export interface ReprisePorts {
  readonly scenario: Scenario;
  readonly clock: Clock;
  readonly profiler: Profiler;
  readonly ledger: Ledger;
  readonly modelVersion: string;
  /** Checks every invariant on every change. */
  readonly debug?: boolean;
}

/** The whole of Reprise, real module by real module, in the world of a replay. */
export class ReprisePolicy implements ReplayPolicy {
  readonly name = "reprise";
  readonly modelVersion: string;
  readonly #clock: Clock;
  readonly #scenario: Scenario;
  readonly #instances: ReadonlyMap<string, ReplayInstance>;
  readonly #profiler: Profiler;
  readonly #ledger: Ledger;
  readonly #allocator: PredictiveAllocator;
  readonly #coordinator: Coordinator;
  readonly #engine: DryRunEngine;
  readonly #board: UsageBoard;
  readonly #lost: LostRoom;
  readonly #decisions = new DecisionLog();
  readonly #leases = new LeaseLog();
  readonly #requests = new Map<string, CoordinatorRequest>();
  readonly #plans = new Map<string, CoordinatorRequest>();
  /** What was predicted for the restart of those who are down. */
  readonly #needs = new Map<string, readonly number[]>();
  #acts: Act[] = [];
  #shrinkCount = 0;
  #hasNews = false;
  /** Something waits for the coordinator's tick. */
  #isBusy = false;

  constructor(ports: ReprisePorts) {
    const { scenario, clock, profiler, ledger, modelVersion, debug = false } = ports;
    this.modelVersion = modelVersion;
    this.#clock = clock;
    this.#scenario = scenario;
    this.#profiler = profiler;
    this.#ledger = ledger;
    this.#instances = new Map(scenario.instances.map((one) => [one.instanceId, one]));
    this.#board = new UsageBoard((id) => this.#allocator.allocationOf(id)?.nodeId);
    this.#allocator = new PredictiveAllocator({
      profiles: profiler,
      ledger,
      clock,
      load: this.#board,
      isInterruptible: (id) => this.#instances.get(id)?.interruptible === true,
      debug,
    });
    this.#engine = new DryRunEngine({ carryOut: (act) => this.#carryOut(act) });
    this.#coordinator = new Coordinator({
      allocator: this.#allocator,
      profiles: profiler,
      ledger,
      engine: this.#engine,
      priorities: new StaticPriorities(
        scenario.instances.map((one) => [one.instanceId, one.priority] as const),
      ),
      clock,
      modelVersion: () => modelVersion,
    });
    const sizes = scenario.nodes.map((node) => [node.nodeId, node.capacity] as const);
    this.#lost = new LostRoom(this.#allocator, sizes);
    for (const instance of scenario.instances) profiler.register(registrationOf(instance));
  }

  observe(sample: Sample): void {
    const answer = this.#profiler.offer(sample);
    if (answer !== "accepted") {
      throw new RepriseError("ERR_SAMPLE", `the profiler did not take a sample: ${answer}`, {
        field: sample.instanceId,
        got: sample.timeMs,
      });
    }
    this.#board.note(sample);
    this.#hasNews = true;
  }

  async learn(): Promise<void> {
    if (this.#hasNews) await this.#profiler.tick();
    this.#hasNews = false;
  }

  async begin(): Promise<void> {
    for (const { nodeId, capacity } of this.#scenario.nodes) {
      this.#allocator.addNode({ nodeId, allocatable: capacity });
    }
    for (const instance of this.#scenario.instances) {
      const { instanceId, groupId, nodeId, allocation } = instance;
      this.#allocator.allocate(instanceId, groupId, nodeId, allocation);
      this.#coordinator.register(registrationOf(instance), this.#scenario.warmUpFromMs);
    }
    this.#board.refresh();
  }

  reclaim(request: ReclaimRequest): void {
    this.#submit(request);
  }

  interrupt(request: InterruptionRequest): void {
    this.#submit(request);
  }

  async turn(): Promise<readonly Interruption[]> {
    await this.learn();
    this.#leases.look(this.#allocator.reservations(), ({ ownerId }) =>
      this.#instances.has(ownerId),
    );
    if (!this.#isBusy && this.#clock.nowMs() % IDLE_TICK_MS !== 0) return [];
    const report = await this.#coordinator.tick();
    this.#isBusy = report.pendingRequestCount + report.openActCount > 0;
    if (report.engineFailures.length > 0) {
      throw new RepriseError("ERR_INVARIANT", `the engine failed: ${report.engineFailures[0]}`);
    }
    for (const decision of report.decisions) {
      this.#decisions.add(decision);
      const request = this.#requests.get(decision.requestId);
      if (decision.kind !== "defer") this.#requests.delete(decision.requestId);
      if (decision.planId === undefined || request === undefined) continue;
      this.#plans.set(decision.planId, request);
    }
    return this.#takeInterruptions();
  }

  async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const evicted: Interruption[] = [];
    const holds = [...this.#allocator.reservations()].filter(
      ({ ownerId, state }) => state === "held" && isHoldOf(loss.requestId, ownerId),
    );
    const outcome = await this.#lost.lose(loss, holds, async () => {
      const victim = this.#cheapest(loss.nodeIds);
      if (victim === undefined) return false;
      evicted.push(this.#down(victim, "evicted", undefined));
      await this.#coordinator.stopped(victim, this.#clock.nowMs());
      return true;
    });
    this.#requests.delete(loss.requestId);
    await this.#coordinator.withdraw(loss.requestId);
    this.#board.refresh();
    return { ...outcome, evicted };
  }

  async gain(amounts: ReadonlyMap<string, Amounts>): Promise<void> {
    this.#lost.gain(amounts);
  }

  async restart(instance: ReplayInstance, waitedMinutes: number): Promise<RestartGrant | null> {
    const { instanceId } = instance;
    const nowMs = this.#clock.nowMs();
    const lease = this.#allocator.reservationOfOwner(instanceId);
    const reserved = lease?.state === "held" && lease.expiresMs > nowMs;
    if (lease?.state === "held" && !reserved) {
      // Its lease is over and will be swept by the tick of this turn.
      this.#isBusy = true;
      return null;
    }
    if (!reserved) {
      const answer = this.#allocator.allocateResources(instanceId, { outageMinutes: 0 });
      if (!answer.approved && waitedMinutes < PATIENCE_MINUTES) return null;
    }
    this.#profiler.restarted(instanceId, nowMs);
    const grant = await this.#coordinator.restarted(instanceId, nowMs);
    if (grant.reservationId !== null) this.#leases.used(grant.reservationId);
    this.#board.refresh();
    const need = this.#needs.get(instanceId) ?? [];
    const short = need.some((amount, column) => (grant.amounts[column] ?? 0) < amount - STEP);
    return { nodeId: grant.nodeId, amounts: grant.amounts, reserved, short };
  }

  outcome(outcome: RestartOutcome): void {
    this.#profiler.outcome(outcome);
  }

  counts(): PolicyCounts {
    return {
      ...this.#decisions.counts,
      shrinks: this.#shrinkCount,
      reservations: this.#leases.counts,
    };
  }

  async close(): Promise<void> {
    await this.#coordinator.close();
    await this.#engine.close();
    await this.#profiler.close();
    await this.#ledger.close();
  }

  #submit(request: CoordinatorRequest): void {
    this.#requests.set(request.requestId, request);
    this.#isBusy = true;
    this.#coordinator.submit(request);
  }

  #carryOut(act: Act): void {
    if (act.kind === "shrink") this.#shrinkCount++;
    if (act.kind === "interrupt") this.#acts.push(act);
  }

  #takeInterruptions(): Interruption[] {
    const acts = this.#acts;
    this.#acts = [];
    return acts.map(({ instanceId, planId }) => {
      const request = this.#plans.get(planId);
      const cause = request?.kind === "interrupt" ? "planned" : "reclaim";
      return this.#down(instanceId, cause, request?.outageMinutes);
    });
  }

  #down(
    instanceId: string,
    cause: Interruption["cause"],
    outageMinutes: number | undefined,
  ): Interruption {
    const planned = outageMinutes === undefined ? {} : { outageMinutes };
    const { envelope } = this.#profiler.profile(instanceId, planned);
    this.#needs.set(instanceId, restartNeed(envelope));
    this.#profiler.stopped(instanceId, this.#clock.nowMs(), "interrupted");
    this.#board.forget(instanceId);
    return { instanceId, cause, predicted: [...envelope], ...planned };
  }

  /** The lowest priority that still holds room on the nodes. */
  #cheapest(nodeIds: readonly string[]): string | undefined {
    const here = this.#scenario.instances.filter(({ instanceId }) => {
      const nodeId = this.#allocator.allocationOf(instanceId)?.nodeId;
      return nodeId !== undefined && nodeIds.includes(nodeId);
    });
    here.sort((a, b) => a.priority - b.priority || compare(a.instanceId, b.instanceId));
    return here[0]?.instanceId;
  }
}

function registrationOf(instance: ReplayInstance): InstanceRegistration {
  const { instanceId, groupId, nodeId, priority, interruptible, request } = instance;
  const { cores, memoryGiB } = instance;
  const [cpu = 0, memory = 0, network = 0, disk = 0] = request;
  return {
    instanceId,
    groupId,
    nodeId,
    priority,
    interruptible,
    limits: {
      ...(cores === undefined ? {} : { cpu: cores }),
      ...(memoryGiB === undefined ? {} : { memory: memoryGiB }),
    },
    requested: { cpu, memory, network, disk },
    typicalOutageMinutes: TYPICAL_OUTAGE_MINUTES,
  };
}
