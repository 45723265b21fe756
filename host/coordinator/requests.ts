/**
 * Checks of what callers ask for, before anything is queued. A request is built anew of the fields
 * that are known, so nothing comes in that the ledger could not hold or a decision could trip over.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkId, checkOutage } from "../profiler/registration.js";
import type { CoordinatorRequest, InterruptionRequest, ReclaimRequest } from "./types.js";

/** Ids of holds are made of the request's id and an index. */
const REQUEST_ID_BYTES_MAX = LIMITS.idBytesMax - 16;
const STEPS = 1024;

type Common = Omit<InterruptionRequest, "kind" | "instanceId">;

/**
 * @returns the request of its known fields, with its amounts rounded up to multiples of 2^-10
 * @throws ERR_ARGUMENT, ERR_LIMIT naming the field
 */
export function checkRequest(request: CoordinatorRequest): CoordinatorRequest {
  if (typeof request !== "object" || request === null) {
    throw wrong("request", request, "an interruption or a reclaim");
  }
  const common = commonOf(request);
  if (request.kind === "interrupt") {
    checkId("instanceId", request.instanceId);
    return { kind: "interrupt", ...common, instanceId: request.instanceId };
  }
  if (request.kind === "reclaim") return reclaimOf(request, common);
  const { kind } = request as { readonly kind: unknown };
  throw wrong("kind", kind, "interrupt or reclaim");
}

/** @throws ERR_ARGUMENT */
export function checkTime(timeMs: number, field: string): void {
  if (typeof timeMs === "number" && Number.isFinite(timeMs) && timeMs >= 0) return;
  throw wrong(field, timeMs, "ms since 1970");
}

function commonOf(request: CoordinatorRequest): Common {
  const { requestId, receivedMs, deadlineMs, outageMinutes, force } = request;
  checkId("requestId", requestId);
  if (Buffer.byteLength(requestId) > REQUEST_ID_BYTES_MAX) {
    throw wrong("requestId", requestId, `text of 1 to ${REQUEST_ID_BYTES_MAX} bytes`);
  }
  checkTime(receivedMs, "receivedMs");
  if (deadlineMs !== undefined) checkTime(deadlineMs, "deadlineMs");
  if (force !== undefined && typeof force !== "boolean") throw wrong("force", force, "a boolean");
  if (force === true && deadlineMs === undefined) {
    throw wrong("deadlineMs", deadlineMs, "a deadline beside force");
  }
  if (outageMinutes !== undefined) checkOutage("outageMinutes", outageMinutes);
  return {
    requestId,
    receivedMs,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(force === undefined ? {} : { force }),
    ...(outageMinutes === undefined ? {} : { outageMinutes }),
  };
}

function reclaimOf(request: ReclaimRequest, common: Common): ReclaimRequest {
  const { nodeIds, amounts, priorityMax, purpose, deadlineMs, requesterId } = request;
  if (requesterId !== undefined) checkId("requesterId", requesterId);
  checkNodeIds(nodeIds);
  if (!Array.isArray(amounts) || amounts.length !== RESOURCE_COUNT) {
    throw wrong("amounts", amounts, `${RESOURCE_COUNT} numbers`);
  }
  for (const amount of amounts as readonly unknown[]) {
    if (typeof amount === "number" && amount >= 0 && amount <= LIMITS.amountMax) continue;
    throw wrong("amounts", amount, `0 to ${LIMITS.amountMax}`);
  }
  if (!Number.isFinite(priorityMax)) throw wrong("priorityMax", priorityMax, "a finite number");
  if (purpose !== "capacity-loss" && purpose !== "requester") {
    throw wrong("purpose", purpose, "capacity-loss or requester");
  }
  if (deadlineMs === undefined) throw wrong("deadlineMs", deadlineMs, "ms since 1970");
  return {
    kind: "reclaim",
    ...common,
    deadlineMs,
    nodeIds: [...nodeIds].sort(),
    amounts: Array.from(request.amounts, (amount) => Math.ceil(amount * STEPS) / STEPS),
    priorityMax,
    purpose,
    ...(requesterId === undefined ? {} : { requesterId }),
  };
}

function checkNodeIds(nodeIds: readonly string[]): void {
  if (!Array.isArray(nodeIds) || nodeIds.length === 0 || nodeIds.length > LIMITS.nodesMax) {
    const got = Array.isArray(nodeIds) ? nodeIds.length : nodeIds;
    throw wrong("nodeIds", got, `a list of 1 to ${LIMITS.nodesMax} nodes`);
  }
  for (const nodeId of nodeIds) checkId("nodeIds", nodeId);
  if (new Set(nodeIds).size !== nodeIds.length) throw wrong("nodeIds", nodeIds, "each node once");
}

function wrong(field: string, got: unknown, expected: string): RepriseError {
  return new RepriseError("ERR_ARGUMENT", "bad request", { field, got, expected });
}
