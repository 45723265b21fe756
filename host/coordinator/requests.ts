/** Checks of what callers ask for, before anything is queued. */
import { RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { CoordinatorRequest, ReclaimRequest } from "./types.js";

/** Ids of holds are made of the request's id and an index. */
const REQUEST_ID_BYTES_MAX = LIMITS.idBytesMax - 16;
const STEPS = 1024;

/**
 * @returns the request with its amounts rounded up to multiples of 2^-10
 * @throws ERR_ARGUMENT, ERR_LIMIT naming the field
 */
export function checkRequest(request: CoordinatorRequest): CoordinatorRequest {
  const { requestId, receivedMs, deadlineMs, outageMinutes, force } = request;
  if (requestId === "" || Buffer.byteLength(requestId) > REQUEST_ID_BYTES_MAX) {
    throw wrong("requestId", requestId, `text of 1 to ${REQUEST_ID_BYTES_MAX} bytes`);
  }
  checkTime(receivedMs, "receivedMs");
  if (deadlineMs !== undefined) checkTime(deadlineMs, "deadlineMs");
  if (force === true && deadlineMs === undefined) {
    throw wrong("deadlineMs", deadlineMs, "a deadline beside force");
  }
  if (
    outageMinutes !== undefined &&
    !(outageMinutes >= 0 && outageMinutes <= LIMITS.outageMinutesMax)
  ) {
    throw wrong("outageMinutes", outageMinutes, `0 to ${LIMITS.outageMinutesMax}`);
  }
  return request.kind === "reclaim" ? checkReclaim(request) : request;
}

function checkReclaim(request: ReclaimRequest): ReclaimRequest {
  const { nodeIds, amounts, priorityMax } = request;
  if (nodeIds.length === 0 || nodeIds.length > LIMITS.nodesMax) {
    throw wrong("nodeIds", nodeIds.length, `1 to ${LIMITS.nodesMax} nodes`);
  }
  if (new Set(nodeIds).size !== nodeIds.length) throw wrong("nodeIds", nodeIds, "each node once");
  if (amounts.length !== RESOURCE_COUNT) {
    throw wrong("amounts", amounts.length, `${RESOURCE_COUNT} numbers`);
  }
  for (const amount of amounts) {
    if (!(amount >= 0 && Number.isFinite(amount))) throw wrong("amounts", amount, "0 or more");
  }
  if (Number.isNaN(priorityMax)) throw wrong("priorityMax", priorityMax, "a number");
  const rounded = amounts.map((amount) => Math.ceil(amount * STEPS) / STEPS);
  return { ...request, amounts: rounded, nodeIds: [...nodeIds].sort() };
}

function checkTime(timeMs: number, field: string): void {
  if (!(Number.isFinite(timeMs) && timeMs >= 0)) throw wrong(field, timeMs, "ms since 1970");
}

function wrong(field: string, got: unknown, expected: string): RepriseError {
  return new RepriseError("ERR_ARGUMENT", "bad request", { field, got, expected });
}
