import { RESOURCE_COUNT } from "../core/abi.js";
import type { Amounts } from "./scenario.js";

export interface NodeRoom {
  readonly nodeId: string;
  /** Free now; may be negative. */
  readonly room: Amounts;
  readonly capacity: Amounts;
}

export interface Taken {
  readonly taken: ReadonlyMap<string, Amounts>;
  /** What was not free, one value a resource. */
  readonly missing: Amounts;
}

/**
 * Says which nodes lose capacity: free room first, in proportion to it; what is not free is taken
 * in proportion to capacity, because capacity goes whether or not anyone made room.
 */
export function takeCapacity(nodes: readonly NodeRoom[], amounts: Amounts): Taken {
  const taken = nodes.map(() => new Array<number>(RESOURCE_COUNT).fill(0));
  const missing = new Array<number>(RESOURCE_COUNT).fill(0);
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const asked = amounts[resource] ?? 0;
    const rooms = nodes.map((node) =>
      Math.max(0, Math.min(node.room[resource] ?? 0, node.capacity[resource] ?? 0)),
    );
    const roomTotal = rooms.reduce((sum, room) => sum + room, 0);
    const free = Math.min(asked, roomTotal);
    const rest = asked - free;
    missing[resource] = rest;
    const left = nodes.map((node, index) => (node.capacity[resource] ?? 0) - (rooms[index] ?? 0));
    const leftTotal = left.reduce((sum, value) => sum + value, 0);
    nodes.forEach((_, index) => {
      const fromRoom = roomTotal > 0 ? (free * (rooms[index] ?? 0)) / roomTotal : 0;
      const fromRest = leftTotal > 0 ? (rest * (left[index] ?? 0)) / leftTotal : 0;
      const column = taken[index];
      if (column !== undefined) column[resource] = fromRoom + fromRest;
    });
  }
  return {
    taken: new Map(nodes.map((node, index) => [node.nodeId, taken[index] ?? []])),
    missing,
  };
}

export function addAmounts(a: Amounts, b: Amounts, sign = 1): number[] {
  return a.map((value, resource) => value + sign * (b[resource] ?? 0));
}

/** Small differences of sums are not differences. */
const TOLERANCE = 1e-9;

export function fits(need: Amounts, room: Amounts): boolean {
  return need.every((value, resource) => value <= (room[resource] ?? 0) + TOLERANCE);
}
