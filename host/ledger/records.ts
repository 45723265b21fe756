/**
 * What is written down. Amounts are resource x phase, 12 numbers, index = resource * 3 + phase
 * (`needColumn`), in the units of `host/sources/sample.ts`.
 *
 * Every stored amount is a multiple of 2^-10 (`host/allocator/amounts.ts`), so that sums and
 * differences of them are exact and pools add up to the bit.
 */

export type ReservationState = "held" | "claimed" | "expired" | "released";

export interface ReservationRecord {
  readonly reservationId: string;
  /** Job identity: survives the instance's re-creation under another id. */
  readonly ownerId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly groupId: string;
  readonly amounts: readonly number[];
  readonly state: ReservationState;
  /** Rises with every change of the reservation; an act that carries a lower one is refused. */
  readonly fencingToken: number;
  readonly createdMs: number;
  readonly expectedRestartMs: number;
  readonly expiresMs: number;
  readonly claimedMs?: number;
  readonly planId?: string;
  /** Of the room that the instance's own interruption frees on this node, the part that its lease
   * counts on: not held twice while the instance still runs. One value a resource. */
  readonly freedForOwner?: readonly number[];
  readonly shrinks: readonly ShrinkRecord[];
  /** .5, .9, .95 and .99 quantile of the need in each column, `column * 4 + quantile`, where the
   * lease shares a pool with others; absent when it is held whole. */
  readonly quantiles?: readonly number[];
  /** What a claim that falls short would get whole. */
  readonly wanted?: readonly number[];
}

/** A donor's allocation, lowered for one reservation. One value a resource. */
export interface ShrinkRecord {
  readonly donorId: string;
  readonly nodeId: string;
  readonly given: readonly number[];
  readonly floor: readonly number[];
}

export interface AllocationRecord {
  readonly instanceId: string;
  readonly nodeId: string;
  readonly groupId: string;
  /** One value a resource. */
  readonly allocated: readonly number[];
}

export interface IncarnationRecord {
  readonly instanceId: string;
  readonly incarnation: number;
  readonly launchedMs: number;
  readonly interruptionsMs: readonly number[];
  /** When it was interrupted; absent while it is up. */
  readonly downSinceMs?: number;
  /** Its last believed checkpoint, in whatever life. */
  readonly checkpointMs?: number;
}

export type PlanState = "committed" | "acting" | "done" | "rolled-back";

/**
 * What the victims of one class cost, and what any choice in it has to cost: none frees as much for
 * less than `bound`, with what the higher classes give taken as it is and the lower ones whole.
 */
export interface ClassBound {
  readonly priority: number;
  readonly cost: number;
  readonly bound: number;
}

/** When a victim of a plan with a deadline does what; all of it before the deadline. */
export interface VictimSchedule {
  readonly instanceId: string;
  /** Absent when it writes no checkpoint. */
  readonly checkpointFromMs?: number;
  readonly checkpointByMs?: number;
  readonly stopByMs: number;
  /** From then on its room is whoever's asked for it. */
  readonly handOverByMs: number;
  /** What it lacks to stop in good order, ms. */
  readonly lackMs: number;
  /** It would write a checkpoint, and the notice is too short for it. */
  readonly skipsCheckpoint: boolean;
}

/** Of a restart that waits its turn, so that the start-up curves stay under what its node has. */
export interface RestartStart {
  readonly instanceId: string;
  readonly nodeId: string;
  readonly startAtMs: number;
}

export interface PlanRecord {
  readonly planId: string;
  readonly requestId: string;
  readonly state: PlanState;
  readonly createdMs: number;
  readonly victims: readonly string[];
  /** What the victims held when the plan was made; a roll-back gives it back. */
  readonly victimAllocations?: readonly AllocationRecord[];
  readonly reservationIds: readonly string[];
  readonly shrinks: readonly ShrinkRecord[];
  readonly deadlineMs?: number;
  /** Where there is a deadline. */
  readonly schedule?: readonly VictimSchedule[];
  /** Restarts that start later than they are due; absent where none does. */
  readonly starts?: readonly RestartStart[];
  /** How near to the optimum the victims are, highest class first; absent where not known. */
  readonly certificate?: readonly ClassBound[];
  /** Neighbours that shrink for the requested room, and the fewest that could give as much. */
  readonly donorCount?: number;
  readonly donorCountMin?: number;
  /** Where the notice was too short, and what a roll-back could not make good, because an act had
   * happened already. */
  readonly shortfalls?: readonly Reason[];
  /** Acts already confirmed by the engine, by act id. */
  readonly confirmedActs: readonly string[];
  readonly fencingToken: number;
  /** Whoever asked wants it no more: what is not under way yet is not begun. */
  readonly withdrawn?: boolean;
}

export type VerdictKind = "proceed" | "defer" | "refuse";

/** Stable codes; the text beside a code may change, the code may not. */
export type ReasonCode =
  | "NO_ROOM_CPU"
  | "NO_ROOM_MEMORY"
  | "NO_ROOM_NETWORK"
  | "NO_ROOM_DISK"
  | "NO_CANDIDATES"
  | "PRIORITY_TOO_HIGH"
  | "NOT_INTERRUPTIBLE"
  | "MIN_RUN_TIME"
  | "COOL_DOWN"
  | "GROUP_BUDGET"
  | "DISPLACEMENT_CYCLE"
  | "INTERRUPTION_CAP"
  | "PROFILE_UNKNOWN"
  | "ALREADY_DOWN"
  | "UNKNOWN_INSTANCE"
  | "UNKNOWN_SCOPE"
  | "DEADLINE_TOO_CLOSE"
  | "NOTICE_TOO_SHORT"
  | "FORCED_SHORTFALL"
  | "ALLOCATOR_REFUSED"
  | "INPUTS_FAILED";

export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  /** Missing amount, resource x phase, where room was the trouble. */
  readonly missing?: readonly number[];
}

export interface CandidateScore {
  readonly instanceId: string;
  readonly priority: number;
  readonly cost: number;
  /** Core-hours that its interruption is expected to lose; `cost` is that, raised where its group
   * has lost more than others. Absent where it could not be picked. */
  readonly lostCoreHours?: number;
  readonly gain: number;
  readonly score: number;
  /** Chance that its restart need can be placed by its expected restart. */
  readonly availability: number;
  readonly chosen: boolean;
  readonly excludedBy?: ReasonCode;
}

export interface DecisionRecord {
  readonly decisionId: string;
  readonly requestId: string;
  readonly kind: VerdictKind;
  readonly decidedMs: number;
  readonly reasons: readonly Reason[];
  /** Of a deferral: by when it will succeed, for four of five. */
  readonly retryAtMs?: number;
  /** Of a deferral: when it is tried again, at `retryAtMs` or before. */
  readonly nextTryMs?: number;
  /** Of a deferral: when leases, limits and restarts let it succeed; absent when they do not. */
  readonly forecastMs?: number;
  /** Of a deferral: whom its plan would interrupt, kept for the next try; absent is nobody. */
  readonly tentative?: readonly string[];
  readonly planId?: string;
  readonly victims: readonly string[];
  readonly candidates: readonly CandidateScore[];
  readonly runnerUp?: string;
  /** SHA-256 of the canonical JSON of everything the decision looked at; absent of a consideration,
   * which is not recorded. */
  readonly inputsHash?: string;
  readonly inputs: unknown;
  readonly modelVersion: string;
}
