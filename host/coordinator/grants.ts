/** A restart gets its room in the same turn: from its lease, else from what there is. */
import type { Grant } from "../allocator/types.js";
import { NEED_COLUMNS, RESOURCES, type Resource } from "../core/abi.js";
import type { Act } from "../engines/engine.js";
import type { ReservationRecord } from "../ledger/records.js";
import { isRepriseError, RepriseError } from "../lib/errors.js";
import { withLastResort } from "../profiler/last-resort.js";
import { giveBackActs, outboxChanges } from "./give-backs.js";
import { type KnownInstance, restartedAt } from "./instances.js";
import { isUsableEnvelope, restartNeed } from "./need.js";
import type { CoordinatorContext } from "./ports.js";
import { flat } from "./rooms.js";

/** Nodes tried for a restart that fits nowhere whole. */
const PARTLY_NODES_MAX = 8;

export interface Granted {
  readonly grant: Grant;
  readonly acts: readonly Act[];
}

/**
 * Claims the instance's lease and grants what it holds. Without one (it failed by itself, or came
 * back after the lease had expired) its need is predicted and granted as far as there is room.
 *
 * @throws ERR_UNKNOWN_ID; what the allocator or the ledger throws, and then nothing was changed
 */
export function grantRestart(
  context: CoordinatorContext,
  instanceId: string,
  timeMs: number,
): Granted {
  const { allocator, instances } = context;
  const known = instances.require(instanceId);
  const life = restartedAt(known.life, timeMs);
  const granted = allocator.transact(
    () => {
      const before = allocator.reservationOfOwner(known.ownerId);
      const grant = heldNow(context, before)
        ? allocator.claim(before.reservationId, { fencingToken: before.fencingToken, instanceId })
        : grantWithoutLease(context, known);
      const ended =
        before?.state === "claimed" ? allocator.reservation(before.reservationId) : undefined;
      const filled = filledUp(context, grant);
      const acts = [
        ...grantActs(context, filled),
        ...giveBackActs(allocator, ended === undefined ? [] : [ended]),
      ];
      return { grant: filled, acts };
    },
    ({ acts }) => [{ table: "incarnation", key: instanceId, put: life }, ...outboxChanges(acts)],
  );
  instances.update(instanceId, { life, nodeId: granted.grant.nodeId });
  return granted;
}

/**
 * Those of the claimed leases that got less than they wanted and find more room now: what each gets
 * from now on, and the act that says so. `over` are those that there is nothing more to do for.
 */
export function topUpGrants(
  context: CoordinatorContext,
  reservationIds: Iterable<string>,
): { readonly acts: readonly Act[]; readonly over: readonly string[] } {
  const { allocator } = context;
  const over: string[] = [];
  const acts = allocator.transact(() => {
    const changed: Act[] = [];
    for (const reservationId of reservationIds) {
      const lease = allocator.reservation(reservationId);
      if (lease?.state !== "claimed" || lease.wanted === undefined) {
        over.push(reservationId);
        continue;
      }
      const { fencingToken } = lease;
      const grant = allocator.topUp(reservationId, fencingToken);
      if (!isShort(grant)) over.push(reservationId);
      const isSame = allocator.reservation(reservationId)?.fencingToken === fencingToken;
      if (!isSame) changed.push(...grantActs(context, grant, "/more"));
    }
    return changed;
  }, outboxChanges);
  return { acts, over };
}

export function isShort({ shortfall }: Grant): boolean {
  return shortfall.some((lack) => lack > 0);
}

/** With what is idle beside its lease at once; what is short then has a time to wait for. */
function filledUp({ allocator, clock }: CoordinatorContext, grant: Grant): Grant {
  const { reservationId, nodeId } = grant;
  if (reservationId === null || !isShort(grant)) return grant;
  const { fencingToken } = requireLease(allocator, reservationId);
  const topped = allocator.topUp(reservationId, fencingToken);
  const filled = grant.unknown === undefined ? topped : { ...topped, unknown: grant.unknown };
  if (!isShort(filled)) return filled;
  const wanted = filled.amounts.map((amount, c) => amount + (filled.shortfall[c] ?? 0));
  const nowMs = clock.nowMs();
  const startAtMs = allocator.paceRestart(wanted, nodeId, nowMs, reservationId);
  // Now would do without its own former claim; but that is what it got.
  return startAtMs === undefined || startAtMs <= nowMs ? filled : { ...filled, startAtMs };
}

function requireLease(
  allocator: CoordinatorContext["allocator"],
  reservationId: string,
): ReservationRecord {
  const lease = allocator.reservation(reservationId);
  if (lease !== undefined) return lease;
  throw new RepriseError("ERR_INVARIANT", "a grant without its lease", { got: reservationId });
}

function heldNow(
  { clock }: CoordinatorContext,
  lease: ReservationRecord | undefined,
): lease is ReservationRecord {
  return lease?.state === "held" && lease.expiresMs > clock.nowMs();
}

function grantActs({ allocator }: CoordinatorContext, grant: Grant, more?: "/more"): Act[] {
  const { reservationId, instanceId, nodeId, amounts, startAtMs } = grant;
  if (reservationId === null) return [];
  const { planId = "", fencingToken } = requireLease(allocator, reservationId);
  const act: Act = {
    kind: "grant",
    // What comes later is another act, of which there may be several.
    actId: `${reservationId}/grant${more === undefined ? "" : `${more}/${fencingToken}`}`,
    planId,
    fencingToken,
    instanceId,
    nodeId,
    amounts: [...amounts],
    ...(startAtMs === undefined ? {} : { startAtMs }),
  };
  return [act];
}

function grantWithoutLease(context: CoordinatorContext, known: KnownInstance): Grant {
  const { allocator } = context;
  const { instanceId } = known.registration;
  const { need, unknown } = needOf(context, known);
  // The room of its former life is free for the new one.
  if (allocator.allocationOf(instanceId) !== undefined) allocator.release(instanceId);
  if (unknown.length === RESOURCES.length) {
    // A lease of zeros would say that it needs nothing.
    const { nodeId } = known;
    return { reservationId: null, instanceId, nodeId, amounts: need, shortfall: none(), unknown };
  }
  const grant = grantNeed(context, known, need);
  return unknown.length === 0 ? grant : { ...grant, unknown };
}

function grantNeed(
  context: CoordinatorContext,
  known: KnownInstance,
  need: readonly number[],
): Grant {
  const { allocator } = context;
  const { instanceId } = known.registration;
  const answer = allocator.fit({ need, preferredNodeId: known.nodeId });
  const whole = answer.fits && answer.nodeId !== null ? [answer.nodeId] : [];
  for (const nodeId of whole) {
    const grant = reserveAndClaim(context, known, { nodeId, amounts: need });
    if (grant !== undefined) return grant;
  }
  for (const nodeId of partlyOn(context, known)) {
    const room = allocator.headroom(nodeId);
    const amounts = need.map((amount, column) => Math.min(amount, Math.max(0, room[column] ?? 0)));
    const grant = reserveAndClaim(context, known, { nodeId, amounts, wanted: need });
    if (grant !== undefined) return grant;
  }
  const { nodeId } = known;
  return { reservationId: null, instanceId, nodeId, amounts: none(), shortfall: need };
}

/** Its own node, then those with most of the scarcest resource, a few. */
function partlyOn({ allocator }: CoordinatorContext, known: KnownInstance): string[] {
  const nodes = allocator
    .nodeIds()
    .map((nodeId) => ({ nodeId, least: Math.min(...allocator.headroom(nodeId)) }))
    .sort(
      (a, b) =>
        Number(b.nodeId === known.nodeId) - Number(a.nodeId === known.nodeId) ||
        b.least - a.least ||
        (a.nodeId < b.nodeId ? -1 : 1),
    );
  return nodes.slice(0, PARTLY_NODES_MAX).map(({ nodeId }) => nodeId);
}

/** Undefined when the node has no room for it; steps of the transaction under way. */
function reserveAndClaim(
  { allocator, clock }: CoordinatorContext,
  { registration, ownerId }: KnownInstance,
  what: {
    readonly nodeId: string;
    readonly amounts: readonly number[];
    readonly wanted?: readonly number[];
  },
): Grant | undefined {
  const { instanceId, groupId } = registration;
  try {
    return allocator.transact(() => {
      const lease = allocator.reserve({
        instanceId,
        ownerId,
        groupId,
        ...what,
        expectedRestartMs: clock.nowMs(),
        // It is claimed in the same breath.
        graceMs: 1,
      });
      const { reservationId, fencingToken } = lease;
      return allocator.claim(reservationId, { fencingToken, instanceId });
    });
  } catch (error) {
    if (isRepriseError(error) && error.code === "ERR_NO_ROOM") return undefined;
    throw error;
  }
}

/**
 * Predicted; where nothing is known what was asked for at submission, else what it still holds.
 * Zero in the resources of which even that is unknown; these are named.
 */
function needOf(
  { profiles, allocator }: CoordinatorContext,
  known: KnownInstance,
): { readonly need: readonly number[]; readonly unknown: readonly Resource[] } {
  const { instanceId, requested } = known.registration;
  const held = allocator.allocationOf(instanceId)?.amounts;
  const stand = RESOURCES.map((resource, r) => {
    const asked = requested?.[resource] ?? Number.NaN;
    return Number.isNaN(asked) ? (held?.[r] ?? Number.NaN) : asked;
  });
  if (profiles.has(instanceId)) {
    const own = profiles.profile(instanceId, { outageMinutes: 0 });
    const { envelope, unknown = [] } = withLastResort(own, stand);
    if (isUsableEnvelope(envelope)) return { need: restartNeed(envelope), unknown };
  }
  const unknown = RESOURCES.filter((_, r) => Number.isNaN(stand[r]));
  return { need: flat(stand.map((amount) => (Number.isNaN(amount) ? 0 : amount))), unknown };
}

function none(): number[] {
  return new Array<number>(NEED_COLUMNS).fill(0);
}
