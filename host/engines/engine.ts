/** The ports through which Reprise meets whatever runs the instances: priorities in, actions out. */

export interface PriorityProvider {
  /** Higher is protected longer; undefined when the instance is unknown to it. */
  priorityOf(instanceId: string): number | undefined;
}

export interface ActBase {
  /** Unique and stable: the same act sent twice is carried out once. */
  readonly actId: string;
  readonly planId: string;
  readonly fencingToken: number;
}

export type Act = ActBase &
  (
    | {
        readonly kind: "shrink";
        readonly instanceId: string;
        readonly nodeId: string;
        readonly target: readonly number[];
      }
    | {
        readonly kind: "give-back";
        readonly instanceId: string;
        readonly nodeId: string;
        readonly target: readonly number[];
      }
    | {
        readonly kind: "interrupt";
        readonly instanceId: string;
        readonly nodeId: string;
        readonly deadlineMs?: number;
        /** By when its checkpoint is to be written; absent when it writes none, or has no time to. */
        readonly checkpointByMs?: number;
        /** By when it is to be stopped, in good order or not. */
        readonly stopByMs?: number;
        /** Its room is there from then on, and not before; absent: as soon as its outage is over. */
        readonly startAtMs?: number;
      }
    | {
        readonly kind: "grant";
        readonly instanceId: string;
        readonly nodeId: string;
        readonly amounts: readonly number[];
        /** See `Grant.startAtMs`; a later act with more of the same grant follows by itself. */
        readonly startAtMs?: number;
      }
  );

export type ActOutcome =
  | {
      readonly actId: string;
      readonly status: "confirmed";
      /**
       * Of a shrink: what the instance may use now, one value a resource, as it was read back after
       * the act; NaN where nothing bounds it and the books alone account for it. A shrink that is
       * confirmed without it, or with more than was asked for, does not count as done.
       */
      readonly held?: readonly number[];
    }
  | {
      readonly actId: string;
      readonly status: "refused";
      readonly reason: string;
      /** To send it again would not help: a newer act is under way, or it is not ours to act on. */
      readonly final?: boolean;
    };

export interface Engine {
  readonly name: string;
  /** Carries the acts out in order. Idempotent by `actId`; a stale fencing token is refused. */
  act(acts: readonly Act[]): Promise<readonly ActOutcome[]>;
  close(): Promise<void>;
}
