/** Lets the world of a replay be served: what happens in it goes through the service's runtime. */
import { isHoldOf } from "../../coordinator/commit-plan.js";
import type { CoordinatorRequest } from "../../coordinator/types.js";
import type { Act } from "../../engines/engine.js";
import { compare } from "../../replay/layout.js";
import { LostRoom } from "../../replay/lost-room.js";
import type {
  CapacityLoss,
  Interruption,
  LossOutcome,
  RestartGrant,
  WorldPolicy,
} from "../../replay/policy.js";
import { PATIENCE_MINUTES, registrationOf } from "../../replay/reprise-policy.js";
import type { Amounts, ReplayInstance, Scenario } from "../../replay/scenario.js";
import type { Sample } from "../../sources/sample.js";
import type { ServiceRuntime } from "../runtime.js";

/** The allocator counts in these. */
const STEP = 1 / 1024;
const MINUTE_MS = 60_000;

export class ServicePolicy implements WorldPolicy {
  readonly #runtime: ServiceRuntime;
  readonly #scenario: Scenario;
  readonly #lost: LostRoom;
  /** How long each request plans its victims to be away. */
  readonly #outages = new Map<string, number | undefined>();
  readonly #takeActs: () => readonly Act[];

  /** @param takeActs what the engine was told since the last call */
  constructor(runtime: ServiceRuntime, scenario: Scenario, takeActs: () => readonly Act[]) {
    this.#runtime = runtime;
    this.#scenario = scenario;
    this.#takeActs = takeActs;
    const sizes = scenario.nodes.map(({ nodeId, capacity }) => [nodeId, capacity] as const);
    this.#lost = new LostRoom(runtime.allocator, sizes);
    for (const { nodeId, capacity } of scenario.nodes) {
      runtime.allocator.addNode({ nodeId, allocatable: capacity });
    }
    for (const instance of scenario.instances) runtime.register(registrationOf(instance));
  }

  observe(sample: Sample): void {
    this.#runtime.offer([sample]);
  }

  learn(): Promise<void> {
    return this.#runtime.learn();
  }

  async begin(): Promise<void> {
    for (const instance of this.#scenario.instances) {
      this.#runtime.register(registrationOf(instance), instance.allocation);
    }
  }

  reclaim(request: CoordinatorRequest): void {
    this.#submit(request);
  }

  interrupt(request: CoordinatorRequest): void {
    this.#submit(request);
  }

  async turn(): Promise<readonly Interruption[]> {
    await this.#runtime.learn();
    await this.#runtime.tick();
    const interruptions: Interruption[] = [];
    for (const act of this.#takeActs()) {
      if (act.kind !== "interrupt") continue;
      interruptions.push(await this.#down(act.instanceId, "reclaim", this.#outageOf(act)));
    }
    return interruptions;
  }

  async lose(loss: CapacityLoss): Promise<LossOutcome> {
    const { allocator, coordinator } = this.#runtime;
    const evicted: Interruption[] = [];
    const holds = [...allocator.reservations()].filter(
      ({ ownerId, state }) => state === "held" && isHoldOf(loss.requestId, ownerId),
    );
    const outcome = await this.#lost.lose(loss, holds, async () => {
      const victim = this.#cheapest(loss.nodeIds);
      if (victim === undefined) return false;
      evicted.push(await this.#down(victim, "evicted", undefined));
      return true;
    });
    await coordinator.withdraw(loss.requestId);
    return { ...outcome, evicted };
  }

  async gain(amounts: ReadonlyMap<string, Amounts>): Promise<void> {
    this.#lost.gain(amounts);
  }

  async restart(instance: ReplayInstance, waitedMinutes: number): Promise<RestartGrant | null> {
    const { allocator, clock } = this.#runtime;
    const { instanceId } = instance;
    const lease = allocator.reservationOfOwner(instanceId);
    const reserved = lease?.state === "held" && lease.expiresMs > clock.nowMs();
    // A lease that is over is swept by the tick of this turn.
    if (lease?.state === "held" && !reserved) return null;
    if (!reserved) {
      const answer = allocator.allocateResources(instanceId, { outageMinutes: 0 });
      if (!answer.approved && waitedMinutes < PATIENCE_MINUTES) return null;
    }
    const grant = await this.#runtime.restarted(instanceId, clock.nowMs());
    const short = grant.shortfall.some((amount) => amount > STEP);
    return { nodeId: grant.nodeId, amounts: grant.amounts, reserved, short };
  }

  /** The runtime sees the truth itself. */
  outcome(): void {}

  #submit(request: CoordinatorRequest): void {
    this.#outages.set(request.requestId, request.outageMinutes);
    // Its decision is for whoever follows the events; the turn carries it out.
    void this.#runtime.submit(request);
  }

  /** Who was asked for from outside is back when that was said; the world draws the others. */
  #outageOf({ instanceId, planId }: Act): number | undefined {
    const { ledger, allocator, clock } = this.#runtime;
    const requestId = ledger.get("plan", planId)?.requestId;
    if (requestId === undefined) return undefined;
    if (this.#outages.has(requestId)) return this.#outages.get(requestId);
    const lease = allocator.reservationOfOwner(instanceId);
    if (lease === undefined) return undefined;
    return Math.max(0, lease.expectedRestartMs - clock.nowMs()) / MINUTE_MS;
  }

  async #down(
    instanceId: string,
    cause: Interruption["cause"],
    outageMinutes: number | undefined,
  ): Promise<Interruption> {
    await this.#runtime.stopped(instanceId, this.#runtime.clock.nowMs());
    return { instanceId, cause, ...(outageMinutes === undefined ? {} : { outageMinutes }) };
  }

  /** The lowest priority that still holds room on the nodes. */
  #cheapest(nodeIds: readonly string[]): string | undefined {
    const here = this.#scenario.instances.filter(({ instanceId }) => {
      const nodeId = this.#runtime.allocator.allocationOf(instanceId)?.nodeId;
      return nodeId !== undefined && nodeIds.includes(nodeId);
    });
    here.sort((a, b) => a.priority - b.priority || compare(a.instanceId, b.instanceId));
    return here[0]?.instanceId;
  }
}
