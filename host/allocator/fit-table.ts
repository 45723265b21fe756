/**
 * A copy of every node's room in the core's memory, for questions over all nodes at once.
 *
 * Rows are in the order of the node ids, so an answer does not depend on the order in which nodes
 * were added. Room is rounded down and needs are rounded up on the way in: the core may answer no
 * where exact numbers say yes by a rounding, never the other way round.
 */
import { NEED_COLUMNS, RESOURCE_COUNT } from "../core/abi.js";
import { ArenaPlan } from "../core/arena.js";
import { callKernel, type Kernel, openKernel } from "../core/kernel.js";
import { compareKeys } from "../ledger/encoding.js";
import { present } from "../lib/assert.js";
import { ceilToSingle, floorToSingle } from "../lib/single.js";
import type { Book, NodeState } from "./book.js";
import { headroomOf } from "./room.js";

const NODES_MIN = 64;

interface Layout {
  readonly kernel: Kernel;
  readonly capacity: number;
  readonly strideBytes: number;
  /** f32[12][capacity] room within the bands from now. */
  readonly roomPtr: number;
  /** f32[4][capacity] room without leases: what no lease could exceed. */
  readonly idlePtr: number;
  readonly needPtr: number;
  readonly weightsPtr: number;
  readonly outPtr: number;
  readonly maskPtr: number;
  readonly floats: Float32Array;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

export class FitTable {
  readonly #book: Book;
  readonly #module: WebAssembly.Module;
  #layout: Layout | undefined;
  #order: string[] = [];
  #index = new Map<string, number>();
  #seenSetVersion = -1;
  #nowMs = Number.NaN;
  readonly #leased = new Set<string>();

  constructor(book: Book, module: WebAssembly.Module) {
    this.#book = book;
    this.#module = module;
  }

  /** Node ids in order. */
  order(): readonly string[] {
    if (this.#seenSetVersion !== this.#book.nodeSetVersion) this.#rebuild();
    return this.#order;
  }

  /** How many nodes fit the need now, and which of them keeps the least room. */
  best(
    need: readonly number[],
    nowMs: number,
    freed?: ReadonlyMap<string, readonly number[]>,
  ): { readonly count: number; readonly nodeId: string | undefined } {
    const layout = this.#refresh(nowMs);
    for (const [nodeId, extra] of freed ?? []) this.#write(layout, this.#book.node(nodeId), extra);
    this.#writeNeed(layout, need);
    const { kernel, roomPtr, strideBytes, needPtr, weightsPtr, outPtr, words } = layout;
    const nodeCount = this.#order.length;
    callKernel("fitCount", () => {
      kernel.fitCount(roomPtr, strideBytes, nodeCount, NEED_COLUMNS, needPtr, 1, outPtr);
    });
    const count = words[outPtr / 4] ?? 0;
    callKernel("fitBest", () => {
      const columns = NEED_COLUMNS;
      kernel.fitBest(roomPtr, strideBytes, nodeCount, columns, needPtr, 1, weightsPtr, outPtr);
    });
    const found = words[outPtr / 4] ?? -1;
    for (const nodeId of freed?.keys() ?? []) this.#book.dirtyNodes.add(nodeId);
    return { count, nodeId: found < 0 ? undefined : this.#order[found] };
  }

  /** Nodes that could hold these amounts if there were no leases, in order. */
  spacious(amounts: readonly number[], nowMs: number): string[] {
    const layout = this.#refresh(nowMs);
    this.#writeNeed(layout, amounts);
    const { kernel, idlePtr, strideBytes, needPtr, maskPtr, bytes } = layout;
    const nodeCount = this.#order.length;
    callKernel("fitMask", () => {
      const columns = RESOURCE_COUNT;
      kernel.fitMask(idlePtr, strideBytes, nodeCount, columns, needPtr, 1, maskPtr, nodeCount);
    });
    return this.#order.filter((_, index) => bytes[maskPtr + index] === 1);
  }

  #writeNeed(layout: Layout, need: readonly number[]): void {
    layout.floats.set(need.map(ceilToSingle), layout.needPtr / 4);
  }

  /** Copies what changed since the last question. Only leases make room depend on the clock. */
  #refresh(nowMs: number): Layout {
    this.order();
    const layout = present(this.#layout, "the fit table's layout");
    const { dirtyNodes } = this.#book;
    if (nowMs !== this.#nowMs) for (const nodeId of this.#leased) dirtyNodes.add(nodeId);
    this.#nowMs = nowMs;
    for (const nodeId of dirtyNodes) {
      const node = this.#book.nodes.get(nodeId);
      if (node === undefined) this.#leased.delete(nodeId);
      else this.#write(layout, node);
    }
    dirtyNodes.clear();
    return layout;
  }

  #write(layout: Layout, node: NodeState, freed?: readonly number[]): void {
    const index = present(this.#index.get(node.nodeId), `row of node ${node.nodeId}`);
    const width = layout.strideBytes / 4;
    headroomOf(this.#book, node, this.#nowMs).forEach((room, column) => {
      const value = floorToSingle(room + (freed?.[column] ?? 0));
      layout.floats[layout.roomPtr / 4 + column * width + index] = value;
    });
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const idle = (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0);
      layout.floats[layout.idlePtr / 4 + r * width + index] = floorToSingle(idle);
    }
    if (node.leaseIds.size > 0) this.#leased.add(node.nodeId);
    else this.#leased.delete(node.nodeId);
  }

  #rebuild(): void {
    const { nodes, dirtyNodes } = this.#book;
    this.#order = [...nodes.keys()].sort(compareKeys);
    this.#index = new Map(this.#order.map((nodeId, index) => [nodeId, index]));
    this.#seenSetVersion = this.#book.nodeSetVersion;
    let capacity = Math.max(NODES_MIN, this.#layout?.capacity ?? 0);
    while (capacity < nodes.size) capacity *= 2;
    if (capacity !== this.#layout?.capacity) this.#layout = openLayout(this.#module, capacity);
    this.#leased.clear();
    for (const nodeId of this.#order) dirtyNodes.add(nodeId);
    this.#writeWeights(present(this.#layout, "the fit table's layout"));
  }

  /** Leftovers are weighed by the mean node, so that a core and a GiB are comparable. */
  #writeWeights(layout: Layout): void {
    const sums = new Array<number>(RESOURCE_COUNT).fill(0);
    for (const { allocatable } of this.#book.nodes.values()) {
      for (let r = 0; r < RESOURCE_COUNT; r++) sums[r] = (sums[r] ?? 0) + (allocatable[r] ?? 0);
    }
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const sum = sums[Math.floor((column * RESOURCE_COUNT) / NEED_COLUMNS)] ?? 0;
      layout.floats[layout.weightsPtr / 4 + column] = sum > 0 ? this.#order.length / sum : 0;
    }
  }
}

/** A kernel over a memory of its own: questions may be asked while workers compute a tick. */
function openLayout(module: WebAssembly.Module, capacity: number): Layout {
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const plan = new ArenaPlan(probe.arenaBase());
  const strideBytes = capacity * 4;
  const room = plan.region("room", NEED_COLUMNS * strideBytes);
  const idle = plan.region("idle", RESOURCE_COUNT * strideBytes);
  const need = plan.region("need", NEED_COLUMNS * 4);
  const weights = plan.region("weights", NEED_COLUMNS * 4);
  const out = plan.region("out", 4);
  const mask = plan.region("mask", capacity);
  const memory = plan.createMemory(false);
  return {
    kernel: openKernel(module, memory),
    capacity,
    strideBytes,
    roomPtr: room.ptr,
    idlePtr: idle.ptr,
    needPtr: need.ptr,
    weightsPtr: weights.ptr,
    outPtr: out.ptr,
    maskPtr: mask.ptr,
    floats: new Float32Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    bytes: new Uint8Array(memory.buffer),
  };
}
