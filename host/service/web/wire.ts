/** What comes over the wire, as far as the pages read it. */
import type { Resource } from "../../core/abi.js";

export type Named<T> = Readonly<Record<Resource, T>>;
export type Amounts = Named<number>;
export type PhaseAmounts = Named<readonly number[]>;
export type Envelope = Named<readonly (readonly number[])[]>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Pool {
  readonly id: string;
  readonly allocatable: Amounts;
  readonly allocated: Amounts;
  readonly reserved: PhaseAmounts;
  readonly headroom: PhaseAmounts;
}

export interface PoolHistory {
  readonly nowMs: number;
  readonly timesMs: readonly number[];
  readonly resources: Named<{
    readonly allocatable: readonly number[];
    readonly allocated: readonly number[];
    readonly used: readonly number[];
    readonly reserved: readonly (readonly number[])[];
  }>;
}

export interface FleetLine {
  readonly instanceId: string;
  readonly groupId: string;
  readonly nodeId: string;
  readonly priority: number;
  readonly running: boolean;
  readonly mode: string;
  readonly rung: number;
  readonly lastUpdatedMs: number | null;
  readonly need: Amounts;
  readonly allocation?: Amounts;
  readonly used?: Amounts;
  readonly crowding: number | null;
  readonly outcomes: number;
}

export interface FleetPage extends Page<FleetLine> {
  readonly nowMs: number;
}

export interface Profile {
  readonly instanceId: string;
  readonly lastUpdatedMs: number | null;
  readonly outageMinutes: number;
  readonly rung: number;
  readonly modelVersion: string;
  readonly envelope: Envelope;
  readonly keepNeed: Named<readonly number[]>;
  readonly incarnation: number;
  readonly samplesInIncarnation: number;
  readonly beside?: { readonly predictor: string; readonly envelope: Envelope };
}

export interface Outcome {
  readonly restartedMs: number;
  readonly rung: number;
  readonly peaks: Named<readonly (number | null)[]>;
  readonly predicted: Envelope;
  readonly baseline: Envelope;
}

export interface Outcomes {
  readonly baseline: string;
  readonly items: readonly Outcome[];
}

export interface Reason {
  readonly code: string;
  readonly text: string;
}

export interface Candidate {
  readonly instanceId: string;
  readonly priority: number;
  readonly cost: number;
  readonly gain: number;
  readonly score: number;
  readonly availability: number;
  readonly chosen: boolean;
  readonly excludedBy?: string;
}

export interface Decision {
  readonly decisionId: string;
  readonly requestId: string;
  readonly kind: "proceed" | "defer" | "refuse";
  readonly decidedMs: number;
  readonly reasons: readonly Reason[];
  readonly retryAtMs?: number;
  readonly nextTryMs?: number;
  readonly planId?: string;
  readonly victims: readonly string[];
  readonly runnerUp?: string;
  readonly inputsHash: string;
  readonly modelVersion: string;
  readonly acted?: boolean;
  readonly candidates?: readonly Candidate[];
}

export interface Shrink {
  readonly donorId: string;
  readonly nodeId: string;
  readonly given: readonly number[];
  readonly floor: readonly number[];
}

export interface Plan {
  readonly planId: string;
  readonly state: string;
  readonly victims: readonly string[];
  readonly shrinks: readonly Shrink[];
  readonly reservationIds: readonly string[];
}

export interface Reservation {
  readonly reservationId: string;
  readonly ownerId: string;
  readonly instanceId: string;
  readonly nodeId: string;
  readonly groupId: string;
  readonly state: string;
  readonly expectedRestartMs: number;
  readonly expiresMs: number;
  readonly amounts: PhaseAmounts;
  readonly planId?: string;
  readonly fencingToken: number;
}

interface Told {
  readonly coverage: readonly (number | null)[];
  readonly room: number | null;
}

export interface Quality {
  readonly nowMs: number;
  readonly baseline: string;
  readonly quantiles: readonly number[];
  readonly restarts: number;
  readonly sinceMs: number | null;
  readonly resources: Named<{
    readonly phases: number;
    readonly needed: number | null;
    readonly ours: Told;
    readonly baseline: Told;
    /** Null while there were too few restarts to tell. */
    readonly isDrifting: boolean | null;
  }>;
  readonly hints: {
    readonly open: number;
    readonly judged: number;
    readonly followed: number;
    readonly stated: number | null;
    readonly acted: number;
    readonly actedFollowed: number;
    readonly losses: number;
    readonly hintedLosses: number;
  };
  readonly recent: {
    readonly timesMs: readonly number[];
    readonly resources: Named<{
      readonly held: readonly number[];
      readonly seen: readonly number[];
    }>;
  };
}

interface Grant {
  readonly instanceId: string;
  readonly nodeId: string;
  readonly reservationId: string | null;
  readonly shortfall: readonly number[];
}

/** One event of the stream. */
export type LiveEvent = { readonly id: number; readonly timeMs: number } & (
  | { readonly kind: "decision"; readonly decision: Decision }
  | { readonly kind: "grant"; readonly grant: Grant }
  | { readonly kind: "stopped"; readonly instanceId: string }
  | { readonly kind: "registered" | "unregistered"; readonly instanceId: string }
  | { readonly kind: "node"; readonly nodeId: string; readonly there: boolean }
  | { readonly kind: "tick"; readonly sampleCount: number }
  | { readonly kind: "health"; readonly degraded: string | null }
);
