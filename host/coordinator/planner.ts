/**
 * Makes a plan for one request, from plain inputs to a plain proposal.
 *
 * Goals: whoever asks fits afterwards; every victim's restart is reserved; neighbours shrink
 * before anyone is interrupted; lower classes before higher ones. Non-goals: acting, storing.
 */
import type { Reason, ShrinkRecord } from "../ledger/records.js";
import {
  type Candidate,
  type Exclusion,
  evictionCost,
  GroupBudgets,
  isCandidate,
  judge,
} from "./candidates.js";
import { type Cover, selectVictims } from "./cover.js";
import { DonorBounds } from "./donor-bounds.js";
import { type ShrinksByNode, type TrimmedShrinks, trimShrinks } from "./donor-trim.js";
import type { AskDonors, PlanInputs, PlanningInputs } from "./inputs.js";
import { leftInHour } from "./losses.js";
import { isPlaced, type Placement, place, placementOrder, type Unplaced } from "./placement.js";
import {
  budgetReason,
  exclusionReasons,
  firstOfEachCode,
  noRoomReasons,
  shortfallReason,
  shortfallReasons,
  uncoveredReason,
} from "./reasons.js";
import {
  applyShrinks,
  freedBeside,
  type Hold,
  holdRoom,
  lessGiven,
  shortOf,
} from "./request-room.js";
import { Rooms } from "./rooms.js";
import { type Evictable, leastWithEvictions } from "./short-cover.js";
import { isWorthChanging, keptCover } from "./tentative.js";
import type { CoordinatorPolicy, ReclaimRequest } from "./types.js";

/** Victims without a place that are left out before a plan is given up. */
const UNPLACED_MAX = 32;

/** The group of leases that keep room for a request, and of nobody else. */
export const HOLD_GROUP = "hold";

export interface Proposal {
  readonly feasible: boolean;
  readonly judged: readonly (Candidate | Exclusion)[];
  readonly placements: readonly Placement[];
  readonly holds: readonly Hold[];
  /** What binds when not feasible; what is short when forced. */
  readonly reasons: readonly Reason[];
  readonly scores: Cover["scores"];
  /** Among those whose restart has a place; absent where nobody was picked for the room. */
  readonly bounds?: Cover["bounds"];
  /** What even force could not cover, one value a resource. */
  readonly uncovered?: readonly number[];
  /** How many neighbours shrink for the room, and the fewest that could give as much. */
  readonly donorCount?: number;
  readonly donorCountMin?: number;
  /** Victims that would free enough but whose restart has no place. */
  readonly unplaced: readonly Unplaced[];
  /** Whom to interrupt if every restart had a place; absent where nobody or not enough could. */
  readonly tentative?: readonly string[];
  /** The victims, or those meant where it is not feasible, are those of the last deferral. */
  readonly isKept?: boolean;
}

/** Where an attempt stands at the beginning of a round. */
interface Standing {
  readonly judged: readonly (Candidate | Exclusion)[];
  readonly shrinks: ShrinksByNode;
  readonly unplaced: readonly Unplaced[];
  /** How many without a place the round may find. */
  readonly dropMax: number;
}

/** A cover that is covered anew without those of its victims who have no place. */
type Outcome = Proposal | readonly Unplaced[];

function isRefused(outcome: Outcome): outcome is readonly Unplaced[] {
  return Array.isArray(outcome);
}

/**
 * A round leaves out one victim who cannot be placed, since others may have a place without it. Where
 * that has not helped a few times it leaves out more and more.
 */
function dropsOf(round: number, { singleDropRounds = UNPLACED_MAX }: CoordinatorPolicy): number {
  return round < singleDropRounds ? 1 : 2 ** (round - singleDropRounds + 1);
}

export function propose(inputs: PlanningInputs, askDonors: AskDonors, force: boolean): Proposal {
  const { request } = inputs;
  const ask: AskDonors = force ? (search) => askDonors({ ...search, forced: true }) : askDonors;
  if (request.kind === "interrupt") return proposeInterruption(inputs, ask, force);
  if (request.purpose === "capacity-loss") {
    return new Reclaim(inputs, request, { ask, force }).on(request.nodeIds);
  }
  // A requester has to fit on one node.
  const proposals = request.nodeIds.map((nodeId) =>
    new Reclaim(inputs, request, { ask, force }).on([nodeId]),
  );
  const best = proposals.reduce((least, next) =>
    compareProposals(next, least) < 0 ? next : least,
  );
  const kept = proposals.find(({ isKept }) => isKept === true);
  return kept === undefined || isBetterBy(best, kept, inputs) ? best : kept;
}

/** Whether the place of another node is worth other victims than those of the last deferral. */
function isBetterBy(best: Proposal, kept: Proposal, { policy }: PlanInputs): boolean {
  if (best.feasible !== kept.feasible) return best.feasible;
  const [before, after] = [kept, best].map(({ placements }) =>
    placements.map(({ candidate }) => candidate),
  );
  return isWorthChanging(before ?? [], after ?? [], policy.switchSavingRatio);
}

function proposeInterruption(inputs: PlanningInputs, ask: AskDonors, force: boolean): Proposal {
  const rooms = new Rooms(inputs.nodes);
  const judged = inputs.instances.map((input) => judge(input, inputs, rooms));
  const [candidate] = judged;
  const empty = { judged, placements: [], holds: [], scores: new Map(), unplaced: [] };
  if (candidate === undefined) return { ...empty, feasible: false, reasons: [] };
  if (!isCandidate(candidate)) {
    return { ...empty, feasible: false, reasons: exclusionReasons([candidate]) };
  }
  if (budgetsOf(inputs).left(candidate.input.groupId) < 1) {
    return { ...empty, feasible: false, reasons: [budgetReason([candidate.input.groupId])] };
  }
  rooms.addFlat(candidate.input.nodeId, candidate.input.freed, 1);
  const spent = new Set([candidate.input.instanceId]);
  const bounds = new DonorBounds(ask);
  const result = place(candidate, { inputs, rooms, ask, bounds, spent, force });
  if (!isPlaced(result)) {
    const reasons = noRoomReasons(result);
    return { ...empty, feasible: false, reasons, unplaced: [result] };
  }
  return { ...empty, feasible: true, placements: [result], reasons: shortfallReasons([result]) };
}

/**
 * One attempt to free `request.amounts` on the given nodes, taken together.
 *
 * Under force the cheapest cover is taken as it is and whoever has no place goes short. Letting one
 * after the other go short, the smallest lack first, was tried and is worse: on the bundled replay
 * 65 victims of reclaims instead of 52 and 31 short restarts instead of 23.
 */
class Reclaim {
  readonly #inputs: PlanningInputs;
  readonly #request: ReclaimRequest;
  readonly #ask: AskDonors;
  readonly #bounds: DonorBounds;
  readonly #force: boolean;
  /** One working copy: nobody needs it any more when the next step starts over. */
  readonly #rooms: Rooms;
  /** Of the last deferral, until it is seen that one of their restarts has no place. */
  #remembered: readonly string[];
  #tentative: Pick<Proposal, "tentative" | "isKept"> | undefined;

  constructor(
    inputs: PlanningInputs,
    request: ReclaimRequest,
    how: { readonly ask: AskDonors; readonly force: boolean },
  ) {
    this.#inputs = inputs;
    this.#request = request;
    this.#ask = how.ask;
    this.#bounds = new DonorBounds(how.ask);
    this.#force = how.force;
    this.#rooms = new Rooms(inputs.nodes);
    this.#remembered = inputs.tentative ?? [];
  }

  on(nodeIds: readonly string[]): Proposal {
    const rooms = this.#startOver();
    const scope = new Set(nodeIds);
    const here = this.#inputs.instances.filter(({ nodeId }) => scope.has(nodeId));
    const judged = here.map((input) => judge(input, this.#inputs, rooms));
    const shrinks = this.#shrinkFirst(nodeIds, rooms);
    const unplaced: Unplaced[] = [];
    let proposal: Proposal | undefined;
    for (let round = 0; proposal === undefined && unplaced.length < UNPLACED_MAX; round++) {
      const dropMax = Math.min(dropsOf(round, this.#inputs.policy), UNPLACED_MAX - unplaced.length);
      const outcome = this.#round(nodeIds, { judged, shrinks, unplaced, dropMax });
      if (isRefused(outcome)) unplaced.push(...outcome);
      else proposal = outcome;
    }
    proposal ??= this.#infeasible(judged, unplaced, this.#request.amounts, new Map());
    return { ...this.#tentative, ...proposal };
  }

  #startOver(): Rooms {
    this.#rooms.reset();
    return this.#rooms;
  }

  /** What neighbours on each node give towards what is short there; asked once. */
  #shrinkFirst(nodeIds: readonly string[], rooms: Rooms): ReadonlyMap<string, ShrinkRecord[]> {
    const given = new Map<string, ShrinkRecord[]>();
    let needed = shortOf(this.#request.amounts, nodeIds, rooms);
    for (const nodeId of nodeIds) {
      if (needed.every((amount) => amount <= 0)) break;
      if (rooms.isOvercommitted(nodeId)) continue;
      const missing = needed.map((amount) => Math.max(0, amount));
      const answer = [...this.#ask({ nodeId, groupId: HOLD_GROUP, missing, partial: true })];
      if (answer.length === 0) continue;
      given.set(nodeId, answer);
      for (const shrink of answer) {
        needed = needed.map((amount, resource) => amount - (shrink.given[resource] ?? 0));
      }
    }
    return given;
  }

  #round(nodeIds: readonly string[], so: Standing): Outcome {
    const { judged, shrinks, unplaced } = so;
    const rooms = this.#startOver();
    const givenBy = applyShrinks(shrinks, rooms);
    const needed = shortOf(this.#request.amounts, nodeIds, rooms);
    const dropped = new Set(unplaced.map(({ candidate }) => candidate.input.instanceId));
    const candidates = judged
      .filter(isCandidate)
      .filter(({ input }) => !dropped.has(input.instanceId))
      .map((candidate) => lessGiven(candidate, givenBy));
    const problem = { needed, candidates, budgets: budgetsOf(this.#inputs) };
    let cover = selectVictims(problem);
    if (!cover.covered) {
      const partly = this.#force && this.#request.purpose === "capacity-loss";
      if (!partly) return this.#infeasible(judged, unplaced, cover.left, cover.scores);
      cover = leastWithEvictions(cover, problem, this.#evictables(judged, givenBy));
      return this.#settleTrimmed(nodeIds, cover, so);
    }
    const savingRatio = this.#inputs.policy.switchSavingRatio;
    const kept = keptCover(this.#remembered, cover, { problem, savingRatio });
    const isKept = isOf(kept ?? cover, this.#remembered);
    this.#tentative ??= { tentative: idsOf(kept ?? cover), isKept };
    if (kept !== undefined) {
      const outcome = this.#settleTrimmed(nodeIds, kept, so);
      if (!isRefused(outcome)) return { ...outcome, isKept };
      this.#remembered = [];
    }
    const outcome = this.#settleTrimmed(nodeIds, cover, so);
    return isRefused(outcome) ? outcome : { ...outcome, isKept: isOf(cover, this.#remembered) };
  }

  /** Lets neighbours keep what the victims have made needless, unless a restart needs it. */
  #settleTrimmed(nodeIds: readonly string[], cover: Cover, so: Standing): Outcome {
    const { shrinks } = so;
    const victims = new Set(cover.victims.map(({ input }) => input.instanceId));
    const trimmed = trimShrinks(shrinks, cover.spare, victims);
    const settled = { ...so, shrinks: trimmed.shrinks, donors: trimmed };
    const outcome = this.#settle(nodeIds, cover, settled);
    if (!isRefused(outcome) || !trimmed.changed) return outcome;
    return this.#settle(nodeIds, cover, so);
  }

  #evictables(
    judged: readonly (Candidate | Exclusion)[],
    givenBy: ReadonlyMap<string, readonly number[]>,
  ): Evictable[] {
    return judged
      .filter(({ input }) => input.up)
      .map(({ input }) => ({
        instanceId: input.instanceId,
        priority: input.priority ?? Number.POSITIVE_INFINITY,
        freed: freedBeside(input, givenBy),
        cost: evictionCost(input, this.#inputs),
      }));
  }

  /** Holds the room, then places the restarts, with these shrinks. */
  #settle(
    nodeIds: readonly string[],
    cover: Cover,
    so: Standing & { readonly donors?: TrimmedShrinks },
  ): Outcome {
    const { shrinks, donors } = so;
    const rooms = this.#startOver();
    const givenBy = applyShrinks(shrinks, rooms);
    for (const { input } of cover.victims) rooms.addFlat(input.nodeId, input.freed, 1);
    const victims = new Set(cover.victims.map(({ input }) => input.instanceId));
    const holds = holdRoom(this.#request.amounts, nodeIds, rooms, { shrinks, victims });
    const outcome = this.#placeAll(cover, rooms, { ...so, holds, givenBy });
    if (isRefused(outcome) || donors === undefined || donors.donorCount === 0) return outcome;
    return { ...outcome, donorCount: donors.donorCount, donorCountMin: donors.donorCountMin };
  }

  #placeAll(
    cover: Cover,
    rooms: Rooms,
    so: {
      readonly judged: readonly (Candidate | Exclusion)[];
      readonly holds: readonly Hold[];
      readonly unplaced: readonly Unplaced[];
      readonly dropMax: number;
      readonly givenBy: ReadonlyMap<string, readonly number[]>;
    },
  ): Outcome {
    const spent = new Set([
      ...cover.victims.map(({ input }) => input.instanceId),
      ...so.givenBy.keys(),
    ]);
    const how = { ask: this.#ask, bounds: this.#bounds, force: this.#force };
    const task = { inputs: this.#inputs, rooms, spent, ...how };
    const placements: Placement[] = [];
    const refused: Unplaced[] = [];
    for (const candidate of placementOrder(cover.victims)) {
      const result = place(candidate, task);
      if (isPlaced(result)) placements.push(result);
      else refused.push(result);
      if (refused.length === so.dropMax) break;
    }
    if (refused.length > 0) return refused;
    const reasons = shortfallReasons(placements);
    if (!cover.covered) reasons.push(shortfallReason(cover));
    const { judged, holds, unplaced } = so;
    const { scores, bounds } = cover;
    const left = cover.covered ? {} : { uncovered: cover.left };
    return {
      feasible: true,
      judged,
      placements,
      holds,
      reasons,
      scores,
      bounds,
      unplaced,
      ...left,
    };
  }

  #infeasible(
    judged: readonly (Candidate | Exclusion)[],
    unplaced: readonly Unplaced[],
    left: readonly number[],
    scores: Cover["scores"],
  ): Proposal {
    const exclusions = judged.filter((each): each is Exclusion => !isCandidate(each));
    const reasons = [...unplaced.flatMap(noRoomReasons), ...exclusionReasons(exclusions)];
    const budgets = budgetsOf(this.#inputs);
    const groups = judged.filter(isCandidate).map(({ input }) => input.groupId);
    const spent = [...new Set(groups)].filter((groupId) => budgets.left(groupId) < 1);
    if (spent.length > 0) reasons.push(budgetReason(spent.sort()));
    reasons.push(uncoveredReason("NO_CANDIDATES", left));
    return {
      feasible: false,
      judged,
      placements: [],
      holds: [],
      reasons: firstOfEachCode(reasons),
      scores,
      unplaced,
    };
  }
}

function idsOf({ victims }: Cover): string[] {
  return victims.map(({ input }) => input.instanceId);
}

function isOf({ victims }: Cover, remembered: readonly string[]): boolean {
  if (victims.length === 0 || remembered.length === 0) return false;
  const known = new Set(remembered);
  return victims.every(({ input }) => known.has(input.instanceId));
}

function budgetsOf(inputs: PlanInputs): GroupBudgets {
  const budgets = new GroupBudgets(inputs.policy.groupBudget);
  for (const { groupId } of inputs.down) budgets.take(groupId);
  for (const { groupId } of inputs.groupLosses ?? []) {
    budgets.limit(groupId, leftInHour(inputs, groupId));
  }
  return budgets;
}

/** Feasible first, then the lower class touched, then the cost, then fewer victims. */
function compareProposals(a: Proposal, b: Proposal): number {
  if (a.feasible !== b.feasible) return a.feasible ? -1 : 1;
  const key = ({ placements, unplaced }: Proposal): readonly number[] => [
    Math.max(Number.NEGATIVE_INFINITY, ...placements.map(({ candidate }) => candidate.priority)),
    placements.reduce((sum, { candidate }) => sum + candidate.cost, 0),
    placements.length,
    unplaced.length,
  ];
  const [left, right] = [key(a), key(b)];
  for (let index = 0; index < left.length; index++) {
    const [x = 0, y = 0] = [left[index], right[index]];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
