/**
 * A cluster on a virtual clock, for comparing policies on what they really lose: instances want what
 * their trace says and more after a restart, capacity leaves with spot traces, a restart that gets
 * too little is slow or is killed. One turn a minute; everything it needs lies in memory.
 *
 * Goals: the same input for every policy, 28 days in seconds. Non-goals: sampling, profiling (both
 * were done before, in `profile-table.ts`).
 */
import { RESOURCE_COUNT } from "../../core/abi.js";
import type { VirtualClock } from "../../lib/clock.js";
import { addAmounts } from "../capacity.js";
import { draw } from "../draw.js";
import { PROTECTED_PRIORITY } from "../layout.js";
import type { Interruption } from "../policy.js";
import type { SeenPlan } from "../rival-policy.js";
import { type Amounts, type CapacityEvent, SPOT_SHARE } from "../scenario.js";
import { judgePlan, overReclaim, wasInverted } from "./judged-plan.js";
import { drawOutage } from "./outage-law.js";
import { MINUTE_MS, type OutcomeActor, WINDOW_MINUTES } from "./outcome-actor.js";
import type { OutcomeActors } from "./outcome-actors.js";
import { measureMinute } from "./outcome-measure.js";
import type { JudgedPlan, OutcomePolicy } from "./outcome-policy.js";
import type { OutcomeScenario } from "./outcome-scenario.js";
import { OutcomeTally } from "./outcome-tally.js";

const HOUR_MS = 60 * MINUTE_MS;
/** The real outage is up to half as long again as planned. */
const OUTAGE_SPREAD = 0.5;

export interface OutcomeWorldParts {
  readonly scenario: OutcomeScenario;
  readonly actors: OutcomeActors;
  readonly policy: OutcomePolicy;
  readonly clock: VirtualClock;
  /** Plans that the policy made since they were last taken. */
  readonly plans: SeenPlan[];
}

export class OutcomeWorld {
  readonly tally = new OutcomeTally();
  readonly judged: JudgedPlan[] = [];
  readonly #parts: OutcomeWorldParts;
  readonly #capacity = new Map<string, Amounts>();
  readonly #lost = new Map<string, Amounts>();
  readonly #zones: ReadonlyMap<
    string,
    { readonly nodeIds: readonly string[]; readonly spot: Amounts }
  >;
  readonly #notices: readonly CapacityEvent[];
  readonly #due: readonly CapacityEvent[];
  #noticed = 0;
  #moved = 0;
  #planned = 0;

  constructor(parts: OutcomeWorldParts) {
    this.#parts = parts;
    const { nodes, zones, capacityEvents } = parts.scenario;
    for (const { nodeId, capacity } of nodes) this.#capacity.set(nodeId, capacity);
    this.#zones = new Map(
      zones.map(({ zoneId, nodeIds }) => {
        const total = nodes
          .filter((node) => node.zoneId === zoneId)
          .reduce((sum, node) => addAmounts(sum, node.capacity), none());
        return [zoneId, { nodeIds, spot: total.map((amount) => amount * SPOT_SHARE) }];
      }),
    );
    this.#notices = capacityEvents.filter(({ fraction }) => fraction < 0);
    this.#due = [...capacityEvents].sort((a, b) => a.timeMs - b.timeMs);
  }

  get capacity(): ReadonlyMap<string, Amounts> {
    return this.#capacity;
  }

  /** Plays it to its end. `onTurn` hears the time after each minute. */
  async run(onTurn: (nowMs: number) => void): Promise<void> {
    const { scenario, policy, clock } = this.#parts;
    clock.advanceTo(scenario.fromMs);
    await policy.begin();
    for (let nowMs = scenario.fromMs + MINUTE_MS; nowMs <= scenario.toMs; nowMs += MINUTE_MS) {
      clock.advanceTo(nowMs);
      await this.#turn(nowMs);
      onTurn(nowMs);
    }
    this.#conclude(scenario.toMs);
  }

  async #turn(nowMs: number): Promise<void> {
    const { actors, scenario, policy } = this.#parts;
    for (const actor of actors.all) {
      if (!actor.isUp) continue;
      if (actor.window?.minutes === WINDOW_MINUTES) this.#close(actor);
      const saved = actor.live(nowMs, scenario.warmUpFromMs);
      if (saved) policy.checkpointed?.(actor.instance.instanceId);
    }
    measureMinute({ actors, policy, capacity: this.#capacity, tally: this.tally, nowMs });
    this.#announce(nowMs);
    await this.#moveCapacity(nowMs);
    await this.#restart(nowMs);
    this.#ask(nowMs);
    const interruptions = await policy.turn();
    this.#judge();
    for (const interruption of interruptions) this.#stop(interruption, nowMs);
  }

  #announce(nowMs: number): void {
    const { scenario, policy } = this.#parts;
    for (; ; this.#noticed++) {
      const loss = this.#notices[this.#noticed];
      if (loss === undefined || loss.noticeMs > nowMs) return;
      const requestId = requestIdOf(loss);
      policy.reclaim({
        kind: "reclaim",
        requestId,
        receivedMs: nowMs,
        force: true,
        nodeIds: this.#zones.get(loss.zoneId)?.nodeIds ?? [],
        amounts: this.#amountsOf(loss),
        deadlineMs: loss.timeMs,
        outageMinutes: drawOutage(scenario.seed, `outage ${requestId}`),
        priorityMax: PROTECTED_PRIORITY - 1,
        purpose: "capacity-loss",
      });
    }
  }

  async #moveCapacity(nowMs: number): Promise<void> {
    for (; ; this.#moved++) {
      const event = this.#due[this.#moved];
      if (event === undefined || event.timeMs > nowMs) return;
      if (event.fraction < 0) await this.#lose(event, nowMs);
      else await this.#gain(event);
    }
  }

  async #lose(event: CapacityEvent, nowMs: number): Promise<void> {
    const { policy } = this.#parts;
    const { nodeIds } = this.#zones.get(event.zoneId) ?? { nodeIds: [] };
    const amounts = this.#amountsOf(event);
    const isFeasible = this.#couldBeMet(nodeIds, amounts);
    const outcome = await policy.lose({ requestId: requestIdOf(event), nodeIds, amounts });
    const { reclaims } = this.tally;
    if (outcome.met) reclaims.met++;
    else {
      reclaims.missed++;
      if (isFeasible) reclaims.missedFeasible++;
    }
    for (const [nodeId, taken] of outcome.taken) {
      this.#lost.set(nodeId, addAmounts(this.#lost.get(nodeId) ?? none(), taken));
      this.#resize(nodeId, taken, -1);
    }
    for (const interruption of outcome.evicted) this.#stop(interruption, nowMs);
  }

  /** Interrupting everybody who may be would have been enough. */
  #couldBeMet(nodeIds: readonly string[], amounts: Amounts): boolean {
    const { actors, policy } = this.#parts;
    const room = nodeIds.reduce(
      (sum, id) => addAmounts(sum, this.#capacity.get(id) ?? none()),
      none(),
    );
    const held = actors.all
      .filter((actor) => actor.isUp && nodeIds.includes(actor.nodeId))
      .filter(({ instance }) => !instance.interruptible)
      .reduce(
        (sum, { instance }) => addAmounts(sum, policy.heldBy(instance.instanceId) ?? none()),
        none(),
      );
    return amounts.every((amount, r) => amount <= (room[r] ?? 0) - (held[r] ?? 0));
  }

  /** What comes back goes to the nodes that lost it, in proportion. */
  async #gain(event: CapacityEvent): Promise<void> {
    const { nodeIds } = this.#zones.get(event.zoneId) ?? { nodeIds: [] };
    const amounts = this.#amountsOf(event);
    const lost = nodeIds.map((nodeId) => this.#lost.get(nodeId) ?? none());
    const gained = new Map<string, Amounts>();
    nodeIds.forEach((nodeId, index) => {
      const share = amounts.map((amount, resource) => {
        const total = lost.reduce((sum, column) => sum + (column[resource] ?? 0), 0);
        const own = lost[index]?.[resource] ?? 0;
        return total > 0 ? Math.min(own, (amount * own) / total) : 0;
      });
      gained.set(nodeId, share);
      this.#lost.set(nodeId, addAmounts(lost[index] ?? share, share, -1));
      this.#resize(nodeId, share, 1);
    });
    await this.#parts.policy.gain(gained);
  }

  async #restart(nowMs: number): Promise<void> {
    const { actors, policy, scenario } = this.#parts;
    for (const actor of actors.all) {
      if (actor.isUp || actor.dueMs > nowMs) continue;
      const waitedMinutes = Math.floor((nowMs - actor.dueMs) / MINUTE_MS);
      const grant = await policy.restart(actor.instance, waitedMinutes);
      if (grant === null) {
        const base = actor.baseAt(nowMs - scenario.warmUpFromMs, 0);
        this.tally.missedCoreHours += base / 60;
        this.#countSlo(actor);
        continue;
      }
      this.tally.delayed(waitedMinutes);
      const outageMinutes = (nowMs - actor.downSinceMs) / MINUTE_MS;
      const name = `${actor.instance.instanceId} ${actor.interruptionCount}`;
      actor.restart(nowMs, grant, scenario.surges.surge(actor.program, name, outageMinutes));
    }
  }

  #ask(nowMs: number): void {
    const { scenario, policy } = this.#parts;
    for (; ; this.#planned++) {
      const next = scenario.planned[this.#planned];
      if (next === undefined || next.timeMs > nowMs) return;
      const { instanceId, timeMs } = next;
      policy.interrupt({
        kind: "interrupt",
        requestId: `planned-${instanceId}-${timeMs}`,
        receivedMs: nowMs,
        instanceId,
        outageMinutes: drawOutage(scenario.seed, `outage ${instanceId} ${timeMs}`),
      });
    }
  }

  #judge(): void {
    const { actors, plans } = this.#parts;
    for (const seen of plans.splice(0)) {
      const plan = judgePlan(seen, actors);
      this.judged.push(plan);
      this.tally.overReclaims.push(overReclaim(plan));
      if (wasInverted(plan)) this.tally.inversions++;
    }
  }

  #stop(interruption: Interruption, nowMs: number): void {
    const { actors, scenario } = this.#parts;
    const { instanceId, cause, outageMinutes, predicted } = interruption;
    const actor = actors.get(instanceId);
    if (actor === undefined || !actor.isUp) return;
    this.#close(actor);
    this.tally.interruptions[cause]++;
    if (nowMs - actor.lastInterruptedMs < HOUR_MS) this.tally.repeatedWithinHour++;
    actor.lastInterruptedMs = nowMs;
    const name = `${instanceId} ${actor.interruptionCount}`;
    const planned = outageMinutes ?? drawOutage(scenario.seed, `outage ${name}`);
    const late = 1 + OUTAGE_SPREAD * draw(scenario.seed, `late ${name}`);
    this.#loseWork(actor, actor.stop(nowMs, nowMs + planned * late * MINUTE_MS, predicted));
  }

  #loseWork(actor: OutcomeActor, coreHours: number): void {
    const { lostByClass } = this.tally;
    const { priority } = actor.instance;
    lostByClass[priority] = (lostByClass[priority] ?? 0) + coreHours;
  }

  #countSlo(actor: OutcomeActor): void {
    const { sloMinutes } = this.tally;
    const { priority } = actor.instance;
    sloMinutes[priority] = (sloMinutes[priority] ?? 0) + 1;
  }

  #close(actor: OutcomeActor): void {
    const { window } = actor;
    if (window === null) return;
    actor.window = null;
    if (window.minutes === 0) return;
    this.tally.closed(window);
    if (window.predicted === undefined) return;
    const { instanceId } = actor.instance;
    const { restartedMs, predicted } = window;
    this.#parts.policy.outcome({ instanceId, restartedMs, peaks: [...window.peaks], predicted });
  }

  #conclude(nowMs: number): void {
    for (const actor of this.#parts.actors.all) {
      if (actor.isUp) this.#close(actor);
      else if (nowMs - actor.dueMs >= MINUTE_MS) {
        this.tally.stillWaiting++;
        this.tally.delayed(Math.floor((nowMs - actor.dueMs) / MINUTE_MS));
      }
    }
  }

  #amountsOf({ zoneId, fraction }: CapacityEvent): Amounts {
    const { spot } = this.#zones.get(zoneId) ?? { spot: none() };
    return spot.map((amount) => amount * Math.abs(fraction));
  }

  #resize(nodeId: string, amounts: Amounts, sign: number): void {
    this.#capacity.set(nodeId, addAmounts(this.#capacity.get(nodeId) ?? none(), amounts, sign));
  }
}

function requestIdOf(loss: CapacityEvent): string {
  return `loss-${loss.zoneId}-${loss.timeMs}`;
}

function none(): number[] {
  return new Array<number>(RESOURCE_COUNT).fill(0);
}
