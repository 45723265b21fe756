/**
 * Which nodes have most room, for decisions that cannot look at all of them.
 *
 * Gone through once a tick. Between ticks a node whose room has shrunk is put back where it belongs
 * as soon as it is looked at, so that many decisions on one tick do not crowd on the same nodes; one
 * that gained room is found by the next tick. The room itself is always read anew.
 */
import type { ResourceAllocator } from "../allocator/types.js";
import { PHASE_COUNT } from "../core/abi.js";
import type { NodeInput } from "./inputs.js";

/** Nodes by index; `order` has the roomiest first, then by id. */
interface Ranking {
  readonly nodeIds: readonly string[];
  readonly allocatable: readonly (readonly number[])[];
  /** Share that was free in the scarcest column. */
  readonly room: Float64Array;
  readonly order: Int32Array;
  /** What was last found, and of which headroom. */
  readonly found: Float64Array;
  readonly headrooms: (readonly number[] | undefined)[];
}

export class RoomIndex {
  readonly #allocator: ResourceAllocator;
  readonly #nodesMax: number;
  /** Undefined before the first tick. */
  #ranking: Ranking | undefined;
  /** As they were last looked at. */
  readonly #inputs = new Map<string, NodeInput>();

  /** @param nodesMax how many nodes a decision looks at beside those in its scope */
  constructor(allocator: ResourceAllocator, nodesMax: number) {
    this.#allocator = allocator;
    this.#nodesMax = nodesMax;
  }

  /** Nothing to keep where every decision looks at every node. */
  refresh(): void {
    const nodeIds = this.#allocator.nodeIds();
    if (this.#inputs.size > nodeIds.length) this.#inputs.clear();
    this.#ranking = nodeIds.length > this.#nodesMax ? this.#rank(nodeIds) : undefined;
  }

  /** The roomiest nodes outside `scope`, best first. */
  roomiest(scope: ReadonlySet<string>): string[] {
    const ranking = this.#ranking ?? this.#rank(this.#allocator.nodeIds());
    const best: string[] = [];
    let at = 0;
    while (best.length < this.#nodesMax && at < ranking.order.length) {
      const index = ranking.order[at] ?? 0;
      const nodeId = ranking.nodeIds[index] ?? "";
      const isThere = this.#allocator.hasNode(nodeId);
      const now = isThere ? this.#look(ranking, index) : GONE;
      if (now < (ranking.room[index] ?? 0)) {
        ranking.room[index] = now;
        moveBack(ranking, at);
        continue;
      }
      at += 1;
      if (isThere && !scope.has(nodeId)) best.push(nodeId);
    }
    return best;
  }

  /** A node as a decision looks at it: the same object as long as nothing of it changes. */
  nodeInput(nodeId: string): NodeInput {
    const allocatable = this.#allocator.allocatable(nodeId);
    const room = this.#allocator.headroom(nodeId);
    const known = this.#inputs.get(nodeId);
    if (known?.room === room && known.allocatable === allocatable) return known;
    const input = { allocatable, nodeId, room };
    this.#inputs.set(nodeId, input);
    return input;
  }

  #rank(nodeIds: readonly string[]): Ranking {
    const allocatable = nodeIds.map((id) => this.#allocator.allocatable(id));
    const ranking: Ranking = {
      nodeIds,
      allocatable,
      room: new Float64Array(nodeIds.length),
      order: Int32Array.from(nodeIds, (_, index) => index),
      found: new Float64Array(nodeIds.length),
      headrooms: new Array<undefined>(nodeIds.length).fill(undefined),
    };
    for (let index = 0; index < nodeIds.length; index++) {
      ranking.room[index] = this.#look(ranking, index);
    }
    ranking.order.sort((a, b) => compare(ranking, a, b));
    return ranking;
  }

  /** The room on the node now; worked out again only when it has changed. */
  #look(ranking: Ranking, index: number): number {
    const headroom = this.#allocator.headroom(ranking.nodeIds[index] ?? "");
    if (ranking.headrooms[index] !== headroom) {
      ranking.headrooms[index] = headroom;
      ranking.found[index] = scarcestShare(headroom, ranking.allocatable[index] ?? []);
    }
    return ranking.found[index] ?? 0;
  }
}

function scarcestShare(headroom: readonly number[], allocatable: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let column = 0; column < headroom.length; column++) {
    const whole = allocatable[Math.floor(column / PHASE_COUNT)] ?? 0;
    if (whole > 0) least = Math.min(least, (headroom[column] ?? 0) / whole);
  }
  return Number.isFinite(least) ? least : 0;
}

/** The room on a node that has been removed: it ends behind all others. */
const GONE = Number.NEGATIVE_INFINITY;

function compare({ nodeIds, room }: Ranking, a: number, b: number): number {
  const [left, right] = [room[a] ?? 0, room[b] ?? 0];
  if (left !== right) return left < right ? 1 : -1;
  return (nodeIds[a] ?? "") < (nodeIds[b] ?? "") ? -1 : 1;
}

/** Puts the node at this place, whose room has shrunk, where it belongs. */
function moveBack(ranking: Ranking, from: number): void {
  const { order } = ranking;
  const index = order[from] ?? 0;
  let low = from + 1;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(ranking, order[middle] ?? 0, index) < 0) low = middle + 1;
    else high = middle;
  }
  order.copyWithin(from, from + 1, low);
  order[low - 1] = index;
}
