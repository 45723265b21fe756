/** What a plan lacked when it was committed, as less room for the plan that is made instead. */
import { PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { isRepriseError } from "../lib/errors.js";
import type { PlanInputs } from "./inputs.js";

/** Amounts, one value a resource, by which a node is smaller than the plan had it. */
export interface Owed {
  readonly nodeId: string;
  readonly amounts: readonly number[];
}

/** Undefined where the error names no node that lacks anything. */
export function owedBy(error: unknown): Owed | undefined {
  if (!isRepriseError(error) || error.code !== "ERR_NO_ROOM") return undefined;
  const { nodeId, got } = error.context;
  if (nodeId === undefined || !Array.isArray(got) || got.length !== RESOURCE_COUNT)
    return undefined;
  const amounts = got.map((amount) => (typeof amount === "number" && amount > 0 ? amount : 0));
  return amounts.some((amount) => amount > 0) ? { nodeId, amounts } : undefined;
}

/**
 * The same inputs with less room on one node, in every phase: `times` as much as it lacked, because
 * a plan that left some room there would not change by less than that.
 */
export function withLessRoom(
  inputs: PlanInputs,
  { nodeId, amounts }: Owed,
  times: number,
): PlanInputs {
  const nodes = inputs.nodes.map((node) =>
    node.nodeId === nodeId
      ? {
          ...node,
          room: node.room.map(
            (room, c) => room - times * (amounts[Math.floor(c / PHASE_COUNT)] ?? 0),
          ),
        }
      : node,
  );
  return { ...inputs, nodes };
}
