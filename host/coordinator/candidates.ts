/** Who may be interrupted for a request, at what cost, and who may not and why. */
import { envelopeRow } from "../core/abi.js";
import type { ReasonCode } from "../ledger/records.js";
import { type Cycle, cycleClosedBy } from "./displacements.js";
import type { InstanceInput, PlanInputs } from "./inputs.js";
import { fairnessFactor } from "./losses.js";
import {
  availability,
  isUsableEnvelope,
  type NodeLoss,
  type Prospects,
  prospects,
  RESTART_MINUTES,
  restartNeed,
} from "./need.js";
import { capEndMs, coolDownEndMs, interruptionCost, MINUTE_MS, minRunEndMs } from "./policy.js";
import { type LeaseSpans, leaseSpans, type Rooms } from "./rooms.js";

export interface Candidate {
  readonly input: InstanceInput;
  readonly priority: number;
  readonly cost: number;
  /** The core-hours of the cost, before fairness among groups raised it. */
  readonly lostCoreHours: number;
  /** Resource x phase, the amounts a restart is promised. */
  readonly need: readonly number[];
  readonly spans: LeaseSpans;
  /** With the room of now and its own, before anybody else takes of it. */
  readonly availability: number;
}

export interface Exclusion {
  readonly input: InstanceInput;
  readonly code: ReasonCode;
  readonly text: string;
  /** When the reason ends by itself; undefined when it does not. */
  readonly untilMs?: number;
}

/** Judges one instance by everything but the other members of the plan. */
export function judge(
  input: InstanceInput,
  inputs: PlanInputs,
  rooms: Rooms,
): Candidate | Exclusion {
  const { nowMs, policy, request } = inputs;
  const priority = input.priority;
  if (!input.up) return exclude(input, "ALREADY_DOWN", "is down already");
  if (priority === null) return exclude(input, "NOT_INTERRUPTIBLE", "has no known priority");
  if (request.kind === "reclaim" && priority > request.priorityMax) {
    const text = `priority ${priority} is above ${request.priorityMax}`;
    return exclude(input, "PRIORITY_TOO_HIGH", text);
  }
  if (!input.interruptible) {
    return exclude(input, "NOT_INTERRUPTIBLE", "was registered as not interruptible");
  }
  const runEndMs = minRunEndMs(input, policy);
  if (runEndMs > nowMs) {
    const text = `has run less than ${policy.minRunMinutes} min`;
    return exclude(input, "MIN_RUN_TIME", text, runEndMs);
  }
  const cycle = cycleOf(input, inputs);
  if (cycle !== undefined) {
    const text = `would close a circle of displacements: ${cycle.path.join(" by ")}`;
    return exclude(input, "DISPLACEMENT_CYCLE", text, cycle.untilMs);
  }
  const capMs = capEndMs(input, nowMs, policy);
  if (capMs !== undefined) {
    const text = `was interrupted ${policy.interruptionsPerDayMax} times within a day`;
    return exclude(input, "INTERRUPTION_CAP", text, capMs);
  }
  const coolEndMs = coolDownEndMs(input, nowMs, policy);
  if (coolEndMs > nowMs) {
    return exclude(input, "COOL_DOWN", "was interrupted a short while ago", coolEndMs);
  }
  if (input.envelope === null || !isUsableEnvelope(input.envelope)) {
    return exclude(input, "PROFILE_UNKNOWN", "has no prediction of its restart need");
  }
  const expected = prospectsOf(input, inputs, rooms);
  const lostCoreHours = costOf(input, input.envelope, { inputs, ...expected });
  return {
    input,
    priority,
    cost: lostCoreHours * fairnessFactor(inputs, input.groupId),
    lostCoreHours,
    need: restartNeed(input.envelope),
    spans: spansOf(input, inputs),
    availability: expected.availability,
  };
}

function cycleOf({ ownerId }: InstanceInput, inputs: PlanInputs): Cycle | undefined {
  const { request, displacements = [], nowMs } = inputs;
  const requester = request.kind === "reclaim" ? request.requesterId : undefined;
  if (requester === undefined) return undefined;
  return cycleClosedBy(displacements, nowMs, { requester, victim: ownerId });
}

export function isCandidate(judged: Candidate | Exclusion): judged is Candidate {
  return "cost" in judged;
}

/** Core-hours when it is evicted: then nothing is reserved for its restart. */
export function evictionCost(input: InstanceInput, inputs: PlanInputs): number {
  const how = { inputs, availability: 0, shortMinutes: RESTART_MINUTES };
  return costOf(input, input.envelope ?? [], how);
}

function costOf(
  input: InstanceInput,
  envelope: readonly number[],
  so: Prospects & { readonly inputs: PlanInputs },
): number {
  const { nowMs, policy } = so.inputs;
  const restartCores = [0, 1, 2].map((phase) => envelope[envelopeRow(0, phase, 0)] ?? 0);
  return interruptionCost(
    {
      allocatedCores: input.freed[0] ?? 0,
      restartCores,
      keepCores: input.keepCores,
      outageMinutes: input.outageMinutes,
      history: input,
      availability: so.availability,
      shortMinutes: so.shortMinutes,
    },
    nowMs,
    policy,
  );
}

/** What the restart can expect of all nodes, its own counted with the room that it leaves. */
function prospectsOf(input: InstanceInput, inputs: PlanInputs, rooms: Rooms): Prospects {
  const { envelope } = input;
  if (envelope === null) return { availability: 0, shortMinutes: RESTART_MINUTES };
  rooms.addFlat(input.nodeId, input.freed, 1);
  const all = rooms.forLeases(spansOf(input, inputs));
  const found = prospects(envelope, all, lossOf(input, inputs, rooms));
  rooms.addFlat(input.nodeId, input.freed, -1);
  return found;
}

/** Chance to place the restart in the rooms as they are. */
export function availabilityIn(input: InstanceInput, inputs: PlanInputs, rooms: Rooms): number {
  const { envelope } = input;
  if (envelope === null) return 0;
  const all = rooms.forLeases(spansOf(input, inputs));
  return availability(envelope, all, lossOf(input, inputs, rooms));
}

function lossOf(
  { outageMinutes }: InstanceInput,
  { policy }: PlanInputs,
  { lossChances }: Rooms,
): NodeLoss {
  const loss = { ratePerHour: policy.nodeLossPerHour, hours: outageMinutes / 60 + 1 };
  return lossChances === undefined ? loss : { ...loss, chances: lossChances };
}

function spansOf({ outageMinutes }: InstanceInput, { policy }: PlanInputs): LeaseSpans {
  return leaseSpans(outageMinutes, policy.graceMs / MINUTE_MS);
}

function exclude(
  input: InstanceInput,
  code: ReasonCode,
  text: string,
  untilMs?: number,
): Exclusion {
  return { input, code, text, ...(untilMs === undefined ? {} : { untilMs }) };
}

/** How many more of each group may be down at once. */
export class GroupBudgets {
  readonly #left: Map<string, number>;
  readonly #budget: number;

  constructor(budget: number, left: ReadonlyMap<string, number> = new Map()) {
    this.#budget = budget;
    this.#left = new Map(left);
  }

  copy(): GroupBudgets {
    return new GroupBudgets(this.#budget, this.#left);
  }

  left(groupId: string): number {
    return this.#left.get(groupId) ?? this.#budget;
  }

  take(groupId: string): void {
    this.#left.set(groupId, this.left(groupId) - 1);
  }

  /** No more than `count` of the group. */
  limit(groupId: string, count: number): void {
    this.#left.set(groupId, Math.min(this.left(groupId), count));
  }

  giveBack(groupId: string): void {
    this.#left.set(groupId, this.left(groupId) + 1);
  }
}
