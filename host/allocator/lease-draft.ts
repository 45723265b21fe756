/** A lease that is asked for: whether the request may be granted at all, and the record it becomes. */
import type { ReservationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { ProfileReader } from "../profiler/profile.js";
import {
  checkNeedAmounts,
  checkQuantiles,
  checkResourceAmounts,
  roundDown,
  roundUp,
} from "./amounts.js";
import type { Book } from "./book.js";
import { checkId, checkLimit, requireNode, wholeMs } from "./checks.js";
import { poolQuantiles, withOffsets } from "./needs.js";
import { GRACE_MS } from "./policy.js";
import type { ReserveRequest } from "./types.js";

const ID_DIGITS = 12;

export interface DraftPorts {
  readonly book: Book;
  readonly profiles: ProfileReader;
}

export interface LeaseTimes {
  readonly expectedRestartMs: number;
  readonly expiresMs: number;
}

/** When the restart is expected, and until when the lease waits for it. */
export function timesOf(request: ReserveRequest): LeaseTimes {
  const expectedRestartMs = wholeMs(request.expectedRestartMs, "expectedRestartMs");
  const expiresMs = expectedRestartMs + wholeMs(request.graceMs ?? GRACE_MS, "graceMs");
  return { expectedRestartMs, expiresMs };
}

/** The lease as it would be granted, without what donors give. */
export function draftLease(
  ports: DraftPorts,
  request: ReserveRequest,
  so: LeaseTimes & { readonly fencingToken: number; readonly nowMs: number },
): ReservationRecord {
  const { instanceId, ownerId, groupId, nodeId } = request;
  const { expectedRestartMs, expiresMs, fencingToken, nowMs } = so;
  const amounts = request.amounts.map(roundUp);
  const quantiles = quantilesOf(ports, request, amounts);
  return {
    // The counter outlives restarts, so an id never comes back; padding keeps key order.
    reservationId: `lease-${`${fencingToken}`.padStart(ID_DIGITS, "0")}`,
    ownerId,
    instanceId,
    nodeId,
    groupId,
    amounts,
    state: "held",
    fencingToken,
    createdMs: nowMs,
    expectedRestartMs,
    expiresMs,
    ...(request.planId === undefined ? {} : { planId: request.planId }),
    ...(request.freedForOwner === undefined
      ? {}
      : { freedForOwner: request.freedForOwner.map(roundDown) }),
    shrinks: [],
    ...(quantiles === undefined ? {} : { quantiles }),
    ...(request.wanted === undefined ? {} : { wanted: request.wanted.map(roundUp) }),
  };
}

function quantilesOf(
  { book, profiles }: DraftPorts,
  request: ReserveRequest,
  amounts: readonly number[],
): number[] | undefined {
  if (!book.pooled) return undefined;
  if (request.quantiles !== undefined) {
    checkQuantiles(request.quantiles);
    const rows = request.quantiles.map(roundUp);
    const fits = amounts.every((amount, column) => amount <= (rows[column * 4 + 3] ?? 0));
    return fits ? withOffsets(rows, book.poolOffsets) : undefined;
  }
  if (!profiles.has(request.instanceId)) return undefined;
  const { envelope } = profiles.profile(request.instanceId);
  const quantiles = poolQuantiles(envelope, amounts);
  return quantiles && withOffsets(quantiles, book.poolOffsets);
}

/** @throws ERR_ARGUMENT, ERR_UNKNOWN_ID, ERR_LIMIT, ERR_STATE */
export function checkRequest(book: Book, request: ReserveRequest, nowMs: number): LeaseTimes {
  checkId(request.instanceId, "instanceId");
  checkId(request.ownerId, "ownerId");
  checkId(request.groupId, "groupId");
  checkNeedAmounts(request.amounts, "amounts");
  if (request.wanted !== undefined) checkNeedAmounts(request.wanted, "wanted");
  if (request.freedForOwner !== undefined) {
    checkResourceAmounts(request.freedForOwner, "freedForOwner");
  }
  requireNode(book, request.nodeId);
  checkLimit(book.leases.size, LIMITS.reservationsMax, "reservations");
  if (!book.groups.has(request.groupId)) {
    checkLimit(book.groups.size, LIMITS.groupsMax, "groups");
  }
  const held = book.heldByOwner.get(request.ownerId) ?? book.heldByInstance.get(request.instanceId);
  if (held !== undefined) {
    throw new RepriseError("ERR_STATE", `owner ${request.ownerId} holds ${held} already`);
  }
  const times = timesOf(request);
  requireFuture(times.expiresMs, nowMs);
  return times;
}

/** @throws ERR_ARGUMENT */
export function requireFuture(expiresMs: number, nowMs: number): void {
  if (expiresMs > nowMs) return;
  throw new RepriseError("ERR_ARGUMENT", "the lease would be over already", {
    field: "expectedRestartMs",
    got: expiresMs,
    expected: `an expiry after ${nowMs}`,
  });
}
