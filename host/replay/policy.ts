/** The port between the world of a replay and whoever decides in it. */
import type { InterruptionRequest, ReclaimRequest } from "../coordinator/types.js";
import type { RestartOutcome } from "../profiler/profile.js";
import type { Sample } from "../sources/sample.js";
import type { Amounts, ReplayInstance } from "./scenario.js";

/** Somebody goes down now. */
export interface Interruption {
  readonly instanceId: string;
  /** `evicted`: the capacity was gone and nobody had made room. */
  readonly cause: "planned" | "reclaim" | "evicted";
  /** As its request planned it, minutes; absent when nobody planned. */
  readonly outageMinutes?: number;
  /** What was predicted for its restart, by `envelopeRow`; absent without a prediction. */
  readonly predicted?: readonly number[];
}

export interface CapacityLoss {
  /** The reclaim request that announced it. */
  readonly requestId: string;
  readonly nodeIds: readonly string[];
  readonly amounts: Amounts;
}

export interface LossOutcome {
  /** What each node lost; adds up to the loss. */
  readonly taken: ReadonlyMap<string, Amounts>;
  /** All of it was free when it was due. */
  readonly met: boolean;
  readonly evicted: readonly Interruption[];
}

export interface RestartGrant {
  readonly nodeId: string;
  /** Resource x phase. */
  readonly amounts: readonly number[];
  /** Room was kept for it before it came back. */
  readonly reserved: boolean;
  /** Less than its restart needs by prediction or request. */
  readonly short: boolean;
}

/** What a policy counts that the world cannot see. */
export interface PolicyCounts {
  readonly deferrals: number;
  /** Requests that were deferred at least once. */
  readonly deferredRequests: number;
  /** Granted when they were tried again for the first time. */
  readonly grantedAtFirstRetry: number;
  /** Granted whole by the `retryAt` of their first deferral. */
  readonly grantedByRetryAt: number;
  /** Not granted by then. Those that are still open before it are in neither. */
  readonly missedRetryAt: number;
  /** Deferred, then forced through at the deadline with a shortfall. */
  readonly forcedDeferred: number;
  /** Median minutes from the first deferral to its `retryAt`, of those granted by then. */
  readonly namedMinutes: number;
  /** Median minutes that the same ones waited. */
  readonly waitedMinutes: number;
  readonly refusals: number;
  readonly forced: number;
  readonly shrinks: number;
  readonly reservations: {
    readonly made: number;
    readonly used: number;
    readonly unused: number;
    readonly open: number;
    /** CPU kept and not used, core-hours. */
    readonly unusedCoreHours: number;
  };
}

/** Who decides in a world. */
export interface WorldPolicy {
  /** One sample of a running instance, in time order. */
  observe(sample: Sample): void;
  /** Takes in what was observed; during the warm-up nothing else happens. */
  learn(): Promise<void>;
  /** The warm-up is over: everybody holds its allocation. */
  begin(): Promise<void>;

  reclaim(request: ReclaimRequest): void;
  interrupt(request: InterruptionRequest): void;
  /** One turn; who goes down in it. */
  turn(): Promise<readonly Interruption[]>;
  /** Capacity leaves now, whether or not there is room. */
  lose(loss: CapacityLoss): Promise<LossOutcome>;
  /** Capacity comes back. */
  gain(amounts: ReadonlyMap<string, Amounts>): Promise<void>;
  /** Its outage has been over for so long; null: it has to wait, ask again next turn. */
  restart(instance: ReplayInstance, waitedMinutes: number): Promise<RestartGrant | null>;
  /** What it really needed. */
  outcome(outcome: RestartOutcome): void;
}

/** One that is compared with others. */
export interface ReplayPolicy extends WorldPolicy {
  readonly name: string;
  counts(): PolicyCounts;
  close(): Promise<void>;
}
