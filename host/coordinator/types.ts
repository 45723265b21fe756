/** The coordinator's words. Amounts as in `allocator/types.ts`. */
import type { DecisionRecord } from "../ledger/records.js";

interface RequestBase {
  readonly requestId: string;
  readonly receivedMs: number;
  /** Proceed at the deadline even when a restart need cannot be reserved; the shortfall is kept. */
  readonly force?: boolean;
  readonly deadlineMs?: number;
  /** Planned outage of each interrupted instance, minutes; else the type's typical one. */
  readonly outageMinutes?: number;
}

/** May this instance be interrupted? */
export interface InterruptionRequest extends RequestBase {
  readonly kind: "interrupt";
  readonly instanceId: string;
}

/** Free this much, in this scope, by this deadline, touching nothing above this priority. */
export interface ReclaimRequest extends RequestBase {
  readonly kind: "reclaim";
  readonly nodeIds: readonly string[];
  /** One value a resource. */
  readonly amounts: readonly number[];
  readonly deadlineMs: number;
  readonly priorityMax: number;
  /** `capacity-loss`: the room leaves with the node; `requester`: it is kept for the requester. */
  readonly purpose: "capacity-loss" | "requester";
  /** Owner of whoever gets the room, if known: then nobody is displaced in a circle. */
  readonly requesterId?: string;
}

export type CoordinatorRequest = InterruptionRequest | ReclaimRequest;

/** Of a consideration. */
export interface ConsiderOptions {
  /** Whom to leave alone; nobody when absent. */
  readonly isPinned?: (instanceId: string) => boolean;
  /** May neighbours be shrunk? Default true. */
  readonly shrink?: boolean;
}

export interface CycleReport {
  readonly decisions: readonly DecisionRecord[];
  readonly pendingRequestCount: number;
  readonly expiredReservationCount: number;
  readonly grantCount: number;
  /** Decisions of this cycle that spared somebody because a displacement would close a circle. */
  readonly thrashAlarmCount: number;
  /** Jain's index of what groups lost within a day; absent when nothing was decided to be lost on
   * this cycle. */
  readonly jainIndex?: number;
  /** Acts that the engine has not answered yet; they are sent again on the next tick. */
  readonly openActCount: number;
  /** What the engine threw on this cycle; the acts stay open. */
  readonly engineFailures: readonly string[];
  /** Invariants that were looked at on this cycle. */
  readonly invariantCheckCount: number;
  /** Those that did not hold. One is enough to stop trusting the books. */
  readonly invariantFailures: readonly string[];
}

export interface CoordinatorPolicy {
  /** An instance that ran shorter than this since its launch is not interrupted. */
  readonly minRunMinutes: number;
  /** Time between two interruptions of one instance; doubles with each in 24 h, up to 4 h. */
  readonly coolDownMinutes: number;
  /** The same where a forced request could not be met otherwise, if it is shorter. */
  readonly coolDownForcedMinutes: number;
  /** An instance is not interrupted more often than this within 24 h; 0: no such cap. */
  readonly interruptionsPerDayMax: number;
  /** Interrupted at once, at most, per group. */
  readonly groupBudget: number;
  /** Interrupted within an hour, at most, per group; 0: no such budget; at most 64. */
  readonly groupBudgetPerHour: number;
  /** A victim's restart need must be placeable with at least this chance. */
  readonly availabilityMin: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** Assumed outage when neither the request nor the registration names one. */
  readonly outageMinutes: number;
  /** A lease lives this long past its expected restart. */
  readonly graceMs: number;
  /** Time between the stop of a victim and whoever takes its room. */
  readonly handOverMs: number;
  /** A forced request proceeds this long before its deadline. */
  readonly forceLeadMs: number;
  /** Lost work of an instance whose last checkpoint is unknown: at most this much of its run. */
  readonly unknownCheckpointMinutes: number;
  /** The age of a checkpoint counts up to this. */
  readonly checkpointMinutesMax: number;
  /** What the chance of finding no place in time weighs, per steady core-hour after the restart. */
  readonly missWeight: number;
  /** What the minutes weigh in which a placed restart lacks some of its need, per core-hour. */
  readonly sloWeight: number;
  /** By how much more it costs to interrupt a group that lost twice its fair share within a day. */
  readonly fairnessWeight: number;
  /** Cost of interrupting an instance once more within the hour; doubles each time. */
  readonly thrashCoreHours: number;
  /** A deferred request's victims are kept unless others save more than this share of the cost. */
  readonly switchSavingRatio: number;
  /** Losses of one node in an hour, for the chance that a placement is still there. */
  readonly nodeLossPerHour: number;
  /** Nodes looked at for the restart of a victim, beside its own and those in scope. */
  readonly placementNodesMax: number;
  /** Rounds of a plan that leave out one victim without a place; each later one leaves out twice as
   * many as the one before. */
  readonly singleDropRounds: number;
  /** By so much a restart may start later than it is due where others start before it; 0: not. */
  readonly staggerMaxMinutes: number;
}
