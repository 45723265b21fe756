/**
 * The room of every node in the core's memory, for questions on a scheduler's hot path.
 *
 *   room    f32[12][stride]  resource x phase, rounded down; a node never set has NaN and never fits
 *   scores  f32[stride]      how much room a node has in all: the least of those that fit is chosen
 *   need    f32[12]          the question, rounded up
 *
 * Beside them the host keeps the largest room of every 64 nodes, by column: a question that no node
 * can answer in some column ends there, and says in which.
 */
import { ceilToSingle, floorToSingle } from "../lib/single.js";
import { NEED_COLUMNS, PHASE_COUNT, RESOURCE_COUNT } from "./abi.js";
import type { ArenaPlan, Region } from "./arena.js";
import type { Kernel } from "./kernel.js";

/** Amounts are multiples of 2^-10, so that what is held and freed again leaves no trace. */
const STEPS_PER_UNIT = 1_024;

/** Nodes whose largest room is known. */
const BLOCK_NODES = 64;
/** An infinite score would leave the node out. */
const SCORE_MAX = 2 ** 127;

export interface NodeRoomsPlan {
  readonly nodeCount: number;
  readonly strideBytes: number;
  readonly room: Region;
  readonly scores: Region;
  readonly need: Region;
}

export function planNodeRooms(arena: ArenaPlan, nodeCount: number): NodeRoomsPlan {
  const strideBytes = Math.ceil(nodeCount / 4) * 16;
  return {
    nodeCount,
    strideBytes,
    room: arena.region("rooms.room", NEED_COLUMNS * strideBytes),
    scores: arena.region("rooms.scores", strideBytes),
    need: arena.region("rooms.need", NEED_COLUMNS * 4),
  };
}

export interface NodeRoomsParts {
  readonly kernel: Kernel;
  readonly memory: WebAssembly.Memory;
  readonly plan: NodeRoomsPlan;
  /** What one unit of each resource weighs in a score, by resource. */
  readonly unitWeights: ArrayLike<number>;
}

export class NodeRooms {
  readonly #kernel: Kernel;
  readonly #plan: NodeRoomsPlan;
  readonly #f32: Float32Array;
  readonly #unitWeights: Float64Array;
  /** The same room to the step, [node][12]. */
  readonly #exact: Float64Array;
  readonly #blockCount: number;
  /** f32[12][block], the largest room; -Infinity where no node takes anything. */
  readonly #tops: Float32Array;

  constructor({ kernel, memory, plan, unitWeights }: NodeRoomsParts) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#f32 = new Float32Array(memory.buffer);
    this.#unitWeights = Float64Array.from({ length: RESOURCE_COUNT }, (_, r) => {
      return unitWeights[r] ?? Number.NaN;
    });
    this.#exact = new Float64Array(plan.nodeCount * NEED_COLUMNS).fill(Number.NaN);
    this.#blockCount = Math.ceil(plan.nodeCount / BLOCK_NODES);
    this.#tops = new Float32Array(NEED_COLUMNS * this.#blockCount).fill(Number.NEGATIVE_INFINITY);
    const from = plan.room.ptr / 4;
    this.#f32.fill(Number.NaN, from, from + plan.room.bytes / 4);
    this.#f32.fill(Number.NaN, plan.scores.ptr / 4, (plan.scores.ptr + plan.scores.bytes) / 4);
  }

  /** @param room 12 amounts, resource x phase; NaN = never fits, Infinity = unbounded */
  set(node: number, room: ArrayLike<number>): void {
    const base = node * NEED_COLUMNS;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const steps = Math.floor((room[column] ?? Number.NaN) * STEPS_PER_UNIT);
      this.#exact[base + column] = steps / STEPS_PER_UNIT;
    }
    this.#write(node);
  }

  /** Room that is added to a node, or taken with a factor of -1. */
  add(node: number, amounts: ArrayLike<number>, factor: 1 | -1): void {
    const base = node * NEED_COLUMNS;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const before = this.#exact[base + column] ?? Number.NaN;
      this.#exact[base + column] = before + factor * (amounts[column] ?? Number.NaN);
    }
    this.#write(node);
  }

  /** To the step; NaN of a node never set. */
  roomOf(node: number, column: number): number {
    return this.#exact[node * NEED_COLUMNS + column] ?? Number.NaN;
  }

  /** Rounds a need up to the step, in place, and makes it the question. */
  ask(need: Float64Array): void {
    const to = this.#plan.need.ptr / 4;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const amount = Math.ceil((need[column] ?? Number.NaN) * STEPS_PER_UNIT) / STEPS_PER_UNIT + 0;
      need[column] = amount;
      this.#f32[to + column] = ceilToSingle(amount);
    }
  }

  /** The tightest node that has room for what was asked, -1 if none. */
  tightest(): number {
    const { room, strideBytes, nodeCount, need, scores } = this.#plan;
    return this.#kernel.fitLeast(
      room.ptr,
      strideBytes,
      nodeCount,
      NEED_COLUMNS,
      need.ptr,
      scores.ptr,
    );
  }

  /** Bit of each column in which no node at all has enough for what was asked. */
  short(): number {
    const need = this.#plan.need.ptr / 4;
    let columns = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const wanted = this.#f32[need + column] ?? Number.NaN;
      const end = (column + 1) * this.#blockCount;
      let block = column * this.#blockCount;
      while (block < end && !((this.#tops[block] ?? Number.NaN) >= wanted)) block++;
      if (block === end) columns |= 1 << column;
    }
    return columns;
  }

  #write(node: number): void {
    const { room, strideBytes, scores } = this.#plan;
    let score = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const amount = this.#exact[node * NEED_COLUMNS + column] ?? Number.NaN;
      const word = (room.ptr + column * strideBytes) / 4 + node;
      const before = this.#f32[word] ?? Number.NaN;
      this.#f32[word] = floorToSingle(amount);
      this.#raiseTop(node, column, before);
      const weight = this.#unitWeights[Math.floor(column / PHASE_COUNT)] ?? 0;
      // Unbounded room is no reason to prefer another node, nor would an infinite score be chosen.
      if (Number.isFinite(amount)) score += weight * amount;
    }
    this.#f32[scores.ptr / 4 + node] = Math.min(score, SCORE_MAX);
  }

  /** Keeps the largest room of the node's block after one of its nodes changed from `before`. */
  #raiseTop(node: number, column: number, before: number): void {
    const block = Math.floor(node / BLOCK_NODES);
    const index = column * this.#blockCount + block;
    const { room, strideBytes, nodeCount } = this.#plan;
    const row = (room.ptr + column * strideBytes) / 4;
    const top = this.#tops[index] ?? Number.NaN;
    const value = this.#f32[row + node] ?? Number.NaN;
    if (value >= top) this.#tops[index] = value;
    else if (before === top) {
      let largest = Number.NEGATIVE_INFINITY;
      const end = Math.min((block + 1) * BLOCK_NODES, nodeCount);
      for (let each = block * BLOCK_NODES; each < end; each++) {
        const other = this.#f32[row + each] ?? Number.NaN;
        if (other > largest) largest = other;
      }
      this.#tops[index] = largest;
    }
  }
}
