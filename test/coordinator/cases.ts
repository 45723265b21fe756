/** Small worlds for the planner, as plain inputs. */

import { decide } from "../../host/coordinator/decision.js";
import type {
  AskDonors,
  InstanceInput,
  NodeInput,
  PlanInputs,
} from "../../host/coordinator/inputs.js";
import { DEFAULT_POLICY, HOUR_MS } from "../../host/coordinator/policy.js";
import type { InterruptionRequest, ReclaimRequest } from "../../host/coordinator/types.js";
import { ENVELOPE_ROWS, envelopeRow, NEED_COLUMNS } from "../../host/core/abi.js";

export const NOW = 1_700_000_000_000;

/** An envelope whose quantiles are .5, .9, .95 and 1 of `peak`, the same in every phase. */
export function envelopeOf(peak: readonly number[]): number[] {
  const envelope = new Array<number>(ENVELOPE_ROWS).fill(0);
  peak.forEach((value, resource) => {
    for (let phase = 0; phase < 3; phase++) {
      [0.5, 0.9, 1, 1].forEach((share, quantile) => {
        envelope[envelopeRow(resource, phase, quantile)] = value * share;
      });
    }
  });
  return envelope;
}

export function instance(
  instanceId: string,
  nodeId: string,
  change: Partial<InstanceInput> & { readonly size?: number } = {},
): InstanceInput {
  const { size = 2, ...rest } = change;
  return {
    instanceId,
    ownerId: instanceId,
    groupId: `group-of-${instanceId}`,
    nodeId,
    priority: 0,
    interruptible: true,
    up: true,
    freed: [size, size, 0, 0],
    shrinkable: [0, 0, 0, 0],
    outageMinutes: 10,
    envelope: envelopeOf([size / 2, size / 2, 0, 0]),
    keepCores: 0,
    launchedMs: NOW - 10 * HOUR_MS,
    interruptionsMs: [],
    ...rest,
  };
}

export function node(nodeId: string, allocatable: number, room: number): NodeInput {
  return {
    nodeId,
    allocatable: [allocatable, allocatable, 100, 100],
    room: new Array<number>(NEED_COLUMNS)
      .fill(100)
      .map((each, column) => (column < 6 ? room : each)),
  };
}

export function reclaim(
  cores: number,
  nodeIds: readonly string[],
  change: Partial<ReclaimRequest> = {},
): ReclaimRequest {
  return {
    kind: "reclaim",
    requestId: "q",
    receivedMs: NOW,
    deadlineMs: NOW + HOUR_MS,
    nodeIds,
    amounts: [cores, cores, 0, 0],
    priorityMax: 100,
    purpose: "capacity-loss",
    ...change,
  };
}

export function interruption(
  instanceId: string,
  change: Partial<InterruptionRequest> = {},
): InterruptionRequest {
  return { kind: "interrupt", requestId: "q", receivedMs: NOW, instanceId, ...change };
}

export function inputsOf(
  request: PlanInputs["request"],
  nodes: readonly NodeInput[],
  instances: readonly InstanceInput[],
  change: Partial<PlanInputs> = {},
): PlanInputs {
  return {
    nowMs: NOW,
    attempts: 0,
    request,
    policy: DEFAULT_POLICY,
    nodes,
    instances,
    down: [],
    unknownNodeIds: [],
    modelVersion: "none",
    ...change,
  };
}

export const nobodyGives: AskDonors = () => [];

/** Whom a decision interrupts, sorted. */
export function victimsOf(inputs: PlanInputs, ask: AskDonors = nobodyGives): string[] {
  const { proposal } = decide(inputs, ask);
  return proposal.placements.map(({ candidate }) => candidate.input.instanceId).sort();
}

/** The verdict and its reasons. */
export function codes(inputs: PlanInputs, ask: AskDonors = nobodyGives): string[] {
  const { kind, reasons } = decide(inputs, ask);
  return [kind, ...reasons.map(({ code }) => code)];
}
