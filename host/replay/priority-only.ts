import type { InterruptionRequest, ReclaimRequest } from "../coordinator/types.js";
import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { Clock } from "../lib/clock.js";
import { addAmounts, fits, type NodeRoom, takeCapacity } from "./capacity.js";
import { compare } from "./layout.js";
import type {
  CapacityLoss,
  Interruption,
  LossOutcome,
  PolicyCounts,
  ReplayPolicy,
  RestartGrant,
} from "./policy.js";
import type { Amounts, ReplayInstance, Scenario } from "./scenario.js";

interface Holder {
  readonly instance: ReplayInstance;
  readonly nodeId: string;
  readonly held: Amounts;
}

const NOTHING: PolicyCounts = {
  deferrals: 0,
  deferredRequests: 0,
  grantedAtFirstRetry: 0,
  grantedByRetryAt: 0,
  missedRetryAt: 0,
  forcedDeferred: 0,
  namedMinutes: 0,
  waitedMinutes: 0,
  refusals: 0,
  forced: 0,
  shrinks: 0,
  reservations: { made: 0, used: 0, unused: 0, open: 0, unusedCoreHours: 0 },
};

/** What a restart asks for: the largest value of the warm-up, or what it held at the start. */
export type RestartAsk = "largest" | "p95";

/**
 * What a scheduler does that knows priorities and requests, and nothing of the future: interrupts
 * the lowest priority first until the room is there, at once; a restart asks for its request
 * (request = limit) and waits until some node has it.
 */
export class PriorityOnlyPolicy implements ReplayPolicy {
  readonly name: string;
  readonly #ask: RestartAsk;
  readonly #clock: Clock;
  readonly #capacity = new Map<string, Amounts>();
  readonly #up = new Map<string, Holder>();
  #losses: { readonly request: ReclaimRequest }[] = [];
  #interruptions: Interruption[] = [];

  constructor(scenario: Scenario, clock: Clock, ask: RestartAsk) {
    this.name = `priority-only-${ask}`;
    this.#ask = ask;
    this.#clock = clock;
    for (const node of scenario.nodes) this.#capacity.set(node.nodeId, node.capacity);
    for (const instance of scenario.instances) {
      const { instanceId, nodeId, allocation } = instance;
      this.#up.set(instanceId, { instance, nodeId, held: allocation });
    }
  }

  observe(): void {}
  async learn(): Promise<void> {}
  async begin(): Promise<void> {}
  outcome(): void {}
  async close(): Promise<void> {}

  counts(): PolicyCounts {
    return NOTHING;
  }

  reclaim(request: ReclaimRequest): void {
    this.#losses.push({ request });
    const victims = this.#cheapest(request.nodeIds, request.priorityMax);
    for (const victim of victims) {
      if (fits(this.#owed(request.nodeIds), this.#roomOf(request.nodeIds))) return;
      this.#stop(victim, "reclaim", request.outageMinutes);
    }
  }

  interrupt(request: InterruptionRequest): void {
    const holder = this.#up.get(request.instanceId);
    if (holder?.instance.interruptible === true) {
      this.#stop(holder, "planned", request.outageMinutes);
    }
  }

  async turn(): Promise<readonly Interruption[]> {
    const interruptions = this.#interruptions;
    this.#interruptions = [];
    return interruptions;
  }

  async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const nowMs = this.#clock.nowMs();
    this.#losses = this.#losses.filter(({ request }) => request.deadlineMs > nowMs);
    const met = fits(loss.amounts, this.#roomOf(loss.nodeIds));
    for (const holder of this.#cheapest(loss.nodeIds, Number.POSITIVE_INFINITY)) {
      if (fits(loss.amounts, this.#roomOf(loss.nodeIds))) break;
      this.#stop(holder, "evicted");
    }
    const { taken } = takeCapacity(this.#rooms(loss.nodeIds), loss.amounts);
    for (const [nodeId, amounts] of taken) this.#resize(nodeId, amounts, -1);
    return { taken, met, evicted: await this.turn() };
  }

  async gain(amounts: ReadonlyMap<string, Amounts>): Promise<void> {
    for (const [nodeId, gained] of amounts) this.#resize(nodeId, gained, 1);
  }

  async restart(instance: ReplayInstance): Promise<RestartGrant | null> {
    const { instanceId, nodeId: home } = instance;
    const request = this.#ask === "largest" ? instance.request : instance.allocation;
    const others = [...this.#capacity.keys()].filter((nodeId) => nodeId !== home);
    const nodeId = [home, ...others].find((id) => fits(request, this.#free(id)));
    if (nodeId === undefined) return null;
    this.#up.set(instanceId, { instance, nodeId, held: request });
    const amounts = new Array<number>(RESOURCE_COUNT * PHASE_COUNT).fill(0);
    request.forEach((amount, resource) => {
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        amounts[needColumn(resource, phase)] = amount;
      }
    });
    return { nodeId, amounts, reserved: false, short: false };
  }

  #stop(holder: Holder, cause: Interruption["cause"], outageMinutes?: number): void {
    const { instanceId } = holder.instance;
    if (!this.#up.delete(instanceId)) return;
    const outage = outageMinutes === undefined ? {} : { outageMinutes };
    this.#interruptions.push({ instanceId, cause, ...outage });
  }

  /** Lowest priority first. */
  #cheapest(nodeIds: readonly string[], priorityMax: number): Holder[] {
    return [...this.#up.values()]
      .filter((holder) => nodeIds.includes(holder.nodeId))
      .filter((holder) => holder.instance.priority <= priorityMax)
      .sort(
        (a, b) =>
          a.instance.priority - b.instance.priority ||
          compare(a.instance.instanceId, b.instance.instanceId),
      );
  }

  /** Room on a node that no announced loss will need. */
  #free(nodeId: string): Amounts {
    const room = this.#roomOf([nodeId]);
    const loss = this.#losses.filter(({ request }) => request.nodeIds.includes(nodeId));
    if (loss.length === 0) return room;
    const zone = loss.flatMap(({ request }) => request.nodeIds);
    const unclaimed = addAmounts(this.#roomOf([...new Set(zone)]), this.#owed(zone), -1);
    return room.map((value, resource) => Math.min(value, unclaimed[resource] ?? 0));
  }

  /** Announced losses of these nodes that are still to come. */
  #owed(nodeIds: readonly string[]): Amounts {
    return this.#losses
      .filter(({ request }) => request.nodeIds.some((nodeId) => nodeIds.includes(nodeId)))
      .reduce((sum, { request }) => addAmounts(sum, request.amounts), zeros());
  }

  #roomOf(nodeIds: readonly string[]): Amounts {
    return this.#rooms(nodeIds).reduce((sum, { room }) => addAmounts(sum, room), zeros());
  }

  #rooms(nodeIds: readonly string[]): NodeRoom[] {
    return nodeIds.map((nodeId) => {
      const capacity = this.#capacity.get(nodeId) ?? zeros();
      let room = capacity;
      for (const holder of this.#up.values()) {
        if (holder.nodeId === nodeId) room = addAmounts(room, holder.held, -1);
      }
      return { nodeId, room, capacity };
    });
  }

  #resize(nodeId: string, amounts: Amounts, sign: number): void {
    this.#capacity.set(nodeId, addAmounts(this.#capacity.get(nodeId) ?? zeros(), amounts, sign));
  }
}

function zeros(): number[] {
  return new Array<number>(RESOURCE_COUNT).fill(0);
}
