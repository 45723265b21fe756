/**
 * From inputs to a verdict, and from a verdict to its record. Pure: the same inputs and the same
 * answers of the allocator give the same bytes.
 */
import { keepItems, keptCanonicalJson } from "../ledger/encoding.js";
import type { CandidateScore, DecisionRecord, Reason, VerdictKind } from "../ledger/records.js";
import { sha256 } from "../ledger/seal.js";
import { type Candidate, isCandidate } from "./candidates.js";
import { earliestSuccessMs, restsUntilMs } from "./forecast.js";
import type { PlanningInputs, RecordedInputs } from "./inputs.js";
import { type AskBooks, type AskDonors, DonorTape, type PlanInputs, playBack } from "./inputs.js";
import { EndsTape } from "./lease-ends.js";
import { compareLoss } from "./plan-loss.js";
import { type Proposal, propose } from "./planner.js";
import { backoffMs, HOUR_MS } from "./policy.js";
import { firstOfEachCode, noRoomReasons } from "./reasons.js";
import { neverReasons } from "./refusal.js";
import { AheadTape, aheadOf } from "./room-ahead.js";
import { forecastLatenessMs, furtherWaitMs, UNKNOWN_WAIT_MS } from "./waits.js";

export interface Verdict {
  readonly kind: VerdictKind;
  readonly proposal: Proposal;
  readonly reasons: readonly Reason[];
  readonly retryAtMs?: number;
  readonly nextTryMs?: number;
  readonly forecastMs?: number;
  readonly tentative?: readonly string[];
  readonly recorded: RecordedInputs;
}

/** A request for somebody that rests is tried again after this, or when the rest is over. */
const REST_TRY_MS = HOUR_MS;

export interface DecisionIds {
  readonly decisionId: string;
  readonly planId?: string;
  /** Of what is not written the hash of the inputs is not worth its time. */
  readonly isDry?: boolean;
}

/**
 * Decides one request. `allocatorRefusal` in the inputs turns a plan into a deferral;
 * what is not in them is asked of `books`, and recorded.
 */
export function decide(inputs: PlanInputs, askDonors: AskDonors, books: AskBooks = {}): Verdict {
  const tape = new DonorTape(askDonors);
  const { staggerMaxMinutes = 0 } = inputs.policy;
  const ahead =
    books.ahead === undefined || staggerMaxMinutes === 0 ? undefined : new AheadTape(books.ahead);
  const ends =
    books.ends === undefined || inputs.leaseEnds !== undefined
      ? undefined
      : new EndsTape(books.ends);
  const asked = {
    ...inputs,
    ...(ahead === undefined ? {} : { ahead: ahead.ask }),
    ...(ends === undefined ? {} : { ends: ends.ask }),
  };
  const outcome = weigh(asked, tape.ask);
  const recorded = {
    ...inputs,
    donorExchanges: tape.exchanges,
    ...(ahead === undefined || ahead.answers.length === 0 ? {} : { aheads: ahead.answers }),
    ...(ends?.answer === undefined ? {} : { leaseEnds: ends.answer }),
  };
  return { ...outcome, recorded };
}

type Outcome = Omit<Verdict, "recorded">;

function weigh(inputs: PlanningInputs, ask: AskDonors): Outcome {
  const { request, nowMs } = inputs;
  const never = inputs.failure === undefined ? neverReasons(inputs) : [];
  if (never.length > 0) {
    const proposal = emptyProposal(propose(inputs, ask, false));
    return { kind: "refuse", proposal, reasons: never };
  }
  const plain = propose(inputs, ask, false);
  const refused = inputs.failure ?? inputs.allocatorRefusal;
  const force = request.force === true && request.deadlineMs !== undefined;
  // Where nobody was spared for want of a place, force would choose the same.
  const sparing = plain.feasible && plain.unplaced.length > 0 && request.kind === "reclaim";
  if (plain.feasible && refused === undefined && !(force && sparing)) return proceed(plain);
  if (force && refused === undefined && (sparing || isForceDue(inputs))) {
    const forced = proposeForced(inputs, ask);
    const better = betterOf(plain, forced);
    if (better === plain) return proceed(plain);
    if (forced.feasible && isForceDue(inputs)) return proceed(forced);
  }
  const { deadlineMs } = request;
  const waitsFor = sparing ? firstOfEachCode(plain.unplaced.flatMap(noRoomReasons)) : plain.reasons;
  const reasons = refused === undefined ? waitsFor : [refused];
  const proposal = emptyProposal(plain);
  if (deadlineMs !== undefined && nowMs >= deadlineMs) {
    const late: Reason = { code: "DEADLINE_TOO_CLOSE", text: "the deadline has passed" };
    return { kind: "refuse", proposal, reasons: [late, ...reasons] };
  }
  const times = retryTimes(inputs, reasons, refused);
  return { kind: "defer", proposal, reasons, ...times, ...tentativeOf(inputs, plain) };
}

/** Whom to interrupt at the next try if nothing changes; what could not be looked at stays. */
function tentativeOf(inputs: PlanInputs, plain: Proposal): Pick<Verdict, "tentative"> {
  const refused = plain.feasible && inputs.allocatorRefusal !== undefined;
  const planned = refused ? victimsOf(plain) : plain.tentative;
  const tentative = inputs.failure === undefined ? planned : inputs.tentative;
  return tentative === undefined || tentative.length === 0 ? {} : { tentative };
}

function victimsOf({ placements }: Proposal): string[] {
  return placements.map(({ candidate }) => candidate.input.instanceId);
}

/**
 * What is not freed the platform takes by eviction, lowest class first, whoever rests: so where
 * those that are rested are not enough, the longer part of the cool-down gives way.
 */
function proposeForced(inputs: PlanningInputs, ask: AskDonors): Proposal {
  const rested = propose(inputs, ask, true);
  const { coolDownMinutes, coolDownForcedMinutes } = inputs.policy;
  const isMet = rested.feasible && rested.uncovered === undefined;
  const isCooling = rested.judged.some((each) => !isCandidate(each) && each.code === "COOL_DOWN");
  if (isMet || !isCooling || coolDownForcedMinutes >= coolDownMinutes) return rested;
  const policy = { ...inputs.policy, coolDownMinutes: coolDownForcedMinutes };
  const anybody = propose({ ...inputs, policy }, ask, true);
  return anybody.feasible ? anybody : rested;
}

function isForceDue({ request, nowMs, policy }: PlanInputs): boolean {
  const { force, deadlineMs } = request;
  return force === true && deadlineMs !== undefined && nowMs + policy.forceLeadMs >= deadlineMs;
}

/**
 * Whoever set `force` accepts that a restart goes short. Then sparing somebody of a low class who
 * has no place, at the cost of higher classes or of many more, is not what was asked for: such a
 * plan waits for the room until force is due.
 */
function betterOf(plain: Proposal, forced: Proposal): Proposal {
  if (!plain.feasible) return forced;
  if (!forced.feasible || forced.uncovered !== undefined) return plain;
  return compareLoss(plain, forced) <= 0 ? plain : forced;
}

function proceed(proposal: Proposal): Outcome {
  return { kind: "proceed", proposal, reasons: proposal.reasons };
}

/** What was looked at without what would be done. */
function emptyProposal(proposal: Proposal): Proposal {
  return { ...proposal, placements: [], holds: [] };
}

/**
 * By when it will succeed: the first time at which the forecast lets the plan succeed, later by as
 * much as forecasts were late before; without a forecast by what requests like it had to wait. It
 * is tried again before that: at the forecast itself, else soon, because a try costs little and
 * room may come early. Neither is past the deadline, because then it has to be answered.
 */
function retryTimes(inputs: PlanInputs, reasons: readonly Reason[], refused: Reason | undefined) {
  const { nowMs, policy, request, attempts, pastWaits = [], firstDeferral } = inputs;
  const forecastMs = refused === undefined ? earliestSuccessMs(inputs) : undefined;
  const backoff = backoffMs(attempts, policy);
  const waitedMs = nowMs - (firstDeferral?.decidedMs ?? nowMs);
  const code = firstDeferral?.code ?? reasons[0]?.code;
  const further =
    furtherWaitMs(pastWaits, code, waitedMs) ?? (refused === undefined ? UNKNOWN_WAIT_MS : backoff);
  const restsMs = refused === undefined ? (restsUntilMs(inputs) ?? nowMs) : nowMs;
  const wishedMs =
    forecastMs === undefined
      ? Math.max(restsMs, nowMs + further)
      : forecastMs + forecastLatenessMs(pastWaits);
  const { deadlineMs } = request;
  const lastMs =
    deadlineMs === undefined
      ? wishedMs
      : request.force === true
        ? deadlineMs - policy.forceLeadMs
        : deadlineMs;
  const retryAtMs = Math.max(nowMs + 1, Math.min(wishedMs, lastMs));
  // Before the end of its rest there is nothing to find out but that it is gone.
  const soonestMs = Math.max(nowMs + backoff, Math.min(restsMs, nowMs + REST_TRY_MS));
  const nextTryMs = Math.min(retryAtMs, forecastMs ?? soonestMs);
  return { retryAtMs, nextTryMs, ...(forecastMs === undefined ? {} : { forecastMs }) };
}

/** The record of a verdict, with everything needed to make it again. */
export function decisionRecord(verdict: Verdict, ids: DecisionIds): DecisionRecord {
  const { proposal, recorded } = verdict;
  const victims = victimsOf(proposal);
  const runnerUp = runnerUpOf(proposal, new Set(victims));
  return {
    decisionId: ids.decisionId,
    requestId: recorded.request.requestId,
    kind: verdict.kind,
    decidedMs: recorded.nowMs,
    reasons: verdict.reasons,
    ...deferralOf(verdict),
    ...(ids.planId === undefined ? {} : { planId: ids.planId }),
    victims,
    candidates: scoresOf(proposal),
    ...(runnerUp === undefined ? {} : { runnerUp }),
    ...(ids.isDry === true ? {} : { inputsHash: hashOf(recorded) }),
    inputs: recorded,
    modelVersion: recorded.modelVersion,
  };
}

function hashOf(recorded: RecordedInputs): string {
  // The same nodes are looked at again and again.
  keepItems(recorded.nodes);
  return sha256(keptCanonicalJson(recorded));
}

function deferralOf({ retryAtMs, nextTryMs, forecastMs, tentative }: Verdict) {
  return {
    ...(retryAtMs === undefined ? {} : { retryAtMs }),
    ...(nextTryMs === undefined ? {} : { nextTryMs }),
    ...(forecastMs === undefined ? {} : { forecastMs }),
    ...(tentative === undefined ? {} : { tentative }),
  };
}

/**
 * Makes a recorded decision again from its inputs alone.
 *
 * @returns the record; its canonical JSON equals that of the one given unless it was tampered with
 */
export function replayDecision(record: DecisionRecord): DecisionRecord {
  const { donorExchanges, aheads, ...recorded } = record.inputs as RecordedInputs;
  // Of nodes the text is remembered; these are the caller's, who may change them.
  const inputs = { ...recorded, nodes: recorded.nodes.map((node) => ({ ...node })) };
  const verdict = decide(inputs, playBack(donorExchanges), { ahead: aheadOf(aheads) });
  const { decisionId, planId } = record;
  return decisionRecord(verdict, { decisionId, ...(planId === undefined ? {} : { planId }) });
}

function scoresOf(proposal: Proposal): CandidateScore[] {
  const placed = new Map(
    proposal.placements.map(({ candidate, availability }) => [
      candidate.input.instanceId,
      availability,
    ]),
  );
  const unplaced = new Set(proposal.unplaced.map(({ candidate }) => candidate.input.instanceId));
  return proposal.judged.map((judged) => {
    const { instanceId, priority } = judged.input;
    const { gain = 0, score = 0 } = proposal.scores.get(instanceId) ?? {};
    if (!isCandidate(judged)) {
      const none = { cost: 0, gain: 0, score: 0, availability: 0, chosen: false };
      return { instanceId, priority: priority ?? 0, ...none, excludedBy: judged.code };
    }
    const { cost, lostCoreHours } = judged;
    const chosen = placed.has(instanceId);
    const availability = placed.get(instanceId) ?? judged.availability;
    const said = { instanceId, priority: judged.priority, cost, lostCoreHours, gain, score };
    const isOut = unplaced.has(instanceId) && !chosen;
    const excludedBy = isOut ? { excludedBy: "NO_ROOM_CPU" as const } : {};
    return { ...said, availability, chosen, ...excludedBy };
  });
}

/** The best of those that were spared: lowest class, then highest score. */
function runnerUpOf(proposal: Proposal, victims: ReadonlySet<string>): string | undefined {
  const score = (candidate: Candidate) =>
    proposal.scores.get(candidate.input.instanceId)?.score ?? 0;
  const spared = proposal.judged
    .filter(isCandidate)
    .filter(({ input }) => !victims.has(input.instanceId));
  spared.sort((a, b) => a.priority - b.priority || score(b) - score(a));
  return spared[0]?.input.instanceId;
}
