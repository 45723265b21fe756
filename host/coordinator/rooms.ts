/** Room of the nodes while a plan is being made: a working copy that nobody else sees. */
import { NEED_COLUMNS, needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { NodeInput } from "./inputs.js";

export class Rooms {
  readonly #rooms = new Map<string, Float64Array>();
  readonly #allocatable = new Map<string, readonly number[]>();

  constructor(nodes: readonly NodeInput[]) {
    for (const node of nodes) {
      this.#rooms.set(node.nodeId, Float64Array.from(node.room));
      this.#allocatable.set(node.nodeId, node.allocatable);
    }
  }

  get nodeIds(): Iterable<string> {
    return this.#rooms.keys();
  }

  has(nodeId: string): boolean {
    return this.#rooms.has(nodeId);
  }

  /** Resource x phase; read only. Zeros for a node that is not there. */
  of(nodeId: string): Readonly<Float64Array> {
    return this.#rooms.get(nodeId) ?? new Float64Array(NEED_COLUMNS).fill(-1);
  }

  /** Adds one value a resource to all phases; `sign` -1 takes it. */
  addFlat(nodeId: string, amounts: readonly number[], sign: 1 | -1): void {
    const room = this.#rooms.get(nodeId);
    if (room === undefined) return;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      room[column] = (room[column] ?? 0) + sign * (amounts[Math.floor(column / PHASE_COUNT)] ?? 0);
    }
  }

  /** Adds resource x phase; `sign` -1 takes it. */
  addPhased(nodeId: string, amounts: readonly number[], sign: 1 | -1): void {
    const room = this.#rooms.get(nodeId);
    if (room === undefined) return;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      room[column] = (room[column] ?? 0) + sign * (amounts[column] ?? 0);
    }
  }

  fits(nodeId: string, need: readonly number[]): boolean {
    const room = this.of(nodeId);
    return need.every((amount, column) => amount <= (room[column] ?? 0));
  }

  /** Room that is there in every phase, never below 0, one value a resource. */
  steady(nodeId: string): number[] {
    return this.leastOverPhases(nodeId).map((least) => Math.max(0, least));
  }

  /** The same, below 0 where the node is overcommitted. */
  leastOverPhases(nodeId: string): number[] {
    const room = this.of(nodeId);
    const leasts: number[] = [];
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      let least = Number.POSITIVE_INFINITY;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        least = Math.min(least, room[needColumn(resource, phase)] ?? 0);
      }
      leasts.push(least);
    }
    return leasts;
  }

  /** What `need` lacks on the node, resource x phase. */
  missing(nodeId: string, need: readonly number[]): number[] {
    const room = this.of(nodeId);
    return need.map((amount, column) => Math.max(0, amount - (room[column] ?? 0)));
  }

  /** Share of the node that would be left over, summed over the columns: less is a tighter fit. */
  leftover(nodeId: string, need: readonly number[]): number {
    const room = this.of(nodeId);
    const allocatable = this.#allocatable.get(nodeId) ?? [];
    let sum = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const whole = allocatable[Math.floor(column / PHASE_COUNT)] ?? 0;
      if (whole > 0) sum += ((room[column] ?? 0) - (need[column] ?? 0)) / whole;
    }
    return sum;
  }

  /** The tightest node that fits, ties to the first id; `preferred` wins when it fits. */
  best(need: readonly number[], preferred: string): string | undefined {
    if (this.fits(preferred, need)) return preferred;
    let best: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const nodeId of this.#rooms.keys()) {
      if (!this.fits(nodeId, need)) continue;
      const leftover = this.leftover(nodeId, need);
      if (leftover < least || (leftover === least && best !== undefined && nodeId < best)) {
        best = nodeId;
        least = leftover;
      }
    }
    return best;
  }
}

/** One value a resource: the largest over the phases. */
export function peakOverPhases(amounts: readonly number[]): number[] {
  const peaks: number[] = [];
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    let peak = 0;
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      peak = Math.max(peak, amounts[needColumn(resource, phase)] ?? 0);
    }
    peaks.push(peak);
  }
  return peaks;
}

/** The same value in every phase. */
export function flat(amounts: readonly number[]): number[] {
  const phased: number[] = [];
  for (let column = 0; column < NEED_COLUMNS; column++) {
    phased.push(amounts[Math.floor(column / PHASE_COUNT)] ?? 0);
  }
  return phased;
}
