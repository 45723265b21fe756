/**
 * What could be had by whoever knew everything: the real use of everybody over the coming hour, what
 * each restart will really need, what each interruption will really lose. It acts in the last minute
 * before a deadline, by the exact optimum, and keeps only what will be used.
 */
import type { InterruptionRequest, ReclaimRequest } from "../../coordinator/types.js";
import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../../core/abi.js";
import type { VirtualClock } from "../../lib/clock.js";
import { addAmounts, fits, type NodeRoom, takeCapacity } from "../capacity.js";
import type {
  CapacityLoss,
  Interruption,
  LossOutcome,
  PolicyCounts,
  RestartGrant,
} from "../policy.js";
import { PATIENCE_MINUTES } from "../reprise-policy.js";
import { NOTHING_COUNTED, type SeenPlan } from "../rival-policy.js";
import type { Amounts, ReplayInstance } from "../scenario.js";
import type { ExactCover } from "./exact-cover.js";
import { MINUTE_MS, type OutcomeActor } from "./outcome-actor.js";
import type { OutcomeActors } from "./outcome-actors.js";
import type { OutcomePolicy } from "./outcome-policy.js";
import type { OutcomeScenario } from "./outcome-scenario.js";

/** What neighbours will use until a loss is over; an hour of their peaks would add up to more than
 * they ever use at once. */
const AHEAD_MINUTES = 10;

export interface OracleParts {
  readonly scenario: OutcomeScenario;
  readonly actors: OutcomeActors;
  readonly clock: VirtualClock;
  readonly cover: ExactCover;
  readonly onPlan: (plan: SeenPlan) => void;
}

export class OraclePolicy implements OutcomePolicy {
  readonly name = "oracle";
  readonly #parts: OracleParts;
  readonly #capacity: Map<string, Amounts>;
  #losses: ReclaimRequest[] = [];
  #asked: InterruptionRequest[] = [];
  #rooms: { readonly timeMs: number; readonly byNode: Map<string, Amounts> } | null = null;

  constructor(parts: OracleParts) {
    this.#parts = parts;
    this.#capacity = new Map(parts.scenario.nodes.map((node) => [node.nodeId, node.capacity]));
  }

  observe(): void {}
  async learn(): Promise<void> {}
  async begin(): Promise<void> {}
  outcome(): void {}
  async close(): Promise<void> {}

  counts(): PolicyCounts {
    return NOTHING_COUNTED;
  }

  heldBy(instanceId: string): Amounts | undefined {
    const actor = this.#parts.actors.get(instanceId);
    return actor?.isUp === true ? this.#peakOf(actor) : undefined;
  }

  reclaim(request: ReclaimRequest): void {
    this.#losses.push(request);
  }

  interrupt(request: InterruptionRequest): void {
    this.#asked.push(request);
  }

  async turn(): Promise<readonly Interruption[]> {
    const nowMs = this.#parts.clock.nowMs();
    const gone: Interruption[] = [];
    for (const request of this.#losses) {
      if (nowMs + MINUTE_MS >= request.deadlineMs) gone.push(...this.#makeRoom(request));
    }
    const waiting: InterruptionRequest[] = [];
    for (const request of this.#asked) {
      const stopped = this.#tryPlanned(request, gone);
      if (stopped === null) waiting.push(request);
      else gone.push(...stopped);
    }
    this.#asked = waiting;
    return gone;
  }

  async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const { actors, clock } = this.#parts;
    const nowMs = clock.nowMs();
    this.#losses = this.#losses.filter(({ deadlineMs }) => deadlineMs > nowMs);
    const room = () => sumOf(this.#roomsOf(loss.nodeIds));
    const met = fits(loss.amounts, room());
    const evicted: Interruption[] = [];
    const order = actors.all
      .filter((actor) => actor.isUp && loss.nodeIds.includes(actor.nodeId))
      .sort((a, b) => a.instance.priority - b.instance.priority);
    for (const actor of order) {
      if (fits(loss.amounts, room())) break;
      evicted.push(this.#stop(actor, "evicted"));
    }
    const { taken } = takeCapacity(this.#roomsOf(loss.nodeIds), loss.amounts);
    for (const [nodeId, amounts] of taken) this.#resize(nodeId, amounts, -1);
    return { taken, met, evicted };
  }

  async gain(amounts: ReadonlyMap<string, Amounts>): Promise<void> {
    for (const [nodeId, gained] of amounts) this.#resize(nodeId, gained, 1);
  }

  async restart(instance: ReplayInstance, waitedMinutes: number): Promise<RestartGrant | null> {
    const { actors, clock } = this.#parts;
    const actor = actors.get(instance.instanceId);
    if (actor === undefined) return null;
    const nowMs = clock.nowMs();
    const outage = (nowMs - actor.downSinceMs) / MINUTE_MS;
    const amounts = actors.needNow(actor, nowMs, outage);
    const peak = peaksOf(amounts);
    const nodeIds = [instance.nodeId, ...this.#capacity.keys()];
    const whole = nodeIds.find((nodeId) => fits(peak, this.#free(nodeId)));
    if (whole === undefined && waitedMinutes < PATIENCE_MINUTES) return null;
    const nodeId = whole ?? this.#roomiest(nodeIds, peak);
    this.#take(nodeId, peak, -1);
    return { nodeId, amounts, reserved: false, short: whole === undefined };
  }

  #makeRoom(request: ReclaimRequest): Interruption[] {
    const { actors, cover, onPlan } = this.#parts;
    const { nodeIds, priorityMax, requestId } = request;
    const needed = addAmounts(request.amounts, sumOf(this.#roomsOf(nodeIds)), -1);
    if (needed.every((amount) => amount <= 0)) return [];
    const candidates = actors.all
      .filter((actor) => actor.isUp && nodeIds.includes(actor.nodeId))
      .filter(({ instance }) => instance.interruptible && instance.priority <= priorityMax)
      .map((actor) => ({
        actor,
        instanceId: actor.instance.instanceId,
        priority: actor.instance.priority,
        freed: this.#peakOf(actor),
        cost: actor.atRiskCoreHours,
      }));
    const chosen = cover(candidates, needed);
    if (chosen === null) return [];
    const victims = candidates.filter((_, index) => chosen[index] === true);
    const names = victims.map(({ instanceId }) => instanceId);
    onPlan({ requestId, needed, candidates, victims: names });
    return victims.map(({ actor }) => this.#stop(actor, "reclaim", request.outageMinutes));
  }

  /** Null: it has to wait until its restart has a place. */
  #tryPlanned(request: InterruptionRequest, gone: readonly Interruption[]): Interruption[] | null {
    const { actors, clock } = this.#parts;
    const { instanceId, outageMinutes = 1 } = request;
    const actor = actors.get(instanceId);
    if (actor === undefined || !actor.isUp) return [];
    if (gone.some((each) => each.instanceId === instanceId)) return [];
    const atMs = clock.nowMs() + outageMinutes * MINUTE_MS;
    const peak = peaksOf(actors.needNow(actor, atMs, outageMinutes));
    const own = addAmounts(this.#free(actor.nodeId), this.#peakOf(actor));
    const hasPlace =
      fits(peak, own) || [...this.#capacity.keys()].some((id) => fits(peak, this.#free(id)));
    return hasPlace ? [this.#stop(actor, "planned", outageMinutes)] : null;
  }

  #stop(actor: OutcomeActor, cause: Interruption["cause"], outageMinutes?: number): Interruption {
    this.#take(actor.nodeId, this.#peakOf(actor), 1);
    const outage = outageMinutes === undefined ? {} : { outageMinutes };
    return { instanceId: actor.instance.instanceId, cause, ...outage };
  }

  #peakOf(actor: OutcomeActor): number[] {
    return this.#parts.actors.peakAhead(actor, this.#parts.clock.nowMs(), AHEAD_MINUTES);
  }

  /** Capacity less the highest use to come, by node; as of this minute. */
  #roomNow(): Map<string, Amounts> {
    const timeMs = this.#parts.clock.nowMs();
    if (this.#rooms?.timeMs === timeMs) return this.#rooms.byNode;
    const byNode = new Map<string, Amounts>(this.#capacity);
    for (const actor of this.#parts.actors.all) {
      if (!actor.isUp) continue;
      const room = byNode.get(actor.nodeId) ?? [];
      byNode.set(actor.nodeId, addAmounts(room, this.#peakOf(actor), -1));
    }
    this.#rooms = { timeMs, byNode };
    return byNode;
  }

  #roomsOf(nodeIds: readonly string[]): NodeRoom[] {
    const rooms = this.#roomNow();
    return nodeIds.map((nodeId) => ({
      nodeId,
      room: rooms.get(nodeId) ?? [],
      capacity: this.#capacity.get(nodeId) ?? [],
    }));
  }

  /** Room on a node that no announced loss will need. */
  #free(nodeId: string): Amounts {
    const room = this.#roomNow().get(nodeId) ?? [];
    const own = this.#losses.filter(({ nodeIds }) => nodeIds.includes(nodeId));
    if (own.length === 0) return room;
    const zone = own[0]?.nodeIds ?? [];
    const owed = own.reduce((sum, { amounts }) => addAmounts(sum, amounts), [0, 0, 0, 0]);
    const left = addAmounts(sumOf(this.#roomsOf(zone)), owed, -1);
    return room.map((value, resource) => Math.min(value, left[resource] ?? 0));
  }

  #roomiest(nodeIds: readonly string[], peak: Amounts): string {
    const share = (nodeId: string): number => {
      const free = this.#free(nodeId);
      return Math.min(...peak.map((need, r) => (need > 0 ? (free[r] ?? 0) / need : 1)));
    };
    const [first = ""] = nodeIds;
    return nodeIds.reduce((best, next) => (share(next) > share(best) ? next : best), first);
  }

  #take(nodeId: string, amounts: Amounts, sign: number): void {
    const rooms = this.#roomNow();
    rooms.set(nodeId, addAmounts(rooms.get(nodeId) ?? [], amounts, sign));
  }

  #resize(nodeId: string, amounts: Amounts, sign: number): void {
    this.#take(nodeId, amounts, sign);
    this.#capacity.set(nodeId, addAmounts(this.#capacity.get(nodeId) ?? [], amounts, sign));
  }
}

function sumOf(rooms: readonly NodeRoom[]): number[] {
  const none = new Array<number>(RESOURCE_COUNT).fill(0);
  return rooms.reduce((sum, { room }) => addAmounts(sum, room), none);
}

function peaksOf(amounts: readonly number[]): number[] {
  return Array.from({ length: RESOURCE_COUNT }, (_, resource) => {
    const from = needColumn(resource, 0);
    return Math.max(...amounts.slice(from, from + PHASE_COUNT));
  });
}
