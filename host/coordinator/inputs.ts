/**
 * Everything a decision looks at, as plain data. It is stored with the decision, so that the same
 * decision can be made again from the record alone.
 */
import type { DonorSearch } from "../allocator/types.js";
import type { Reason, ShrinkRecord } from "../ledger/records.js";
import type { Displacement } from "./displacements.js";
import type { AskEnds } from "./lease-ends.js";
import type { GroupLosses } from "./losses.js";
import type { RunHistory } from "./policy.js";
import type { AskAhead, NodeAhead } from "./room-ahead.js";
import type { CoordinatorPolicy, CoordinatorRequest } from "./types.js";
import type { FirstDeferral, PastWait } from "./waits.js";

export interface NodeInput {
  readonly nodeId: string;
  /** One value a resource. */
  readonly allocatable: readonly number[];
  /** Headroom, resource x phase; negative where the node is overcommitted. */
  readonly room: readonly number[];
  /** That it is lost within the hour, after a hint; absent is 0. */
  readonly lossChance?: number;
}

export interface InstanceInput extends RunHistory {
  readonly instanceId: string;
  readonly ownerId: string;
  readonly groupId: string;
  readonly nodeId: string;
  /** Null when the priority provider does not know it: then it is not touched. */
  readonly priority: number | null;
  readonly interruptible: boolean;
  readonly up: boolean;
  /** What its interruption frees, one value a resource. */
  readonly freed: readonly number[];
  /** What it could give at most by shrinking, one value a resource. */
  readonly shrinkable: readonly number[];
  readonly outageMinutes: number;
  /** Restart envelope at that outage, resource x phase x quantile; null when there is none. */
  readonly envelope: readonly number[] | null;
  /** As registered, seconds; absent when not said. */
  readonly stopSeconds?: number;
  readonly checkpointSeconds?: number;
  /** Median CPU need if left alone. */
  readonly keepCores: number;
}

/** Room that comes back when a lease ends. */
export interface LeaseEndInput {
  readonly timeMs: number;
  readonly nodeId: string;
  readonly amounts: readonly number[];
}

/** A member of a group that is down, and until when at the latest by its lease. */
export interface DownInput {
  readonly groupId: string;
  readonly expectedRestartMs: number;
}

/** What the allocator answered while the plan was made, in the order of the questions. */
export interface DonorExchange {
  readonly nodeId: string;
  readonly groupId: string;
  readonly missing: readonly number[];
  readonly answer: readonly ShrinkRecord[];
}

export interface PlanInputs {
  readonly nowMs: number;
  /** How often this request was deferred before. */
  readonly attempts: number;
  /** Absent when it was not deferred before. */
  readonly firstDeferral?: FirstDeferral;
  /** Whom its last deferral would have interrupted; absent is nobody. */
  readonly tentative?: readonly string[];
  /** How long requests of its kind had to wait; absent is none. */
  readonly pastWaits?: readonly PastWait[];
  readonly request: CoordinatorRequest;
  readonly policy: CoordinatorPolicy;
  readonly nodes: readonly NodeInput[];
  readonly instances: readonly InstanceInput[];
  /** In the order of time; absent where the decision did not ask for them. */
  readonly leaseEnds?: readonly LeaseEndInput[];
  readonly down: readonly DownInput[];
  readonly unknownNodeIds: readonly string[];
  /** Who displaced whom lately; absent where the request names no requester. */
  readonly displacements?: readonly Displacement[];
  /** What the groups of these instances lost within a day; absent is nothing. */
  readonly groupLosses?: readonly GroupLosses[];
  /** The plan that these inputs led to was refused by the allocator, for this reason. */
  readonly allocatorRefusal?: Reason;
  /** Something that the decision needs could not be read; then nothing but this is looked at. */
  readonly failure?: Reason;
  readonly modelVersion: string;
}

export interface RecordedInputs extends PlanInputs {
  readonly donorExchanges: readonly DonorExchange[];
  /** Rooms to come of the nodes that were asked about; absent where none was. */
  readonly aheads?: readonly NodeAhead[];
}

/** What of the books is asked for only where it is needed. */
export interface AskBooks {
  /** Without it no restart is staggered. */
  readonly ahead?: AskAhead;
  /** Without it no forecast counts on leases that end. */
  readonly ends?: AskEnds;
}

export interface PlanningInputs extends PlanInputs, AskBooks {}

export type AskDonors = (search: DonorSearch) => readonly ShrinkRecord[];

/** Asks and keeps what was asked and answered. */
export class DonorTape {
  readonly exchanges: DonorExchange[] = [];
  readonly #ask: AskDonors;

  constructor(ask: AskDonors) {
    this.#ask = ask;
  }

  readonly ask: AskDonors = (search) => {
    const answer = this.#ask(search);
    const { nodeId, groupId, missing } = search;
    this.exchanges.push({ nodeId, groupId, missing, answer });
    return answer;
  };
}

/** Answers from a record, in the order in which it was made. */
export function playBack(exchanges: readonly DonorExchange[]): AskDonors {
  let next = 0;
  return () => exchanges[next++]?.answer ?? [];
}
