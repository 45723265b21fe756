/**
 * `allocateResources`: may this instance be interrupted, as far as room for its restart goes?
 *
 * Its need is looked up, a place is found on its own node, else on another, else by shrinking
 * neighbours; then the place is reserved. When there is none, the answer says what is missing.
 * An instance of which nothing is known needs what it holds; if it holds nothing, the answer is no.
 */

import { needColumn, PHASE_COUNT, RESOURCES, type Resource } from "../core/abi.js";
import type { AllocationRecord, ReservationRecord, ShrinkRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { withLastResort } from "../profiler/last-resort.js";
import type { ProfileReader } from "../profiler/profile.js";
import { checkResourceAmounts, roundDown } from "./amounts.js";
import type { Book } from "./book.js";
import { checkFields, checkNodeIds, requireNode } from "./checks.js";
import type { Donors } from "./donors.js";
import type { Leases } from "./leases.js";
import { poolQuantiles, restartNeed } from "./needs.js";
import type { Offer, Placement, PlaceQuestion } from "./placement.js";
import { DONOR_NODES_MAX, GRACE_MS, POOLED_NODES_MAX } from "./policy.js";
import { isZero, phasePeaks } from "./room.js";
import { leaseWindows } from "./timeline.js";
import type { AllocationAnswer, AllocationRequest, ReserveRequest } from "./types.js";

const MINUTE_MS = 60_000;

export interface RequestPorts {
  readonly book: Book;
  readonly profiles: ProfileReader;
  readonly placement: Placement;
  readonly donors: Donors;
  readonly leases: Leases;
}

interface Asked {
  readonly unknown?: readonly Resource[] | undefined;
  readonly need: readonly number[];
  readonly quantiles: readonly number[] | undefined;
  readonly groupId: string;
  readonly expectedRestartMs: number;
  readonly question: PlaceQuestion;
}

interface Place {
  readonly offer: Offer;
  readonly shrinks: readonly ShrinkRecord[];
}

export class Requests {
  readonly #ports: RequestPorts;

  constructor(ports: RequestPorts) {
    this.#ports = ports;
  }

  /** Reserves when it answers yes. Steps of a transaction. */
  answer(instanceId: string, request: AllocationRequest, nowMs: number): AllocationAnswer {
    const asked = this.#read(instanceId, request, nowMs);
    const { need, question, unknown } = asked;
    if (unknown !== undefined) {
      const zeros = need.map(() => 0);
      const answer = { approved: false, instanceId, need, available: zeros, missing: zeros };
      return { ...answer, shrinks: [], unknown };
    }
    const found = this.#ports.placement.find(question) ?? this.#amongLeases(asked, request);
    const offers = found === undefined ? this.#ports.placement.offers(question) : [];
    const place =
      found === undefined
        ? this.#withDonors(offers, asked, request)
        : { offer: found, shrinks: [] };
    if (place === undefined) {
      const available = offers[0]?.room ?? need.map(() => 0);
      const missing = offers[0]?.missing ?? need;
      return { approved: false, instanceId, need, available, missing, shrinks: [] };
    }
    const reservation = this.#reserve(place, asked, request);
    const { room: available } = place.offer;
    const missing = need.map(() => 0);
    const { shrinks } = reservation;
    return { approved: true, instanceId, need, available, missing, reservation, shrinks };
  }

  /** @throws ERR_UNKNOWN_ID, ERR_ARGUMENT */
  #read(instanceId: string, request: AllocationRequest, nowMs: number): Asked {
    const { book, profiles } = this.#ports;
    checkFields(request, "request");
    const { outageMinutes, freedForOwner, nodeIds } = request;
    checkNodeIds(nodeIds);
    checkOutage(outageMinutes);
    if (freedForOwner !== undefined) checkResourceAmounts(freedForOwner, "freedForOwner");
    for (const nodeId of nodeIds ?? []) requireNode(book, nodeId);
    const claimed = book.leases.get(book.claimedByInstance.get(instanceId) ?? "");
    const place = book.allocations.get(instanceId) ?? claimed;
    const own = profiles.profile(
      instanceId,
      outageMinutes === undefined ? undefined : { outageMinutes },
    );
    const profile = withLastResort(own, heldBy(place));
    const need = restartNeed(profile);
    const minutes = outageMinutes ?? profile.outageMinutes;
    const expectedRestartMs = Math.round(nowMs + minutes * MINUTE_MS);
    const expiresMs = expectedRestartMs + GRACE_MS;
    const question = {
      need,
      nowMs,
      instanceId,
      windows: leaseWindows({ state: "held", expectedRestartMs, expiresMs }),
      freedForOwner: freedForOwner?.map(roundDown),
      nodeIds,
      preferredNodeId: place?.nodeId,
    } as const;
    const groupId = request.groupId ?? place?.groupId ?? instanceId;
    const quantiles = book.pooled ? poolQuantiles(profile.envelope, need) : undefined;
    return { need, quantiles, unknown: profile.unknown, groupId, expectedRestartMs, question };
  }

  /** A node where the need fits since not all leases will need all of theirs at once. */
  #amongLeases(asked: Asked, request: AllocationRequest): Offer | undefined {
    const { placement, leases, book } = this.#ports;
    const { need, question } = asked;
    if (!book.pooled) return undefined;
    for (const { nodeId, room } of placement.offers(question).slice(0, POOLED_NODES_MAX)) {
      const lacks = leases.shortageWith(toReserve(nodeId, asked, request), question.nowMs);
      if (isZero(lacks)) {
        const missing = need.map(() => 0);
        return {
          nodeId,
          room: need.map((n, c) => Math.max(n, room[c] ?? 0)),
          missing,
          lackRatio: 0,
        };
      }
    }
    return undefined;
  }

  /** The node that lacks least and whose neighbours can give it. */
  #withDonors(
    offers: readonly Offer[],
    asked: Asked,
    request: AllocationRequest,
  ): Place | undefined {
    if (request.shrink === false) return undefined;
    const { groupId, question } = asked;
    const own = offers.filter(({ nodeId }) => nodeId === question.preferredNodeId);
    const near = [...own, ...offers.filter((offer) => !own.includes(offer))];
    for (const offer of near.slice(0, DONOR_NODES_MAX)) {
      const shrinks = this.#ports.donors.search(
        {
          nodeId: offer.nodeId,
          groupId,
          missing: phasePeaks(offer.missing),
          exclude: new Set([question.instanceId]),
        },
        question.nowMs,
      );
      if (shrinks.length > 0) return { offer, shrinks };
    }
    return undefined;
  }

  #reserve(place: Place, asked: Asked, request: AllocationRequest): ReservationRecord {
    const reserve = toReserve(place.offer.nodeId, asked, request);
    const { nowMs } = asked.question;
    return this.#ports.leases.reserve({ ...reserve, shrinks: place.shrinks }, nowMs);
  }
}

function toReserve(nodeId: string, asked: Asked, request: AllocationRequest): ReserveRequest {
  const { question, groupId, need, expectedRestartMs, quantiles } = asked;
  const { instanceId, freedForOwner, preferredNodeId } = question;
  // What an interruption frees is on the node where it happens.
  const shares = freedForOwner !== undefined && nodeId === preferredNodeId;
  return {
    instanceId,
    ownerId: request.ownerId ?? instanceId,
    groupId,
    nodeId,
    amounts: need,
    expectedRestartMs,
    ...(request.planId === undefined ? {} : { planId: request.planId }),
    ...(shares ? { freedForOwner } : {}),
    ...(quantiles === undefined ? {} : { quantiles }),
  };
}

/** One value a resource: of a restart under way what it gets once it is over. */
function heldBy(
  place: AllocationRecord | ReservationRecord | undefined,
): readonly number[] | undefined {
  if (place === undefined || "allocated" in place) return place?.allocated;
  return RESOURCES.map((_, r) => place.amounts[needColumn(r, PHASE_COUNT - 1)] ?? Number.NaN);
}

function checkOutage(outageMinutes: number | undefined): void {
  if (outageMinutes === undefined) return;
  if (outageMinutes >= 0 && outageMinutes <= LIMITS.outageMinutesMax) return;
  throw new RepriseError("ERR_ARGUMENT", "not an outage", {
    field: "outageMinutes",
    got: outageMinutes,
    expected: `minutes, 0 to ${LIMITS.outageMinutesMax}`,
  });
}
