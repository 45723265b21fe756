/** The room that a reclaim request is about: what is short, what neighbours gave, what is held. */
import type { ShrinkRecord } from "../ledger/records.js";
import type { Candidate } from "./candidates.js";
import type { ShrinksByNode } from "./donor-trim.js";
import type { InstanceInput } from "./inputs.js";
import { sumGiven } from "./placement.js";
import type { Rooms } from "./rooms.js";

/** Room kept for the requester, or that leaves with the capacity, on one node. */
export interface Hold {
  readonly nodeId: string;
  /** One value a resource. */
  readonly amounts: readonly number[];
  readonly shrinks: readonly ShrinkRecord[];
}

/**
 * What is short of `amounts` on the nodes together; below 0 where ample. What a node is
 * overcommitted by counts as short too, because the first room that comes free there is owed.
 */
export function shortOf(
  amounts: readonly number[],
  nodeIds: readonly string[],
  rooms: Rooms,
): number[] {
  const steady = nodeIds.map((nodeId) => rooms.leastOverPhases(nodeId));
  return amounts.map((amount, resource) =>
    steady.reduce((left, room) => left - (room[resource] ?? 0), amount),
  );
}

export function applyShrinks(
  shrinks: ShrinksByNode,
  rooms: Rooms,
): ReadonlyMap<string, readonly number[]> {
  const givenBy = new Map<string, readonly number[]>();
  for (const [nodeId, records] of shrinks) {
    for (const { donorId, given } of records) {
      rooms.addFlat(nodeId, given, 1);
      givenBy.set(donorId, given);
    }
  }
  return givenBy;
}

/** A donor that is interrupted after all frees only what it has not given yet. */
export function lessGiven(
  candidate: Candidate,
  givenBy: ReadonlyMap<string, readonly number[]>,
): Candidate {
  const freed = freedBeside(candidate.input, givenBy);
  return freed === candidate.input.freed
    ? candidate
    : { ...candidate, input: { ...candidate.input, freed } };
}

export function freedBeside(
  { instanceId, freed }: InstanceInput,
  givenBy: ReadonlyMap<string, readonly number[]>,
): readonly number[] {
  const given = givenBy.get(instanceId);
  if (given === undefined) return freed;
  return freed.map((amount, resource) => amount - (given[resource] ?? 0));
}

/** Takes the requester's room before anybody restarts; a victim's own shrink is moot. */
export function holdRoom(
  amounts: readonly number[],
  nodeIds: readonly string[],
  rooms: Rooms,
  so: {
    readonly shrinks: ShrinksByNode;
    readonly victims: ReadonlySet<string>;
  },
): Hold[] {
  const holds: Hold[] = [];
  const left = [...amounts];
  for (const nodeId of nodeIds) {
    const steady = rooms.steady(nodeId);
    const held = left.map((amount, resource) => Math.min(amount, steady[resource] ?? 0));
    const shrinks = (so.shrinks.get(nodeId) ?? []).filter(
      ({ donorId }) => !so.victims.has(donorId),
    );
    if (held.every((amount) => amount === 0)) {
      // Nobody shrinks for a lease that would hold nothing.
      for (const { given } of shrinks) rooms.addFlat(nodeId, given, -1);
      continue;
    }
    // What neighbours gave beyond what is held here is tied to the lease all the same.
    const given = sumGiven(shrinks);
    const taken = held.map((amount, resource) => Math.max(amount, given[resource] ?? 0));
    rooms.addFlat(nodeId, taken, -1);
    held.forEach((amount, resource) => {
      left[resource] = (left[resource] ?? 0) - amount;
    });
    holds.push({ nodeId, amounts: held, shrinks });
  }
  return holds;
}
