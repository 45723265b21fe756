import type { ReplayPolicy } from "../policy.js";
import type { SeenPlan } from "../rival-policy.js";
import type { Amounts } from "../scenario.js";

/** What the outcome world asks of a policy beyond a replay's. */
export interface OutcomePolicy extends ReplayPolicy {
  /** What it keeps on a node for restarts; absent: what restarts under way were granted. */
  reservedOn?(nodeId: string): Amounts;
  /** What an instance holds outside its restart's hour; undefined while it is down. */
  heldBy(instanceId: string): Amounts | undefined;
  /** An instance says that it has just written a checkpoint; absent: nobody listens. */
  checkpointed?(instanceId: string): void;
}

/** A plan with what it really cost, for the comparison with the exact optimum. */
export interface JudgedPlan {
  readonly requestId: string;
  readonly needed: Amounts;
  readonly candidates: readonly {
    readonly instanceId: string;
    readonly priority: number;
    readonly freed: Amounts;
    /** Work that its interruption loses, core-hours. */
    readonly cost: number;
    readonly chosen: boolean;
  }[];
}

export type OnPlan = (plan: SeenPlan) => void;
