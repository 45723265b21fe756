import { PredictiveAllocator } from "../allocator/allocator.js";
import type { LoadReader } from "../allocator/load.js";
import { isHoldOf } from "../coordinator/commit-plan.js";
import { Coordinator } from "../coordinator/coordinator.js";
import type { RecordedInputs } from "../coordinator/inputs.js";
import type {
  CoordinatorRequest,
  InterruptionRequest,
  ReclaimRequest,
} from "../coordinator/types.js";
import { needColumn, PHASE_COUNT, RESOURCES } from "../core/abi.js";
import { DryRunEngine } from "../engines/dry-run.js";
import type { Act } from "../engines/engine.js";
import { StaticPriorities } from "../engines/static-priorities.js";
import type { Ledger } from "../ledger/ledger.js";
import type { DecisionRecord, ReservationRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import type { RestartOutcome } from "../profiler/profile.js";
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
import type { ReplayProfiler } from "./replay-profiler.js";
import type { SeenPlan } from "./rival-policy.js";
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
  readonly profiler: ReplayProfiler;
  readonly ledger: Ledger;
  readonly modelVersion: string;
  readonly name?: string;
  /** Measured use where the world knows it; else what was observed last. */
  readonly load?: LoadReader;
  /** How leases are added up; the allocator's own way when absent. */
  readonly reserve?: "pooled" | "sum";
  /** Hears of every plan that makes room for a loss. */
  readonly onPlan?: (plan: SeenPlan) => void;
  /** Checks every invariant on every change. */
  readonly debug?: boolean;
}

/** The whole of Reprise, real module by real module, in the world of a replay. */
export class ReprisePolicy implements ReplayPolicy {
  readonly name: string;
  readonly modelVersion: string;
  readonly #clock: Clock;
  readonly #scenario: Scenario;
  readonly #instances: ReadonlyMap<string, ReplayInstance>;
  readonly #profiler: ReplayProfiler;
  readonly #onPlan: ReprisePorts["onPlan"];
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
  #acts: Act[] = [];
  #shrinkCount = 0;
  #hasNews = false;
  /** When a deferred request is tried again, by request. */
  readonly #tries = new Map<string, number>();
  /** Something waits for the coordinator's next tick. */
  #isBusy = false;

  constructor(ports: ReprisePorts) {
    const { scenario, clock, profiler, ledger, modelVersion, debug = false } = ports;
    this.modelVersion = modelVersion;
    this.name = ports.name ?? "reprise";
    this.#onPlan = ports.onPlan;
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
      load: ports.load ?? this.#board,
      ...(ports.reserve === undefined ? {} : { reserve: ports.reserve }),
      isInterruptible: (id) => this.#instances.get(id)?.interruptible === true,
      debug,
    });
    this.#engine = new DryRunEngine({ carryOut: (act) => this.#carryOut(act) });
    this.#coordinator = new Coordinator({
      allocator: this.#allocator,
      load: ports.load ?? this.#board,
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
    if (!this.#isDue(this.#clock.nowMs())) return [];
    const report = await this.#coordinator.tick();
    this.#isBusy = report.openActCount > 0;
    if (report.engineFailures.length > 0) {
      throw new RepriseError("ERR_INVARIANT", `the engine failed: ${report.engineFailures[0]}`);
    }
    for (const decision of report.decisions) {
      this.#decisions.add(decision);
      if (decision.nextTryMs === undefined) this.#tries.delete(decision.requestId);
      else this.#tries.set(decision.requestId, decision.nextTryMs);
      const request = this.#requests.get(decision.requestId);
      if (decision.kind !== "defer") this.#requests.delete(decision.requestId);
      if (decision.planId === undefined || request === undefined) continue;
      this.#plans.set(decision.planId, request);
      if (request.kind !== "reclaim" || decision.victims.length === 0) continue;
      this.#onPlan?.(this.#seenPlan(decision, request));
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
    this.#tries.delete(loss.requestId);
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
    if (lease !== undefined && reserved && this.#waitsItsTurn(lease)) return null;
    this.#profiler.restarted(instanceId, nowMs);
    const grant = await this.#coordinator.restarted(instanceId, nowMs);
    if (grant.reservationId !== null) this.#leases.used(grant.reservationId);
    this.#board.refresh();
    // Short of what was asked for: of its lease, without one of what is predicted now.
    const short = grant.shortfall.some((lack) => lack > STEP);
    return { nodeId: grant.nodeId, amounts: grant.amounts, reserved, short };
  }

  /** Its room is there only when others have started, as its plan says; sooner where it has come. */
  #waitsItsTurn({ reservationId, planId = "", ...lease }: ReservationRecord): boolean {
    const nowMs = this.#clock.nowMs();
    if (lease.expectedRestartMs <= nowMs) return false;
    const starts = this.#ledger.get("plan", planId)?.starts ?? [];
    if (!starts.some(({ instanceId }) => instanceId === lease.instanceId)) return false;
    const { amounts, nodeId } = lease;
    return this.#allocator.paceRestart(amounts, nodeId, nowMs, reservationId) !== nowMs;
  }

  checkpointed(instanceId: string): void {
    this.#coordinator.reportCheckpoint(instanceId, this.#clock.nowMs());
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

  /** What is kept on a node for restarts now, those under way included; one value a resource. */
  reservedOn(nodeId: string): Amounts {
    const { reserved } = this.#allocator.pool("node", nodeId);
    const kept = RESOURCES.map((_, resource) => reserved[needColumn(resource, 0)] ?? 0);
    for (const { ownerId, nodeId: at, amounts, state } of this.#allocator.reservations()) {
      // Room that leaves with a loss is kept for nobody's restart.
      if (at !== nodeId || state !== "held" || this.#instances.has(ownerId)) continue;
      for (let r = 0; r < kept.length; r++) {
        kept[r] = Math.max(0, (kept[r] ?? 0) - (amounts[needColumn(r, 0)] ?? 0));
      }
    }
    return kept;
  }

  /** What an instance holds beside its lease; undefined while it is down. */
  heldBy(instanceId: string): Amounts | undefined {
    return this.#allocator.allocationOf(instanceId)?.amounts;
  }

  async close(): Promise<void> {
    await this.#coordinator.close();
    await this.#engine.close();
    await this.#profiler.close();
    await this.#ledger.close();
  }

  #isDue(nowMs: number): boolean {
    if (this.#isBusy || nowMs % IDLE_TICK_MS === 0) return true;
    for (const tryMs of this.#tries.values()) if (tryMs <= nowMs) return true;
    return false;
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

  /** What was short after neighbours had shrunk, and who could have gone. */
  #seenPlan(decision: DecisionRecord, request: ReclaimRequest): SeenPlan {
    const { nodes, instances } = decision.inputs as RecordedInputs;
    const rooms = nodes.filter(({ nodeId }) => request.nodeIds.includes(nodeId));
    const given = [...this.#allocator.reservations()]
      .filter(({ ownerId, state }) => state === "held" && isHoldOf(request.requestId, ownerId))
      .flatMap(({ shrinks }) => shrinks);
    const needed = request.amounts.map((amount, resource) => {
      const room = rooms.reduce((sum, node) => sum + steadyRoom(node.room, resource), 0);
      return amount - room - given.reduce((sum, shrink) => sum + (shrink.given[resource] ?? 0), 0);
    });
    const excluded = new Set(
      decision.candidates.filter(({ excludedBy }) => excludedBy !== undefined).map(idOf),
    );
    return {
      requestId: request.requestId,
      needed,
      candidates: instances.filter((each) => !excluded.has(each.instanceId)),
      victims: decision.victims,
    };
  }

  #down(
    instanceId: string,
    cause: Interruption["cause"],
    outageMinutes: number | undefined,
  ): Interruption {
    const planned = outageMinutes === undefined ? {} : { outageMinutes };
    const { envelope } = this.#profiler.profile(instanceId, planned);
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

function idOf({ instanceId }: { readonly instanceId: string }): string {
  return instanceId;
}

/** Room in every phase to come. */
function steadyRoom(room: readonly number[], resource: number): number {
  const from = needColumn(resource, 0);
  return Math.min(...room.slice(from, from + PHASE_COUNT));
}

/** Who an instance of a replay is to Reprise. */
export function registrationOf(instance: ReplayInstance): InstanceRegistration {
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
    ...(instance.jobType === undefined ? {} : { jobType: instance.jobType }),
    typicalOutageMinutes: TYPICAL_OUTAGE_MINUTES,
  };
}
