/**
 * What sources yield and what the profiler eats.
 *
 * Absent means missing; it is never zero. Units: cores, GiB, Mbps (rx + tx), disk in the unit of
 * the deployment (MB/s or operations per second), seconds.
 */

export interface Sample {
  readonly instanceId: string;
  /** When the interval ended that this sample describes, ms since 1970 UTC. */
  readonly timeMs: number;
  /** Mean over the interval. */
  readonly cpuCores?: number;
  /** Mean over the interval, one entry a core. */
  readonly perCoreCores?: readonly number[];
  /** Highest CPU within the interval. */
  readonly cpuPeakCores?: number;
  readonly memoryGiB?: number;
  readonly networkMbps?: number;
  readonly disk?: number;
  readonly connections?: number;
  readonly sinceLaunchSeconds?: number;
  /** What a user would call its memory: idle page cache left out, busy cache counted. */
  readonly footprintGiB?: number;
  /** Share of the interval in which a task of it stood still for want of this, 0 to 1. */
  readonly cpuPressure?: number;
  readonly memoryPressure?: number;
  readonly ioPressure?: number;
  /** Processes of it killed for want of memory within the interval. */
  readonly oomKills?: number;
}

/** Who an instance is. May change by registering again under the same id. */
export interface InstanceRegistration {
  readonly instanceId: string;
  /** Job identity that survives re-creation under another id; the instance's id when absent. */
  readonly ownerId?: string;
  readonly groupId: string;
  readonly nodeId: string;
  readonly jobType?: string;
  /** Higher is protected longer. */
  readonly priority: number;
  readonly interruptible: boolean;
  /** Hard caps, undefined where there is none. */
  readonly limits?: ResourceAmounts;
  /** What was asked for at submission. */
  readonly requested?: ResourceAmounts;
  /** Assumed outage when a request names none, minutes. */
  readonly typicalOutageMinutes?: number;
  /** Time it takes to stop in good order once it is told to. */
  readonly stopSeconds?: number;
  /** Time it takes to write a checkpoint when it is told to; absent when it writes none. */
  readonly checkpointSeconds?: number;
}

export interface ResourceAmounts {
  readonly cpu?: number;
  readonly memory?: number;
  readonly network?: number;
  readonly disk?: number;
}

/** Things a source tells about an instance beside its usage. */
export type SourceEvent =
  | { readonly kind: "sample"; readonly sample: Sample }
  | {
      readonly kind: "registered";
      readonly registration: InstanceRegistration;
      readonly timeMs: number;
    }
  | {
      readonly kind: "stopped";
      readonly instanceId: string;
      readonly timeMs: number;
      readonly cause: StopCause;
    }
  | { readonly kind: "restarted"; readonly instanceId: string; readonly timeMs: number };

export type StopCause = "interrupted" | "failed" | "finished" | "unknown";

/** A stream of events in time order. Bad samples are counted in `dropped` and left out. */
export interface SampleSource extends AsyncIterable<SourceEvent> {
  readonly name: string;
  /** Bad samples so far, by reason. */
  readonly dropped: ReadonlyMap<string, number>;
}
