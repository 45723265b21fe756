import type { InterruptionRequest, ReclaimRequest } from "../coordinator/types.js";
import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { Clock } from "../lib/clock.js";
import { addAmounts, fits, takeCapacity } from "./capacity.js";
import { ClusterBook, type Holder, zeros } from "./cluster-book.js";
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
import type { VictimRule } from "./victim-rule.js";

/** Of a policy that neither defers nor reserves. */
export const NOTHING_COUNTED: PolicyCounts = {
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

/** What a plan chose from, as its maker saw it. */
export interface SeenPlan {
  readonly requestId: string;
  /** Short of the loss before anybody goes, one value a resource. */
  readonly needed: Amounts;
  readonly candidates: readonly { readonly instanceId: string; readonly freed: Amounts }[];
  readonly victims: readonly string[];
}

export interface RivalOptions {
  readonly name: string;
  readonly rule: VictimRule;
  /** What a restart asks for. */
  readonly ask: (instance: ReplayInstance) => Amounts;
  /** A restart that waited this long takes what there is; absent: it waits on. */
  readonly patienceMinutes?: number;
  readonly onPlan?: (plan: SeenPlan) => void;
}

/**
 * What a scheduler does that knows allocations and nothing of the future: a rule names who makes
 * way, at once; a restart asks for its request and waits until some node has it.
 */
export class RivalPolicy implements ReplayPolicy {
  readonly name: string;
  readonly #options: RivalOptions;
  readonly #seed: number;
  readonly #clock: Clock;
  readonly #book: ClusterBook;
  #losses: ReclaimRequest[] = [];
  #interruptions: Interruption[] = [];

  constructor(scenario: Scenario, clock: Clock, options: RivalOptions) {
    this.name = options.name;
    this.#options = options;
    this.#seed = scenario.seed;
    this.#clock = clock;
    this.#book = new ClusterBook(scenario);
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
    return this.#book.get(instanceId)?.held;
  }

  reclaim(request: ReclaimRequest): void {
    this.#losses.push(request);
  }

  interrupt(request: InterruptionRequest): void {
    const holder = this.#book.get(request.instanceId);
    if (holder?.instance.interruptible === true) {
      this.#stop(holder, "planned", request.outageMinutes);
    }
  }

  async turn(): Promise<readonly Interruption[]> {
    for (const request of this.#losses) this.#makeRoom(request);
    return this.#takeInterruptions();
  }

  async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const nowMs = this.#clock.nowMs();
    this.#losses = this.#losses.filter(({ deadlineMs }) => deadlineMs > nowMs);
    const room = () => this.#book.roomOf(loss.nodeIds);
    const met = fits(loss.amounts, room());
    for (const holder of byPriority(this.#book.holdersOn(loss.nodeIds))) {
      if (fits(loss.amounts, room())) break;
      this.#stop(holder, "evicted");
    }
    const { taken } = takeCapacity(this.#book.rooms(loss.nodeIds), loss.amounts);
    for (const [nodeId, amounts] of taken) this.#book.resize(nodeId, amounts, -1);
    return { taken, met, evicted: this.#takeInterruptions() };
  }

  async gain(amounts: ReadonlyMap<string, Amounts>): Promise<void> {
    for (const [nodeId, gained] of amounts) this.#book.resize(nodeId, gained, 1);
  }

  async restart(instance: ReplayInstance, waitedMinutes: number): Promise<RestartGrant | null> {
    const { nodeId: home } = instance;
    const { ask, patienceMinutes = Number.POSITIVE_INFINITY } = this.#options;
    const request = ask(instance);
    const others = this.#book.nodeIds.filter((nodeId) => nodeId !== home);
    const nodeId = [home, ...others].find((id) => fits(request, this.#free(id)));
    if (nodeId !== undefined) return this.#start(instance, { nodeId, held: request, short: false });
    if (waitedMinutes < patienceMinutes) return null;
    return this.#start(instance, { ...this.#roomiest([home, ...others], request), short: true });
  }

  #makeRoom(request: ReclaimRequest): void {
    const { nodeIds, priorityMax } = request;
    const owed = this.#owed(nodeIds);
    const needed = addAmounts(owed, this.#book.roomOf(nodeIds), -1);
    if (needed.every((amount) => amount <= 0)) return;
    const holders = this.#book
      .holdersOn(nodeIds)
      .filter(({ instance }) => instance.priority <= priorityMax && instance.interruptible)
      .sort((a, b) => compare(a.instance.instanceId, b.instance.instanceId));
    const nowMs = this.#clock.nowMs();
    const question = { request, owed, needed, holders, book: this.#book, nowMs, seed: this.#seed };
    const victims = this.#options.rule(question);
    if (victims.length === 0) return;
    this.#options.onPlan?.({
      requestId: request.requestId,
      needed,
      candidates: holders.map(({ instance, held }) => ({
        instanceId: instance.instanceId,
        freed: held,
      })),
      victims: victims.map(({ instance }) => instance.instanceId),
    });
    for (const victim of victims) this.#stop(victim, "reclaim", request.outageMinutes);
  }

  /** Under patience: as much of each resource as the node with the least lack has. */
  #roomiest(nodeIds: readonly string[], request: Amounts): { nodeId: string; held: Amounts } {
    let best = { nodeId: nodeIds[0] ?? "", held: zeros() };
    let most = -1;
    for (const nodeId of nodeIds) {
      const free = this.#free(nodeId);
      const held = request.map((amount, resource) =>
        Math.max(0, Math.min(amount, free[resource] ?? 0)),
      );
      const share = Math.min(...held.map((amount, resource) => amount / (request[resource] || 1)));
      if (share > most) [most, best] = [share, { nodeId, held }];
    }
    return best;
  }

  #start(
    instance: ReplayInstance,
    where: { readonly nodeId: string; readonly held: Amounts; readonly short: boolean },
  ): RestartGrant {
    const { nodeId, held, short } = where;
    this.#book.put({ instance, nodeId, held, sinceMs: this.#clock.nowMs() });
    const amounts = new Array<number>(RESOURCE_COUNT * PHASE_COUNT).fill(0);
    held.forEach((amount, resource) => {
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        amounts[needColumn(resource, phase)] = amount;
      }
    });
    return { nodeId, amounts, reserved: false, short };
  }

  #stop(holder: Holder, cause: Interruption["cause"], outageMinutes?: number): void {
    const { instanceId } = holder.instance;
    if (!this.#book.remove(instanceId)) return;
    const outage = outageMinutes === undefined ? {} : { outageMinutes };
    this.#interruptions.push({ instanceId, cause, ...outage });
  }

  #takeInterruptions(): readonly Interruption[] {
    const interruptions = this.#interruptions;
    this.#interruptions = [];
    return interruptions;
  }

  /** Room on a node that no announced loss will need. */
  #free(nodeId: string): Amounts {
    const room = this.#book.roomOf([nodeId]);
    const loss = this.#losses.filter(({ nodeIds }) => nodeIds.includes(nodeId));
    if (loss.length === 0) return room;
    const zone = [...new Set(loss.flatMap(({ nodeIds }) => nodeIds))];
    const unclaimed = addAmounts(this.#book.roomOf(zone), this.#owed(zone), -1);
    return room.map((value, resource) => Math.min(value, unclaimed[resource] ?? 0));
  }

  /** Announced losses of these nodes that are still to come. */
  #owed(nodeIds: readonly string[]): Amounts {
    return this.#losses
      .filter((request) => request.nodeIds.some((nodeId) => nodeIds.includes(nodeId)))
      .reduce((sum, { amounts }) => addAmounts(sum, amounts), zeros());
  }
}

/** Lowest priority first. */
function byPriority(holders: readonly Holder[]): Holder[] {
  return [...holders].sort(
    (a, b) =>
      a.instance.priority - b.instance.priority ||
      compare(a.instance.instanceId, b.instance.instanceId),
  );
}
