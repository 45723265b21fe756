/** Views of the pools: per node, per group and in total. */
import { NEED_COLUMNS, RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import type { Book, GroupState, NodeState } from "./book.js";
import { requireNode } from "./checks.js";
import { headroomOf, reservedOf } from "./room.js";
import type { Targets } from "./targets.js";
import { bandWindows, peaksOver } from "./timeline.js";
import type { PoolView } from "./types.js";

type Sums = Omit<PoolView, "kind" | "id" | "target">;

export class Pools {
  readonly #book: Book;
  readonly #targets: Targets;

  constructor(book: Book, targets: Targets) {
    this.#book = book;
    this.#targets = targets;
  }

  view(kind: PoolView["kind"], id: string, nowMs: number): PoolView {
    const target = this.#targets.of(kind, kind === "total" ? "total" : id);
    if (kind === "node") {
      return { kind, id, ...this.#node(requireNode(this.#book, id), nowMs), target };
    }
    if (kind === "total") return { kind, id, ...this.#total(nowMs), target };
    const group = this.#book.groups.get(id);
    if (group === undefined) {
      throw new RepriseError("ERR_UNKNOWN_ID", "no such group", { field: "id", got: id });
    }
    return { kind, id, ...this.#group(group, nowMs), target };
  }

  #node(node: NodeState, nowMs: number): Sums {
    return {
      allocatable: node.allocatable,
      allocated: [...node.allocated],
      reserved: reservedOf(this.#book, node, nowMs),
      headroom: headroomOf(this.#book, node, nowMs),
    };
  }

  #total(nowMs: number): Sums {
    return addAll([...this.#book.nodes.values()].map((node) => this.#node(node, nowMs)));
  }

  /**
   * What the group holds, and the room on the nodes where it holds something. There other groups
   * hold room too, so its headroom is that of the nodes, not the difference of its own sums.
   */
  #group(group: GroupState, nowMs: number): Sums {
    const leasesByNode = new Map<string, string[]>();
    for (const instanceId of group.members) {
      const nodeId = this.#book.allocations.get(instanceId)?.nodeId;
      if (nodeId !== undefined) leasesByNode.set(nodeId, leasesByNode.get(nodeId) ?? []);
    }
    for (const leaseId of group.leaseIds) {
      const nodeId = this.#book.leases.get(leaseId)?.nodeId;
      if (nodeId !== undefined) {
        leasesByNode.set(nodeId, [...(leasesByNode.get(nodeId) ?? []), leaseId]);
      }
    }
    const parts = [...leasesByNode].map(([nodeId, leaseIds]) => {
      const node = this.#book.node(nodeId);
      return {
        allocatable: node.allocatable,
        allocated: [],
        reserved: peaksOver(this.#book.together(leaseIds), bandWindows(nowMs)),
        headroom: headroomOf(this.#book, node, nowMs),
      };
    });
    return { ...addAll(parts), allocated: [...group.allocated] };
  }
}

function addAll(parts: readonly Sums[]): Sums {
  const sum = (length: number, pick: (part: Sums) => readonly number[]): number[] => {
    const total = new Array<number>(length).fill(0);
    for (const part of parts) {
      const amounts = pick(part);
      for (let index = 0; index < length; index++) {
        total[index] = (total[index] ?? 0) + (amounts[index] ?? 0);
      }
    }
    return total;
  };
  return {
    allocatable: sum(RESOURCE_COUNT, (part) => part.allocatable),
    allocated: sum(RESOURCE_COUNT, (part) => part.allocated),
    reserved: sum(NEED_COLUMNS, (part) => part.reserved),
    headroom: sum(NEED_COLUMNS, (part) => part.headroom),
  };
}
