/** Carries out the effects of the pure state, and feeds what came of them back into it. */
import type { Grant } from "../allocator/types.js";
import type { Act, ActOutcome } from "../engines/engine.js";
import type { DecisionRecord, Reason } from "../ledger/records.js";
import { type ErrorCode, isRepriseError, RepriseError } from "../lib/errors.js";
import { backedActs, type CheckTally, checkBooks, isBackedPlan, newTally } from "./checks.js";
import { type Committed, commitPlan, commitVerdict, isHoldOf } from "./commit-plan.js";
import { decide, decisionRecord, type Verdict } from "./decision.js";
import { finishPlan } from "./finish-plan.js";
import { failedInputs, gather } from "./gather.js";
import { giveBackActs, isToRepeat, outboxChanges, outboxRemovals } from "./give-backs.js";
import { grantRestart, isShort, topUpGrants } from "./grants.js";
import { owedBy, withLessRoom } from "./less-room.js";
import { jainIndex } from "./losses.js";
import { actsOfPlan } from "./plan-messages.js";
import type { CoordinatorContext } from "./ports.js";
import type { Recovered } from "./recovery.js";
import {
  type CoordinatorEvent,
  type CoordinatorState,
  type Effect,
  EMPTY_STATE,
  type OpenPlan,
  type PendingRequest,
  transition,
} from "./state.js";
import type { ConsiderOptions, CoordinatorRequest, CycleReport } from "./types.js";

/** What the effects of one turn leave behind for its caller. */
interface Turn {
  readonly decisions: DecisionRecord[];
  readonly grants: Grant[];
  readonly engineFailures: string[];
  readonly tally: CheckTally;
  expiredCount: number;
}

/** How often a plan is made anew because the allocator found less room than the planner. */
const REFUSALS_MAX = 8;

/** Of the ledger or of broken books: then no request may be decided. */
const STOPPING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ERR_LEDGER",
  "ERR_LEDGER_FOREIGN",
  "ERR_FENCED",
  "ERR_INVARIANT",
]);

export class CoordinatorLoop {
  readonly #context: CoordinatorContext;
  #state: CoordinatorState = EMPTY_STATE;
  /** Claimed leases that got less than they wanted. */
  readonly #short = new Set<string>();
  #sequence: number;
  #cycle = 0;

  constructor(context: CoordinatorContext) {
    this.#context = context;
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

  async restarted(instanceId: string, timeMs: number): Promise<Grant> {
    // Before anything moves: an unknown id changes nothing.
    this.#context.instances.require(instanceId);
    const turn = newTurn();
    await this.#sweep(turn);
    await this.#apply({ kind: "restarted", instanceId, timeMs }, turn);
    const [grant] = turn.grants;
    if (grant === undefined) throw new RepriseError("ERR_INVARIANT", "a restart without a grant");
    return grant;
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
    await this.#applyTogether({ kind: "ticked", nowMs: this.#context.clock.nowMs() }, turn);
    checkBooks(this.#context, cycle, turn.tally);
    const hasLost = turn.decisions.some(({ victims }) => victims.length > 0);
    const fairness = hasLost ? jainIndex(this.#context.ledger, cycle.nowMs) : undefined;
    return {
      decisions: turn.decisions,
      pendingRequestCount: this.#state.pending.size,
      expiredReservationCount: turn.expiredCount,
      grantCount: turn.grants.length,
      thrashAlarmCount: turn.decisions.filter(metCycle).length,
      ...(fairness === undefined ? {} : { jainIndex: fairness }),
      openActCount: this.#state.outbox.size + this.#state.plans.size,
      engineFailures: turn.engineFailures,
      invariantCheckCount: turn.tally.count,
      invariantFailures: turn.tally.failures,
    };
  }

  /** Decides what is due, without the rest of a cycle: for requests that came in between ticks. */
  async decideDue(): Promise<readonly DecisionRecord[]> {
    const turn = newTurn();
    await this.#applyTogether({ kind: "ticked", nowMs: this.#context.clock.nowMs() }, turn);
    return turn.decisions;
  }

  /** What would be decided now: nothing is written, queued or held. */
  consider(request: CoordinatorRequest, options: ConsiderOptions = {}): DecisionRecord {
    const { allocator, clock } = this.#context;
    const pending = { request, attempts: 0, dueMs: clock.nowMs() };
    const { isPinned: _anybody, ...context } = this.#context;
    const { isPinned, shrink = true } = options;
    const inputs = gather({ ...context, ...(isPinned && { isPinned }) }, this.#state, pending);
    const verdict = decide(inputs, (search) => (shrink ? allocator.donors(search) : []));
    return decisionRecord(verdict, { decisionId: `considered-${request.requestId}` });
  }

  async #apply(event: CoordinatorEvent, turn: Turn): Promise<void> {
    const { state, effects } = transition(this.#state, event);
    this.#state = state;
    for (const effect of effects) {
      for (const next of await this.#execute(effect, turn)) await this.#apply(next, turn);
    }
  }

  /**
   * Like `#apply`, wave by wave: all decisions become durable together, then their acts are sent,
   * then all plans that are through are finished together. A crowd costs two waits for the disk.
   */
  async #applyTogether(event: CoordinatorEvent, turn: Turn): Promise<void> {
    let wave = this.#step(event);
    while (wave.length > 0) {
      const next = this.#bookTogether(wave.filter(isOfBooks), turn);
      for (const effect of wave) {
        if (isOfBooks(effect)) continue;
        for (const each of await this.#execute(effect, turn)) next.push(...this.#step(each));
      }
      wave = next;
    }
  }

  /** The books of one wave in one commit. If it fails all of it is as before, and is tried again. */
  #bookTogether(effects: readonly BookEffect[], turn: Turn): Effect[] {
    if (effects.length === 0) return [];
    const before = { state: this.#state, sequence: this.#sequence, count: turn.decisions.length };
    try {
      return this.#context.allocator.group(() => {
        const next: Effect[] = [];
        for (const effect of effects) {
          const events =
            effect.kind === "decide"
              ? this.#decide(effect.pending, turn)
              : this.#finish(effect.plan);
          for (const each of events) next.push(...this.#step(each));
        }
        return next;
      });
    } catch (error) {
      this.#state = before.state;
      this.#sequence = before.sequence;
      turn.decisions.length = before.count;
      throw error;
    }
  }

  #step(event: CoordinatorEvent): Effect[] {
    const { state, effects } = transition(this.#state, event);
    this.#state = state;
    return [...effects];
  }

  async #execute(effect: Effect, turn: Turn): Promise<readonly CoordinatorEvent[]> {
    switch (effect.kind) {
      case "decide":
        return this.#decide(effect.pending, turn);
      case "act":
        return this.#act(effect.plan, turn);
      case "finish":
        return this.#finish(effect.plan);
      case "send":
        return this.#send(effect.acts, turn);
      case "grant":
        return this.#grant(effect.instanceId, effect.timeMs, turn);
      case "let-go":
        return this.#letGo(effect.instanceId);
      case "end-holds":
        return this.#endHolds(effect.requestId);
    }
  }

  /** Ends the leases that are over; what their donors gave goes back to them. */
  async #sweep(turn: Turn): Promise<void> {
    const { allocator } = this.#context;
    const swept = allocator.transact(
      () => {
        // Who is down and was not seen to be back is late.
        const ended = allocator.expire(({ instanceId }) => this.#state.down.has(instanceId));
        return { ended, acts: giveBackActs(allocator, ended) };
      },
      ({ acts }) => outboxChanges(acts),
    );
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
    const committed = this.#commit(pending);
    this.#sequence += 1;
    turn.decisions.push(committed.decision);
    const { decision, plan, acts } = committed;
    const decided = { kind: "decided", decision, pending, ...(plan ? { plan } : {}) } as const;
    return [{ kind: "posted", acts }, decided];
  }

  /** One request's trouble is its own: it is deferred with the reason, and the others go on. */
  #commit(pending: PendingRequest): Committed {
    try {
      return this.#weighAndCommit(pending);
    } catch (error) {
      if (isRepriseError(error) && STOPPING_CODES.has(error.code)) throw error;
      const verdict = decide(failedInputs(this.#context, pending, error), () => []);
      return commitVerdict(this.#context, verdict, { sequence: this.#sequence + 1, pending });
    }
  }

  /**
   * A plan that the allocator has no room for is made again with that much less room on the node
   * where it lacked: the planner counts what a victim's lease holds alone, the allocator what it
   * held beside others and what its donors take back.
   */
  #weighAndCommit(pending: PendingRequest): Committed {
    const { allocator } = this.#context;
    const ask: Parameters<typeof decide>[1] = (search) => allocator.donors(search);
    const so = { sequence: this.#sequence + 1, pending };
    let inputs = gather(this.#context, this.#state, pending);
    for (let refusals = 0; ; refusals++) {
      const verdict: Verdict = decide(inputs, ask);
      if (verdict.kind !== "proceed") return commitVerdict(this.#context, verdict, so);
      try {
        return commitPlan(this.#context, verdict, so);
      } catch (error) {
        const allocatorRefusal = refusalOf(error);
        if (allocatorRefusal === undefined) throw error;
        const owed = refusals < REFUSALS_MAX ? owedBy(error) : undefined;
        inputs =
          owed === undefined
            ? { ...inputs, allocatorRefusal }
            : withLessRoom(inputs, owed, 2 ** refusals);
      }
    }
  }

  async #act(plan: OpenPlan, turn: Turn): Promise<CoordinatorEvent[]> {
    // A later event may have moved the plan on since the effect was made.
    const current = this.#state.plans.get(plan.record.planId);
    if (current === undefined) return [];
    if (!isBackedPlan(this.#context.ledger, current, turn.tally)) return [];
    const acts = actsOfPlan(this.#context.allocator, current);
    const outcomes = await this.#ask(acts, turn);
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
    const { allocator, ledger } = this.#context;
    const settled = outcomes.filter((outcome) => !isToRepeat(allocator, acts, outcome));
    if (settled.length === 0) return [];
    ledger.commit(outboxRemovals(settled.map(({ actId }) => actId)));
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

  #grant(instanceId: string, timeMs: number, turn: Turn): CoordinatorEvent[] {
    const { grant, acts } = grantRestart(this.#context, instanceId, timeMs);
    turn.grants.push(grant);
    if (grant.reservationId !== null && isShort(grant)) this.#short.add(grant.reservationId);
    return [
      { kind: "granted", instanceId },
      { kind: "posted", acts },
    ];
  }

  #letGo(instanceId: string): CoordinatorEvent[] {
    const { allocator, instances } = this.#context;
    const { ownerId } = instances.require(instanceId);
    if (allocator.allocationOf(instanceId) === undefined) return [];
    const acts = allocator.transact(() => {
      const lease = allocator.reservationOfOwner(ownerId);
      allocator.release(instanceId);
      const after = lease && allocator.reservation(lease.reservationId);
      return lease?.state === "claimed" && after ? giveBackActs(allocator, [after]) : [];
    }, outboxChanges);
    return [{ kind: "posted", acts }];
  }

  #endHolds(requestId: string): CoordinatorEvent[] {
    const { allocator } = this.#context;
    const held = [...allocator.reservations()].filter(
      ({ ownerId, state }) => state === "held" && isHoldOf(requestId, ownerId),
    );
    const open = [...this.#state.plans.values()].filter(
      ({ record }) => record.requestId === requestId,
    );
    const acts = allocator.transact(
      () => {
        const ended = held.map(({ reservationId, fencingToken }) =>
          allocator.releaseReservation(reservationId, fencingToken),
        );
        return giveBackActs(allocator, ended);
      },
      (posted) => [
        ...outboxChanges(posted),
        { table: "meta", key: `pending/${requestId}`, remove: true },
        ...open.map(({ record }) => ({ table: "plan", key: record.planId, put: record }) as const),
      ],
    );
    return [{ kind: "posted", acts }];
  }
}

type BookEffect = Extract<Effect, { readonly kind: "decide" | "finish" }>;

function isOfBooks(effect: Effect): effect is BookEffect {
  return effect.kind === "decide" || effect.kind === "finish";
}

function newTurn(): Turn {
  return { decisions: [], grants: [], engineFailures: [], tally: newTally(), expiredCount: 0 };
}

/** The allocator's word against a plan; anything else is not for the decision to swallow. */
function refusalOf(error: unknown): Reason | undefined {
  if (!isRepriseError(error)) return undefined;
  const { code, message } = error;
  if (code !== "ERR_NO_ROOM" && code !== "ERR_STATE" && code !== "ERR_UNKNOWN_ID") {
    return undefined;
  }
  return { code: "ALLOCATOR_REFUSED", text: `${code} ${message}` };
}

function metCycle({ candidates }: DecisionRecord): boolean {
  return candidates.some(({ excludedBy }) => excludedBy === "DISPLACEMENT_CYCLE");
}
