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
}

export type CoordinatorRequest = InterruptionRequest | ReclaimRequest;

export type CoordinatorEvent =
  | { readonly kind: "request"; readonly request: CoordinatorRequest }
  | { readonly kind: "withdraw"; readonly requestId: string }
  | { readonly kind: "restarted"; readonly instanceId: string; readonly timeMs: number }
  | { readonly kind: "stopped"; readonly instanceId: string; readonly timeMs: number };

export interface CycleReport {
  readonly decisions: readonly DecisionRecord[];
  readonly pendingRequestCount: number;
  readonly expiredReservationCount: number;
  readonly grantCount: number;
}

export interface CoordinatorPolicy {
  readonly minRunMinutes: number;
  readonly coolDownMinutes: number;
  /** Interrupted at once, at most, per group. */
  readonly groupBudget: number;
  readonly availabilityMin: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
}
