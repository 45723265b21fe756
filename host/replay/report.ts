import { isHeldOut } from "../sources/bitbrains/split.js";
import { PATIENCE_MINUTES } from "./reprise-policy.js";
import type { PolicyReport } from "./run-policy.js";
import { type Scenario, SPOT_SHARE } from "./scenario.js";
import { OUTAGE_MINUTES } from "./world.js";

/** What a replay found. All but `timing` is the same on every machine and for every worker count. */
export interface ReplayReport {
  readonly input: {
    readonly bundledSample: boolean;
    readonly seed: number;
    readonly vms: number;
    /** VMs that the shipped network has never seen. */
    readonly vmsNeverTrainedOn: number;
    readonly nodes: number;
    readonly zones: number;
    readonly warmUpFrom: string;
    readonly from: string;
    readonly to: string;
    readonly capacityLosses: number;
    readonly plannedInterruptions: number;
    readonly capacityCores: number;
    readonly capacityMemoryGiB: number;
  };
  readonly modelVersion: string;
  /** The predicting policy first. */
  readonly policies: readonly PolicyReport[];
  readonly notes: readonly string[];
  readonly timing: ReplayTiming;
}

export interface ReplayTiming {
  readonly totalSeconds: number;
  readonly workers: number;
  readonly secondsByPolicy: Readonly<Record<string, number>>;
}

export const NOTES: readonly string[] = [
  "The traces go on after an interruption as if nothing had happened: there is no restart surge in " +
    "them, so coverage and slack measure forecasting, not restarts.",
  "Coverage: share of phases (0-10, 10-30, 30-60 min after a restart) whose real peak the grant " +
    "covered; every granted restart counts, reserved or not. Slack: granted above need, over need.",
  "Whoever waits uses nothing, so long waits lower overload and work lost since checkpoints.",
  "Nodes are sized by the warm-up week alone: the P95 of their VMs' use is 0.9 of their CPU and " +
    "memory and 0.5 of their network and disk. At the start everybody holds his P95.",
  `${SPOT_SHARE * 100} % of a spot zone's capacity follows its trace; losses are announced 2, 10 or ` +
    `30 min ahead. Outages: ${OUTAGE_MINUTES.join(", ")} min as planned, up to half as long again.`,
  `reprise: a restart without a reservation waits ${PATIENCE_MINUTES} min at most for its whole need, then ` +
    "takes what there is.",
  "priority-only: lowest priority first, at once, no prediction, no reservation; a restart waits " +
    "until its request fits. Its request is the largest use of the warm-up week, or the P95.",
  "Priorities, groups, checkpoints, notices, outages and planned interruptions are drawn by the " +
    "seed; usage and capacity are real.",
];

export function describeInput(scenario: Scenario, bundledSample: boolean): ReplayReport["input"] {
  const { nodes, zones, instances, capacityEvents, planned, seed } = scenario;
  const capacity = (resource: number): number =>
    nodes.reduce((sum, node) => sum + (node.capacity[resource] ?? 0), 0);
  return {
    bundledSample,
    seed,
    vms: instances.length,
    vmsNeverTrainedOn: instances.filter((one) => isHeldOut(one.instanceId)).length,
    nodes: nodes.length,
    zones: zones.length,
    warmUpFrom: new Date(scenario.warmUpFromMs).toISOString(),
    from: new Date(scenario.fromMs).toISOString(),
    to: new Date(scenario.toMs).toISOString(),
    capacityLosses: capacityEvents.filter((event) => event.fraction < 0).length,
    plannedInterruptions: planned.length,
    capacityCores: capacity(0),
    capacityMemoryGiB: capacity(1),
  };
}
