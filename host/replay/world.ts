/**
 * A cluster that plays traces: instances use what their trace says, capacity goes and comes back
 * with spot traces, whoever is interrupted is down for a while. It knows no policy; it asks one.
 *
 * Goals: one turn a minute on a virtual clock; the same input for every policy.
 * Non-goals: restart surges, which these traces do not have.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { VirtualClock } from "../lib/clock.js";
import { toSample } from "../sources/bitbrains/bitbrains-source.js";
import { Actor } from "./actor.js";
import { addAmounts } from "./capacity.js";
import { draw, drawFrom } from "./draw.js";
import { PROTECTED_PRIORITY } from "./layout.js";
import type { Interruption, WorldPolicy } from "./policy.js";
import { type Amounts, type CapacityEvent, type Scenario, SPOT_SHARE } from "./scenario.js";
import { Tally } from "./tally.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Planned outages, minutes; the real one is up to half as long again. */
export const OUTAGE_MINUTES = [5, 10, 15, 30] as const;
const OUTAGE_SPREAD = 0.5;
const WARM_UP_STEP_MS = HOUR_MS;

export interface WorldCounts {
  samples: number;
  /** Samples of instances that were down, which nobody saw. */
  unseen: number;
}

export class World {
  readonly tally = new Tally();
  readonly counts: WorldCounts = { samples: 0, unseen: 0 };
  readonly #scenario: Scenario;
  readonly #policy: WorldPolicy;
  readonly #clock: VirtualClock;
  readonly #actors: Actor[];
  readonly #byId = new Map<string, Actor>();
  readonly #capacity = new Map<string, Amounts>();
  readonly #lost = new Map<string, Amounts>();
  #notices: CapacityEvent[];
  #due: CapacityEvent[];
  #planned = 0;

  constructor(scenario: Scenario, policy: WorldPolicy, clock: VirtualClock) {
    this.#scenario = scenario;
    this.#policy = policy;
    this.#clock = clock;
    this.#actors = scenario.instances.map((instance) => new Actor(instance, scenario.warmUpFromMs));
    for (const actor of this.#actors) this.#byId.set(actor.instance.instanceId, actor);
    for (const node of scenario.nodes) this.#capacity.set(node.nodeId, node.capacity);
    this.#notices = scenario.capacityEvents.filter((event) => event.fraction < 0);
    this.#due = [...scenario.capacityEvents].sort((a, b) => a.timeMs - b.timeMs);
  }

  /** Plays it to its end. `onTurn` hears the time after each step; the next one waits for it. */
  async run(onTurn: (nowMs: number) => void | Promise<void>): Promise<void> {
    const { warmUpFromMs, fromMs, toMs } = this.#scenario;
    for (let nowMs = warmUpFromMs + WARM_UP_STEP_MS; nowMs < fromMs; nowMs += WARM_UP_STEP_MS) {
      await this.#warmUp(nowMs);
      await onTurn(nowMs);
    }
    await this.#warmUp(fromMs);
    await this.#policy.begin();
    for (let nowMs = fromMs + MINUTE_MS; nowMs <= toMs; nowMs += MINUTE_MS) {
      await this.#turn(nowMs);
      await onTurn(nowMs);
    }
    this.#conclude(toMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.cursor.close()));
  }

  /** Bad samples of the traces by reason. */
  dropped(): Record<string, number> {
    const dropped: Record<string, number> = {};
    for (const { cursor } of this.#actors) {
      for (const [reason, count] of cursor.dropped) {
        dropped[reason] = (dropped[reason] ?? 0) + count;
      }
    }
    return dropped;
  }

  async #warmUp(nowMs: number): Promise<void> {
    this.#clock.advanceTo(nowMs);
    await this.#observe(nowMs);
    await this.#policy.learn();
  }

  async #turn(nowMs: number): Promise<void> {
    this.#clock.advanceTo(nowMs);
    await this.#observe(nowMs);
    for (const actor of this.#actors) this.#finish(actor, false);
    this.#announce(nowMs);
    await this.#moveCapacity(nowMs);
    await this.#restart(nowMs);
    this.#ask(nowMs);
    for (const interruption of await this.#policy.turn()) this.#stop(interruption);
    this.#countOverload();
  }

  async #observe(nowMs: number): Promise<void> {
    for (const actor of this.#actors) {
      if (actor.cursor.isAhead(nowMs)) continue;
      for (const row of await actor.cursor.take(nowMs)) {
        if (!actor.isUp) {
          this.counts.unseen++;
          if (actor.dueMs < row.timeMs) this.tally.waited(row.cpuCores);
          continue;
        }
        actor.use(row);
        if (!row.on) continue;
        this.counts.samples++;
        this.#policy.observe(toSample(actor.instance.instanceId, row));
      }
    }
  }

  #announce(nowMs: number): void {
    for (;;) {
      const loss = this.#notices[0];
      if (loss === undefined || loss.noticeMs > nowMs) return;
      this.#notices.shift();
      this.tally.reclaims.announced++;
      this.#policy.reclaim({
        kind: "reclaim",
        requestId: requestIdOf(loss),
        receivedMs: nowMs,
        force: true,
        nodeIds: this.#nodesOf(loss.zoneId),
        amounts: this.#spotAmounts(loss),
        deadlineMs: loss.timeMs,
        outageMinutes: drawFrom(this.#scenario.seed, `outage ${loss.timeMs}`, OUTAGE_MINUTES),
        priorityMax: PROTECTED_PRIORITY - 1,
        purpose: "capacity-loss",
      });
    }
  }

  async #moveCapacity(nowMs: number): Promise<void> {
    for (;;) {
      const event = this.#due[0];
      if (event === undefined || event.timeMs > nowMs) return;
      this.#due.shift();
      if (event.fraction < 0) await this.#lose(event);
      else await this.#gain(event);
    }
  }

  async #lose(event: CapacityEvent): Promise<void> {
    const nodeIds = this.#nodesOf(event.zoneId);
    const outcome = await this.#policy.lose({
      requestId: requestIdOf(event),
      nodeIds,
      amounts: this.#spotAmounts(event),
    });
    this.tally.reclaims[outcome.met ? "met" : "missed"]++;
    for (const [nodeId, amounts] of outcome.taken) {
      const before = this.#lost.get(nodeId) ?? amounts.map(() => 0);
      this.#lost.set(nodeId, addAmounts(before, amounts));
      this.#resize(nodeId, amounts, -1);
    }
    for (const interruption of outcome.evicted) this.#stop(interruption);
  }

  /** What comes back goes to the nodes that lost it, in proportion. */
  async #gain(event: CapacityEvent): Promise<void> {
    const nodeIds = this.#nodesOf(event.zoneId);
    const amounts = this.#spotAmounts(event);
    const lost = nodeIds.map((nodeId) => this.#lost.get(nodeId) ?? amounts.map(() => 0));
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
    await this.#policy.gain(gained);
  }

  async #restart(nowMs: number): Promise<void> {
    for (const actor of this.#actors) {
      if (actor.isUp || actor.dueMs > nowMs) continue;
      const waitedMinutes = Math.floor((nowMs - actor.dueMs) / MINUTE_MS);
      const grant = await this.#policy.restart(actor.instance, waitedMinutes);
      if (grant === null) continue;
      this.tally.restarted(waitedMinutes, grant);
      actor.restart(nowMs, grant);
    }
  }

  #ask(nowMs: number): void {
    const { planned, seed } = this.#scenario;
    for (; ; this.#planned++) {
      const next = planned[this.#planned];
      if (next === undefined || next.timeMs > nowMs) return;
      const name = `${next.instanceId} ${next.timeMs}`;
      const outageMinutes = drawFrom(seed, `outage ${name}`, OUTAGE_MINUTES);
      this.#policy.interrupt({
        kind: "interrupt",
        requestId: `planned-${next.instanceId}-${next.timeMs}`,
        receivedMs: nowMs,
        instanceId: next.instanceId,
        outageMinutes,
      });
    }
  }

  #stop(interruption: Interruption): void {
    const actor = this.#byId.get(interruption.instanceId);
    if (actor === undefined || !actor.isUp) return;
    const nowMs = this.#clock.nowMs();
    this.#finish(actor, true);
    this.tally.interruptions[interruption.cause]++;
    if (nowMs - actor.lastInterruptedMs < HOUR_MS) this.tally.repeatedWithinHour++;
    actor.lastInterruptedMs = nowMs;
    actor.interruptionCount++;
    const dueMs = nowMs + this.#outageMs(actor, interruption.outageMinutes);
    this.tally.lostCoreHours += actor.stop(dueMs, interruption.predicted);
  }

  #outageMs(actor: Actor, outageMinutes: number | undefined): number {
    const { seed } = this.#scenario;
    const name = `${actor.instance.instanceId} ${actor.interruptionCount}`;
    const planned = outageMinutes ?? drawFrom(seed, `outage ${name}`, OUTAGE_MINUTES);
    return planned * (1 + OUTAGE_SPREAD * draw(seed, `late ${name}`)) * MINUTE_MS;
  }

  #finish(actor: Actor, cut: boolean): void {
    const done = actor.finish(this.#clock.nowMs(), cut);
    if (done === null) return;
    this.tally.compare(done);
    const { restartedMs, peaks, predicted } = done;
    if (predicted === undefined) return;
    const { instanceId } = actor.instance;
    this.#policy.outcome({ instanceId, restartedMs, peaks, predicted });
  }

  #countOverload(): void {
    const used = new Map<string, number[]>();
    for (const actor of this.#actors) {
      if (!actor.isUp) continue;
      const sum = used.get(actor.nodeId);
      used.set(actor.nodeId, sum === undefined ? [...actor.usage] : addAmounts(sum, actor.usage));
    }
    for (const [nodeId, sum] of used) {
      const capacity = this.#capacity.get(nodeId) ?? [];
      if (sum.some((value, resource) => value > (capacity[resource] ?? 0))) {
        this.tally.overloadMinutes++;
      }
    }
  }

  #conclude(nowMs: number): void {
    for (const actor of this.#actors) {
      this.#finish(actor, true);
      if (!actor.isUp) this.tally.stillDown(Math.floor((nowMs - actor.dueMs) / MINUTE_MS));
    }
  }

  #nodesOf(zoneId: string): readonly string[] {
    return this.#scenario.zones.find((zone) => zone.zoneId === zoneId)?.nodeIds ?? [];
  }

  #spotAmounts(event: CapacityEvent): Amounts {
    const zone = this.#scenario.nodes.filter((node) => node.zoneId === event.zoneId);
    return Array.from({ length: RESOURCE_COUNT }, (_, resource) => {
      const total = zone.reduce((sum, node) => sum + (node.capacity[resource] ?? 0), 0);
      return Math.abs(event.fraction) * SPOT_SHARE * total;
    });
  }

  #resize(nodeId: string, amounts: Amounts, sign: number): void {
    const before = this.#capacity.get(nodeId) ?? amounts.map(() => 0);
    this.#capacity.set(nodeId, addAmounts(before, amounts, sign));
  }
}

function requestIdOf(loss: CapacityEvent): string {
  return `loss-${loss.zoneId}-${loss.timeMs}`;
}
