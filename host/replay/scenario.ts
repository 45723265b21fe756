/** What a replay plays: machines, who runs on them, which capacity is lost when. */

/** One value a resource: cores, GiB, Mbps, MB/s. */
export type Amounts = readonly number[];

export interface ReplayNode {
  readonly nodeId: string;
  readonly zoneId: string;
  readonly capacity: Amounts;
}

/** Nodes that lose capacity together, following one spot trace; a zone without one is stable. */
export interface ReplayZone {
  readonly zoneId: string;
  readonly nodeIds: readonly string[];
  readonly spotFile: string | null;
}

export interface ReplayInstance {
  readonly instanceId: string;
  readonly file: string;
  readonly groupId: string;
  readonly nodeId: string;
  /** 0 to 4; higher is protected longer. */
  readonly priority: number;
  readonly interruptible: boolean;
  /** Work since the last checkpoint is lost with an interruption; 0 keeps no work to lose. */
  readonly checkpointMinutes: number;
  /** What it holds at the start: P95 of the warm-up. */
  readonly allocation: Amounts;
  /** What an owner without a prediction asks for: the largest value of the warm-up. */
  readonly request: Amounts;
  /** Provisioned by the trace; undefined where it says nothing. */
  readonly cores: number | undefined;
  readonly memoryGiB: number | undefined;
  /** Restarts of one type are alike; absent where the world knows no types. */
  readonly jobType?: string;
}

/** Capacity that goes (`fraction` < 0) or comes back, as a share of the zone's spot capacity. */
export interface CapacityEvent {
  readonly timeMs: number;
  readonly zoneId: string;
  readonly fraction: number;
  /** When it becomes known; before `timeMs` for a loss. */
  readonly noticeMs: number;
}

/** The owner of an instance asks to interrupt it. */
export interface PlannedInterruption {
  readonly timeMs: number;
  readonly instanceId: string;
}

export interface Scenario {
  readonly seed: number;
  readonly warmUpFromMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly nodes: readonly ReplayNode[];
  readonly zones: readonly ReplayZone[];
  readonly instances: readonly ReplayInstance[];
  /** In order of `noticeMs`. */
  readonly capacityEvents: readonly CapacityEvent[];
  readonly planned: readonly PlannedInterruption[];
}

/** Share of a zone's capacity that is spot capacity and follows its trace. */
export const SPOT_SHARE = 0.3;
