/**
 * What the coordinator remembers between turns, and how it changes: a pure function from a state
 * and an event to the next state and the effects to carry out. No clock, no ports, no randomness.
 */
import type { Act, ActOutcome } from "../engines/engine.js";
import type { DecisionRecord, PlanRecord } from "../ledger/records.js";
import { VersionedMap } from "../lib/versioned-map.js";
import { type DownInstance, DownInstances } from "./down-instances.js";
import {
  isPlanCarriedOut,
  isStillShrinking,
  nextActIds,
  unansweredActs,
  victimOfAct,
} from "./plan-acts.js";
import type { CoordinatorRequest } from "./types.js";
import type { FirstDeferral } from "./waits.js";

export interface PendingRequest {
  readonly request: CoordinatorRequest;
  /** Deferrals so far. */
  readonly attempts: number;
  readonly dueMs: number;
  readonly firstDeferral?: FirstDeferral;
  /** Whom the last deferral would have interrupted; absent is nobody. */
  readonly tentative?: readonly string[];
}

export interface OpenPlan {
  readonly record: PlanRecord;
  readonly request: CoordinatorRequest;
  readonly down: readonly DownInstance[];
  /** Interruptions that the engine refused. */
  readonly refusedActs: readonly string[];
}

export interface CoordinatorState {
  readonly pending: VersionedMap<string, PendingRequest>;
  /** Committed and not yet carried out. */
  readonly plans: ReadonlyMap<string, OpenPlan>;
  /** Interrupted by a plan and not yet restarted, or about to be. */
  readonly down: DownInstances;
  /** Grants and give-backs that the engine has not confirmed, by act id. */
  readonly outbox: ReadonlyMap<string, Act>;
}

export const EMPTY_STATE: CoordinatorState = {
  pending: new VersionedMap(),
  plans: new Map(),
  down: new DownInstances(),
  outbox: new Map(),
};

export type CoordinatorEvent =
  | { readonly kind: "requested"; readonly request: CoordinatorRequest }
  | { readonly kind: "withdrawn"; readonly requestId: string }
  | { readonly kind: "restarted"; readonly instanceId: string; readonly timeMs: number }
  | { readonly kind: "granted"; readonly instanceId: string }
  | { readonly kind: "stopped"; readonly instanceId: string; readonly timeMs: number }
  /**
   * Requests that are due are decided; of those that were deferred before so many at the most, but
   * those whose deadline is no more than `leadMs` away in any case.
   */
  | {
      readonly kind: "ticked";
      readonly nowMs: number;
      readonly retriesMax: number;
      readonly leadMs: number;
    }
  | {
      readonly kind: "decided";
      readonly decision: DecisionRecord;
      readonly pending: PendingRequest;
      readonly plan?: OpenPlan;
    }
  | {
      readonly kind: "acted";
      readonly planId: string;
      readonly outcomes: readonly ActOutcome[];
    }
  | { readonly kind: "finished"; readonly planId: string; readonly nowMs: number }
  | { readonly kind: "posted"; readonly acts: readonly Act[] }
  | { readonly kind: "answered"; readonly outcomes: readonly ActOutcome[] };

export type Effect =
  | { readonly kind: "decide"; readonly pending: PendingRequest }
  /** Send the plan's next acts. */
  | { readonly kind: "act"; readonly plan: OpenPlan }
  /** Every act is answered: write the plan's end, give back what did not happen. */
  | { readonly kind: "finish"; readonly plan: OpenPlan }
  | { readonly kind: "send"; readonly acts: readonly Act[] }
  | { readonly kind: "grant"; readonly instanceId: string; readonly timeMs: number }
  | { readonly kind: "let-go"; readonly instanceId: string; readonly timeMs: number }
  | { readonly kind: "end-holds"; readonly requestId: string };

export interface Transition {
  readonly state: CoordinatorState;
  readonly effects: readonly Effect[];
}

export function transition(state: CoordinatorState, event: CoordinatorEvent): Transition {
  switch (event.kind) {
    case "requested":
      return onRequested(state, event.request);
    case "withdrawn":
      return onWithdrawn(state, event.requestId);
    case "restarted":
      return onRestarted(state, event);
    case "granted":
      return onGranted(state, event.instanceId);
    case "stopped":
      return onStopped(state, event);
    case "ticked":
      return onTicked(state, event);
    case "decided":
      return onDecided(state, event);
    case "acted":
      return onActed(state, event);
    case "finished":
      return onFinished(state, event);
    case "posted":
      return onPosted(state, event.acts);
    case "answered":
      return onAnswered(state, event.outcomes);
  }
}

function onRequested(state: CoordinatorState, request: CoordinatorRequest): Transition {
  const pending = { request, attempts: 0, dueMs: request.receivedMs };
  return quiet({ ...state, pending: state.pending.with(request.requestId, pending) });
}

function onWithdrawn(state: CoordinatorState, requestId: string): Transition {
  const pending = state.pending.without(requestId);
  const plans = new Map(state.plans);
  const effects: Effect[] = [{ kind: "end-holds", requestId }];
  for (const [planId, plan] of state.plans) {
    if (plan.record.requestId !== requestId) continue;
    const next = withdrawnPlan(plan);
    plans.set(planId, next);
    if (nextActIds(next).length === 0) effects.push(nextStep(next));
  }
  return { state: { ...state, pending, plans }, effects };
}

/**
 * Nobody is interrupted for a request that is over, as long as nobody was told to stop. After that
 * the plan goes on: what was told may have happened, whatever became of the answer.
 */
export function withdrawnPlan(plan: OpenPlan): OpenPlan {
  const record: PlanRecord = { ...plan.record, withdrawn: true };
  const unanswered = isStillShrinking(plan) ? unansweredActs(plan) : [];
  return { ...plan, record, refusedActs: union(plan.refusedActs, unanswered) };
}

/** Open plans first, in the order in which they were made; then requests, nearest deadline first. */
function onTicked(
  state: CoordinatorState,
  { nowMs, retriesMax, leadMs }: Extract<CoordinatorEvent, { kind: "ticked" }>,
): Transition {
  const effects: Effect[] = [];
  if (state.outbox.size > 0) effects.push({ kind: "send", acts: [...state.outbox.values()] });
  for (const plan of state.plans.values()) effects.push(nextStep(plan));
  const due = state.pending.values().filter(({ dueMs }) => dueMs <= nowMs);
  due.sort(byUrgency);
  const canWait = ({
    attempts,
    request: { deadlineMs = Number.POSITIVE_INFINITY },
  }: PendingRequest) => attempts > 0 && nowMs < deadlineMs - leadMs;
  // Those that wait longest first, so that everybody's turn comes.
  const retries = due.filter(canWait).sort((a, b) => a.dueMs - b.dueMs || byUrgency(a, b));
  const left = new Set(retries.slice(retriesMax));
  for (const pending of due) {
    if (!left.has(pending)) effects.push({ kind: "decide", pending });
  }
  return { state, effects };
}

function byUrgency(a: PendingRequest, b: PendingRequest): number {
  const deadline = (each: PendingRequest) => each.request.deadlineMs ?? Number.MAX_VALUE;
  return (
    deadline(a) - deadline(b) ||
    a.request.receivedMs - b.request.receivedMs ||
    (a.request.requestId < b.request.requestId ? -1 : 1)
  );
}

function onDecided(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "decided" }>,
): Transition {
  const { decision, pending, plan } = event;
  const { requestId } = pending.request;
  if (decision.kind === "defer") {
    const next = state.pending.with(requestId, deferred(pending, decision));
    return quiet({ ...state, pending: next });
  }
  const without = { ...state, pending: state.pending.without(requestId) };
  if (plan === undefined) return quiet(without);
  const down = state.down.with(plan.down);
  const plans = withEntry(state.plans, plan.record.planId, plan);
  return { state: { ...without, down, plans }, effects: [nextStep(plan)] };
}

/** A request after one more deferral. */
export function deferred(pending: PendingRequest, decision: DecisionRecord): PendingRequest {
  const { decidedMs, nextTryMs, retryAtMs, forecastMs, reasons, tentative } = decision;
  const forecast = forecastMs === undefined ? {} : { forecastMs };
  const first = { decidedMs, code: reasons[0]?.code ?? "NO_CANDIDATES", ...forecast } as const;
  return {
    request: pending.request,
    attempts: pending.attempts + 1,
    dueMs: nextTryMs ?? retryAtMs ?? decidedMs,
    firstDeferral: pending.firstDeferral ?? first,
    ...(tentative === undefined ? {} : { tentative }),
  };
}

function onActed(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "acted" }>,
): Transition {
  const plan = state.plans.get(event.planId);
  if (plan === undefined) return quiet(state);
  const isConfirmed = ({ status }: ActOutcome) => status === "confirmed";
  const confirmed = event.outcomes.filter(isConfirmed).map(({ actId }) => actId);
  const refused = event.outcomes.filter((each) => !isConfirmed(each)).map(({ actId }) => actId);
  return advance(state, plan, { confirmed, refused });
}

function advance(
  state: CoordinatorState,
  plan: OpenPlan,
  answers: { readonly confirmed: readonly string[]; readonly refused: readonly string[] },
): Transition {
  const confirmedActs = union(plan.record.confirmedActs, answers.confirmed);
  const refusedActs = union(plan.refusedActs, answers.refused);
  const record: PlanRecord = { ...plan.record, state: "acting", confirmedActs };
  const next: OpenPlan = { ...plan, record, refusedActs };
  const plans = withEntry(state.plans, record.planId, next);
  const progressed =
    confirmedActs.length + refusedActs.length >
    plan.record.confirmedActs.length + plan.refusedActs.length;
  // Without an answer the next tick sends again; asking at once would spin.
  return { state: { ...state, plans }, effects: progressed ? [nextStep(next)] : [] };
}

function nextStep(plan: OpenPlan): Effect {
  return nextActIds(plan).length > 0 ? { kind: "act", plan } : { kind: "finish", plan };
}

function onFinished(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "finished" }>,
): Transition {
  const plan = state.plans.get(event.planId);
  if (plan === undefined) return quiet(state);
  const interrupted = interruptedBy(plan);
  const spared = plan.down.map(({ instanceId }) => instanceId).filter((id) => !interrupted.has(id));
  const next = {
    ...state,
    down: state.down.without(spared),
    plans: withoutEntry(state.plans, event.planId),
  };
  if (isPlanCarriedOut(plan) || plan.record.withdrawn === true) return quiet(next);
  // What the engine refused is asked for again, as a fresh request would be.
  const { request } = plan;
  const again = { request, attempts: 1, dueMs: event.nowMs + 1 };
  return quiet({ ...next, pending: next.pending.with(request.requestId, again) });
}

/** Those of the plan's victims that are known to have been stopped. */
export function interruptedBy({ record }: OpenPlan): ReadonlySet<string> {
  return new Set(record.confirmedActs.flatMap((actId) => victimOfAct(actId) ?? []));
}

function onRestarted(
  state: CoordinatorState,
  event: { readonly instanceId: string; readonly timeMs: number },
): Transition {
  const { instanceId, timeMs } = event;
  const seen = confirmBySight(state, instanceId);
  // It counts as down until its grant is written: a grant that fails may be asked for again.
  const grant: Effect = { kind: "grant", instanceId, timeMs };
  return { state: seen.state, effects: [grant, ...seen.effects] };
}

function onGranted(state: CoordinatorState, instanceId: string): Transition {
  return quiet({ ...state, down: state.down.without([instanceId]) });
}

function onStopped(
  state: CoordinatorState,
  event: { readonly instanceId: string; readonly timeMs: number },
): Transition {
  const { instanceId, timeMs } = event;
  if (state.down.has(instanceId)) return confirmBySight(state, instanceId);
  return { state, effects: [{ kind: "let-go", instanceId, timeMs }] };
}

/** A victim that is seen to be down has been interrupted, whatever became of the answer. */
function confirmBySight(state: CoordinatorState, instanceId: string): Transition {
  for (const plan of state.plans.values()) {
    const actId = nextActIds(plan).find((each) => victimOfAct(each) === instanceId);
    if (actId !== undefined) return advance(state, plan, { confirmed: [actId], refused: [] });
  }
  return quiet(state);
}

function onPosted(state: CoordinatorState, acts: readonly Act[]): Transition {
  if (acts.length === 0) return quiet(state);
  const outbox = new Map(state.outbox);
  for (const act of acts) outbox.set(act.actId, act);
  return { state: { ...state, outbox }, effects: [{ kind: "send", acts }] };
}

/** Those that are not to be sent again. */
function onAnswered(state: CoordinatorState, outcomes: readonly ActOutcome[]): Transition {
  const outbox = new Map(state.outbox);
  for (const { actId } of outcomes) outbox.delete(actId);
  return quiet({ ...state, outbox });
}

function quiet(state: CoordinatorState): Transition {
  return { state, effects: [] };
}

function union(left: readonly string[], right: readonly string[]): readonly string[] {
  return [...new Set([...left, ...right])];
}

function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

/** The same map where it is not in it. */
function withoutEntry<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
