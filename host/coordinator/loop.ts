/** Carries out the effects of the pure state, and feeds what came of them back into it. */
import type { Act, ActOutcome } from "../engines/engine.js";
import type { DecisionRecord } from "../ledger/records.js";
import { backedActs, checkBooks, isBackedPlan } from "./checks.js";
import { considered } from "./consider.js";
import { finishPlan } from "./finish-plan.js";
import { isToRepeat } from "./give-backs.js";
import { grantRestart, isShort, topUpGrants } from "./grants.js";
import type { KnownInstance } from "./instances.js";
import { type Facts, LateWrites } from "./late-writes.js";
import { jainIndex } from "./losses.js";
import { nextActIds } from "./plan-acts.js";
import { actsOfPlan } from "./plan-messages.js";
import type { CoordinatorContext } from "./ports.js";
import type { Recovered } from "./recovery.js";
import { endHolds, letGo } from "./releases.js";
import { judgeShrinks } from "./shrink-checks.js";
import {
  type CoordinatorEvent,
  type CoordinatorState,
  type Effect,
  EMPTY_STATE,
  type OpenPlan,
  type PendingRequest,
  transition,
} from "./state.js";
import { sweepLeases } from "./sweep.js";
import {
  type BookEffect,
  type Decided,
  type GrantEffect,
  type Granting,
  isFinish,
  isOfBooks,
  metCycle,
  newTurn,
  type Restart,
  type Turn,
} from "./turn.js";
import type { ConsiderOptions, CoordinatorRequest, CycleReport } from "./types.js";
import { isStopping, weighAndCommit } from "./weigh.js";

/** After a crowd was registered, its lives are written by the tick: no decision waits for them. */
const FACTS_BESIDE_MAX = 256;
/**
 * Deferred requests that are tried again on one turn, those first that are due longest; the others
 * stay due, but for those whose deadline is near. A crowd of them (10,000 may be pending) must hold
 * up neither a new request nor the end of the service.
 */
const RETRIES_PER_TICK = 64;
const RETRIES_BESIDE = 8;

export class CoordinatorLoop {
  readonly #context: CoordinatorContext;
  readonly #late: LateWrites;
  #state: CoordinatorState = EMPTY_STATE;
  /** Claimed leases that got less than they wanted. */
  readonly #short = new Set<string>();
  #sequence: number;
  #cycle = 0;

  constructor(context: CoordinatorContext, facts: Facts) {
    this.#context = context;
    this.#late = new LateWrites(context.ledger, facts);
    this.#sequence = 0;
  }

  get pendingCount(): number {
    return this.#state.pending.size;
  }

  isPending(requestId: string): boolean {
    return this.#state.pending.has(requestId);
  }

  take(request: CoordinatorRequest): void {
    this.#state = transition(this.#state, { kind: "requested", request }).state;
  }

  adopt(recovered: Recovered): void {
    this.#state = recovered.state;
    this.#sequence = recovered.sequence;
    for (const { reservationId, state, wanted } of this.#context.allocator.reservations()) {
      if (state === "claimed" && wanted !== undefined) this.#short.add(reservationId);
    }
  }

  async withdraw(requestId: string): Promise<void> {
    await this.#apply({ kind: "withdrawn", requestId }, newTurn());
  }

  /**
   * Those that are back, together: all grants become durable with one wait for the disk.
   *
   * @returns of each, by its id, its grant, or why it got none
   * @throws what stops everybody; then the grants may be asked for again
   */
  async restarted(restarts: readonly Restart[]): Promise<ReadonlyMap<string, Granting>> {
    const turn = newTurn();
    if (restarts.length === 0) return turn.grantings;
    await this.#sweep(turn);
    await this.#waves([...this.#through(), ...this.#seen(restarts)], turn);
    return turn.grantings;
  }

  async stopped(instanceId: string, timeMs: number): Promise<void> {
    this.#context.instances.require(instanceId);
    await this.#apply({ kind: "stopped", instanceId, timeMs }, newTurn());
  }

  async tick(): Promise<CycleReport> {
    const turn = newTurn();
    const cycle = { number: this.#cycle++, nowMs: this.#context.clock.nowMs() };
    await this.#sweep(turn);
    await this.#topUp(turn);
    this.#context.allocator.tick();
    this.#context.roomIndex.refresh();
    const nowMs = this.#context.clock.nowMs();
    const due = this.#step(this.#due(nowMs, RETRIES_PER_TICK));
    await this.#waves(due, turn);
    // What no commit of this tick took along.
    this.#late.write()();
    checkBooks(this.#context, cycle, turn.tally);
    const hasLost = turn.decisions.some(({ victims }) => victims.length > 0);
    const fairness = hasLost ? jainIndex(this.#context.ledger, cycle.nowMs) : undefined;
    return {
      decisions: turn.decisions,
      pendingRequestCount: this.#state.pending.size,
      expiredReservationCount: turn.expiredCount,
      grantCount: turn.grantings.size,
      thrashAlarmCount: turn.decisions.filter(metCycle).length,
      ...(fairness === undefined ? {} : { jainIndex: fairness }),
      openActCount: this.#state.outbox.size + this.#state.plans.size,
      engineFailures: turn.engineFailures,
      invariantCheckCount: turn.tally.count,
      invariantFailures: turn.tally.failures,
    };
  }

  /**
   * Decides what is due and grants room to those that are back, without the rest of a cycle. What
   * is left of plans that are through is left to the next turn, which finishes them in the same
   * commit as its own decisions; `hasThrough` says whether there is any.
   */
  async decideDue(restarts: readonly Restart[]): Promise<Decided> {
    const turn = newTurn();
    if (restarts.length > 0) await this.#sweep(turn);
    const nowMs = this.#context.clock.nowMs();
    const effects = [
      ...this.#through(),
      ...this.#seen(restarts),
      ...this.#step(this.#due(nowMs, RETRIES_BESIDE)),
    ];
    await this.#waves(effects, turn, isFinish);
    return turn;
  }

  /** Whether a plan is through that no turn has finished yet. */
  get hasThrough(): boolean {
    return this.#through().length > 0;
  }

  consider(request: CoordinatorRequest, options: ConsiderOptions = {}): DecisionRecord {
    return considered(this.#context, this.#state, { request, ...options });
  }

  async #apply(event: CoordinatorEvent, turn: Turn): Promise<void> {
    for (const effect of this.#step(event)) {
      for (const next of await this.#execute(effect, turn)) await this.#apply(next, turn);
    }
  }

  #due(nowMs: number, retriesMax: number): CoordinatorEvent {
    return { kind: "ticked", nowMs, retriesMax, leadMs: this.#context.policy.forceLeadMs };
  }

  /** A plan is finished before its victims get their grants: a grant outdates its acts. */
  #through(): Effect[] {
    return [...this.#state.plans.values()]
      .filter((plan) => nextActIds(plan).length === 0)
      .map((plan) => ({ kind: "finish", plan }));
  }

  /** The first effects of restarts; of an instance that is named twice the last report counts. */
  #seen(restarts: readonly Restart[]): Effect[] {
    return restarts.flatMap((restart) => this.#step({ kind: "restarted", ...restart }));
  }

  /**
   * Like `#apply`, wave by wave: all books of a wave become durable together, then its acts are
   * sent. A crowd costs two waits for the disk: decisions and grants, then all plans that are through.
   *
   * @param isLeft effects that a later wave of nothing else leaves to the next turn
   */
  async #waves(
    effects: readonly Effect[],
    turn: Turn,
    isLeft: (effect: Effect) => boolean = () => false,
  ): Promise<void> {
    let wave = effects;
    while (wave.length > 0) {
      const next = this.#bookTogether(wave.filter(isOfBooks), turn);
      for (const effect of wave) {
        if (isOfBooks(effect)) continue;
        for (const each of await this.#execute(effect, turn)) next.push(...this.#step(each));
      }
      if (next.every(isLeft)) return;
      wave = next;
    }
  }

  /** The books of one wave in one commit. If it fails all of it is as before, and is tried again. */
  #bookTogether(effects: readonly BookEffect[], turn: Turn): Effect[] {
    if (effects.length === 0) return [];
    const before = { state: this.#state, sequence: this.#sequence, count: turn.decisions.length };
    const lives = this.#livesOf(effects);
    try {
      const next: Effect[] = [];
      const written = this.#context.allocator.group(() => {
        const written = this.#late.write(FACTS_BESIDE_MAX);
        for (const effect of effects) {
          for (const each of this.#book(effect, turn)) next.push(...this.#step(each));
        }
        return written;
      });
      written();
      return next;
    } catch (error) {
      this.#state = before.state;
      this.#sequence = before.sequence;
      turn.decisions.length = before.count;
      turn.grantings.clear();
      for (const [instanceId, was] of lives) this.#context.instances.update(instanceId, was);
      throw error;
    }
  }

  /** Of those whose grants are to be written, to be as before when that fails. */
  #livesOf(effects: readonly BookEffect[]) {
    const lives = new Map<string, Pick<KnownInstance, "life" | "nodeId">>();
    for (const effect of effects) {
      if (effect.kind !== "grant") continue;
      const known = this.#context.instances.get(effect.instanceId);
      if (known === undefined) continue;
      lives.set(effect.instanceId, { life: known.life, nodeId: known.nodeId });
    }
    return lives;
  }

  #book(effect: BookEffect, turn: Turn): CoordinatorEvent[] {
    switch (effect.kind) {
      case "decide":
        return this.#decide(effect.pending, turn);
      case "finish":
        return this.#finish(effect.plan);
      case "grant":
        return this.#grant(effect, turn);
    }
  }

  #step(event: CoordinatorEvent): Effect[] {
    if (event.kind === "posted") this.#late.posted(event.acts.map(({ actId }) => actId));
    const { state, effects } = transition(this.#state, event);
    this.#state = state;
    return [...effects];
  }

  async #execute(effect: Effect, turn: Turn): Promise<readonly CoordinatorEvent[]> {
    switch (effect.kind) {
      case "act":
        return this.#act(effect.plan, turn);
      case "send":
        return this.#send(effect.acts, turn);
      case "let-go":
        return [{ kind: "posted", acts: letGo(this.#context, effect.instanceId) }];
      case "end-holds":
        return this.#endHolds(effect.requestId);
      default:
        return this.#book(effect, turn);
    }
  }

  /** Ends the leases that are over; what their donors gave goes back to them. */
  async #sweep(turn: Turn): Promise<void> {
    const { allocator } = this.#context;
    const swept = sweepLeases(allocator, (instanceId) => this.#state.down.has(instanceId));
    turn.expiredCount += swept.ended.filter(({ state }) => state === "expired").length;
    await this.#apply({ kind: "posted", acts: swept.acts }, turn);
  }

  /** Room that has come free goes to those first who are restarting with less than they need. */
  async #topUp(turn: Turn): Promise<void> {
    if (this.#short.size === 0) return;
    const { acts, over } = topUpGrants(this.#context, this.#short);
    for (const reservationId of over) this.#short.delete(reservationId);
    await this.#apply({ kind: "posted", acts }, turn);
  }

  #decide(pending: PendingRequest, turn: Turn): CoordinatorEvent[] {
    // Withdrawn earlier on this turn.
    if (!this.#state.pending.has(pending.request.requestId)) return [];
    const so = { sequence: this.#sequence + 1, pending };
    const committed = weighAndCommit(this.#context, this.#state, so);
    this.#sequence += 1;
    turn.decisions.push(committed.decision);
    const { decision, plan, acts } = committed;
    const decided = { kind: "decided", decision, pending, ...(plan ? { plan } : {}) } as const;
    return [{ kind: "posted", acts }, decided];
  }

  async #act(plan: OpenPlan, turn: Turn): Promise<CoordinatorEvent[]> {
    // A later event may have moved the plan on since the effect was made.
    const current = this.#state.plans.get(plan.record.planId);
    if (current === undefined) return [];
    if (!isBackedPlan(this.#context.ledger, current, turn.tally)) return [];
    const acts = actsOfPlan(this.#context.allocator, current);
    const outcomes = judgeShrinks(this.#context.allocator, acts, await this.#ask(acts, turn));
    return [{ kind: "acted", planId: plan.record.planId, outcomes }];
  }

  #finish(plan: OpenPlan): CoordinatorEvent[] {
    const current = this.#state.plans.get(plan.record.planId);
    if (current === undefined) return [];
    const nowMs = this.#context.clock.nowMs();
    const { acts } = finishPlan(this.#context, current, nowMs);
    return [
      { kind: "finished", planId: current.record.planId, nowMs },
      { kind: "posted", acts },
    ];
  }

  async #send(acts: readonly Act[], turn: Turn): Promise<CoordinatorEvent[]> {
    const written = backedActs(this.#context.ledger, acts, turn.tally);
    const outcomes = await this.#ask(written, turn);
    const { allocator } = this.#context;
    const { plans } = this.#state;
    const settled = outcomes.filter((each) => !isToRepeat({ allocator, plans }, acts, each));
    if (settled.length === 0) return [];
    this.#late.answered(settled.map(({ actId }) => actId));
    return [{ kind: "answered", outcomes: settled }];
  }

  /** Without an answer the acts stay open and are sent again; the engine carries each out once. */
  async #ask(acts: readonly Act[], turn: Turn): Promise<readonly ActOutcome[]> {
    if (acts.length === 0) return [];
    const sent = new Set(acts.map(({ actId }) => actId));
    try {
      const outcomes = await this.#context.engine.act(acts);
      return outcomes.filter(({ actId }) => sent.has(actId));
    } catch (error) {
      turn.engineFailures.push(error instanceof Error ? error.message : String(error));
      return [];
    }
  }

  /** One instance's trouble is its own, unless it stops everybody. */
  #grant({ instanceId, timeMs }: GrantEffect, turn: Turn): CoordinatorEvent[] {
    try {
      const { grant, acts } = grantRestart(this.#context, instanceId, timeMs);
      turn.grantings.set(instanceId, { grant });
      if (grant.reservationId !== null && isShort(grant)) this.#short.add(grant.reservationId);
      return [
        { kind: "granted", instanceId },
        { kind: "posted", acts },
      ];
    } catch (error) {
      if (isStopping(error)) throw error;
      turn.grantings.set(instanceId, { error });
      return [];
    }
  }

  #endHolds(requestId: string): CoordinatorEvent[] {
    const open = [...this.#state.plans.values()].filter(
      ({ record }) => record.requestId === requestId,
    );
    return [{ kind: "posted", acts: endHolds(this.#context, requestId, open) }];
  }
}
