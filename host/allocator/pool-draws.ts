/**
 * Draws of what leases may need, in the core's memory.
 *
 * Goals: a lease's draws are made once and found again while it lives; every lease draws from
 * factors that depend on itself alone, so that one more lease never lowers the sum of the others.
 * Non-goals: which leases overlap in time (`pooling.ts`).
 */
import { NEED_COLUMNS, PHASE_COUNT, QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { ArenaPlan } from "../core/arena.js";
import { callKernel, type Kernel, openKernel } from "../core/kernel.js";
import { invariant, present } from "../lib/assert.js";
import { DRAW_COUNT, factorTable } from "./factor-table.js";
import {
  POOL_RHO_CAUSE,
  POOL_RHO_COMMON,
  POOL_RHO_GROUP,
  POOL_RISK,
  POOLED_MEMBERS_MAX,
} from "./policy.js";

/** Rows of the factor table: of everybody, of groups, of causes, of single leases. */
const GROUP_ROWS = 32;
const CAUSE_ROWS = 32;
const OWN_ROWS = 128;
const ROWS = 1 + GROUP_ROWS + CAUSE_ROWS + OWN_ROWS;
const SLOTS = 4 * POOLED_MEMBERS_MAX;
const ROW_BYTES = DRAW_COUNT * 8;
const SLOT_BYTES = NEED_COLUMNS * ROW_BYTES;
/** Addresses of a change: three rows to take off, three to add. */
const CHANGE_WORDS = 2 * PHASE_COUNT;
/** How many of the draws may exceed the pool, for each of the four resources. */
export const ABOVE_MAX = Math.floor((POOL_RISK / 4) * DRAW_COUNT);

export interface DrawnMember {
  /** .5, .9, .95, .99 quantile of each column of the need, multiples of 2^-10. */
  readonly quantiles: readonly number[];
  /** No draw is above these, resource x phase. */
  readonly amounts: readonly number[];
  /** Taken off each draw, one value a resource. */
  readonly shift: readonly number[];
  readonly groupId: string;
  readonly causeId: string;
  /** Which factor is its own. */
  readonly number: number;
}

interface Layout {
  readonly kernel: Kernel;
  readonly factors: number;
  readonly loads: number;
  readonly knots: number;
  readonly limits: number;
  readonly slots: number;
  readonly changes: number;
  /** f64[4][DRAW_COUNT] */
  readonly sums: number;
  readonly top: number;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
  readonly words: Int32Array;
}

interface Entry {
  readonly slot: number;
  readonly member: DrawnMember;
}

export class PoolDraws {
  readonly #module: WebAssembly.Module;
  #layout: Layout | undefined;
  /** Slots in use, by the list of quantiles: a lease keeps its own as long as it lives. */
  readonly #entries = new Map<readonly number[], Entry>();

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Addresses of the members' draws, each `f64[12][DRAW_COUNT]`, valid until the next call. */
  draw(members: readonly DrawnMember[]): number[] {
    invariant(members.length <= POOLED_MEMBERS_MAX, "a pool's members fit their slots");
    this.#layout ??= openLayout(this.#module);
    const layout = this.#layout;
    // Used last is written over last, so nobody of this call is.
    for (const { quantiles } of members) this.#touch(quantiles);
    return members.map((member) => {
      if (!this.#has(member)) this.#write(layout, member);
      const { slot } = present(this.#entries.get(member.quantiles), "a slot");
      return layout.slots + slot * SLOT_BYTES;
    });
  }

  /** Starts the sums of all resources anew, with no member. */
  clearSums(): void {
    const { doubles, sums } = present(this.#layout, "the layout of the draws");
    doubles.fill(0, sums / 8, sums / 8 + RESOURCE_COUNT * DRAW_COUNT);
  }

  /**
   * Takes draws off the sums of a resource and adds others.
   * @param changes six addresses a change, as the core's `moveSums` reads them, of at most
   *   `POOLED_MEMBERS_MAX` members
   */
  moveSums(resource: number, changes: readonly number[]): void {
    const layout = present(this.#layout, "the layout of the draws");
    layout.words.set(changes, layout.changes / 4);
    const count = changes.length / CHANGE_WORDS;
    const sums = layout.sums + resource * ROW_BYTES;
    callKernel("moveSums", () => layout.kernel.moveSums(layout.changes, count, DRAW_COUNT, sums));
  }

  /**
   * The least amount from `low` to `high` that the sums of a resource stay within, as often as a
   * pool has to.
   */
  quantile(resource: number, low: number, high: number): number {
    const { kernel, sums, top } = present(this.#layout, "the layout of the draws");
    const at = sums + resource * ROW_BYTES;
    return callKernel("sumQuantile", () =>
      kernel.sumQuantile(at, DRAW_COUNT, ABOVE_MAX, low, high, top),
    );
  }

  /** One column's draws of a member, valid until the next call of `draw`. */
  row(slotPtr: number, column: number): Float64Array {
    const { doubles } = present(this.#layout, "the layout of the draws");
    const at = PoolDraws.rowOf(slotPtr, column) / 8;
    return doubles.subarray(at, at + DRAW_COUNT);
  }

  /** Address of one column's draws. */
  static rowOf(slotPtr: number, column: number): number {
    return slotPtr + column * ROW_BYTES;
  }

  #touch(quantiles: readonly number[]): void {
    const entry = this.#entries.get(quantiles);
    if (entry === undefined) return;
    this.#entries.delete(quantiles);
    this.#entries.set(quantiles, entry);
  }

  /** A slot that nobody has, else that of the member that was not asked for longest. */
  #slotFor(quantiles: readonly number[]): number {
    const own = this.#entries.get(quantiles);
    if (own !== undefined) return own.slot;
    if (this.#entries.size < SLOTS) return this.#entries.size;
    const [oldest] = this.#entries;
    const [key, { slot }] = present(oldest, "the slot used first");
    this.#entries.delete(key);
    return slot;
  }

  #has(member: DrawnMember): boolean {
    const known = this.#entries.get(member.quantiles)?.member;
    return (
      known !== undefined &&
      known.amounts === member.amounts &&
      known.number === member.number &&
      known.groupId === member.groupId &&
      known.causeId === member.causeId &&
      known.shift.every((amount, r) => amount === member.shift[r])
    );
  }

  #write(layout: Layout, member: DrawnMember): void {
    const { floats, doubles, knots, limits, kernel, factors, loads, slots } = layout;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const at = knots / 4 + column * 8;
      let highest = (member.quantiles[column * QUANTILE_COUNT] ?? 0) / 2;
      floats[at] = highest;
      for (let q = 0; q < QUANTILE_COUNT; q++) {
        highest = Math.max(highest, member.quantiles[column * QUANTILE_COUNT + q] ?? 0);
        floats[at + 1 + q] = highest;
      }
      const r = Math.floor(column / PHASE_COUNT);
      doubles[limits / 8 + column * 2] = member.amounts[column] ?? 0;
      doubles[limits / 8 + column * 2 + 1] = member.shift[r] ?? 0;
    }
    const slot = this.#slotFor(member.quantiles);
    this.#entries.set(member.quantiles, { slot, member });
    const factor = (row: number): number => factors + row * DRAW_COUNT * 4;
    callKernel("memberDraws", () => {
      kernel.memberDraws(
        factor(0),
        factor(1 + (hash(member.groupId) % GROUP_ROWS)),
        factor(1 + GROUP_ROWS + (hash(member.causeId) % CAUSE_ROWS)),
        factor(1 + GROUP_ROWS + CAUSE_ROWS + (member.number % OWN_ROWS)),
        loads,
        knots,
        limits,
        slots + slot * SLOT_BYTES,
        NEED_COLUMNS,
        DRAW_COUNT,
      );
    });
  }
}

/** FNV-1a over the UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return value;
}

function openLayout(module: WebAssembly.Module): Layout {
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const plan = new ArenaPlan(probe.arenaBase());
  const factors = plan.region("factors", ROWS * DRAW_COUNT * 4).ptr;
  const loads = plan.region("loads", 16).ptr;
  const knots = plan.region("knots", NEED_COLUMNS * 32).ptr;
  const limits = plan.region("limits", NEED_COLUMNS * 16).ptr;
  const slots = plan.region("slots", SLOTS * SLOT_BYTES).ptr;
  const changes = plan.region("changes", POOLED_MEMBERS_MAX * CHANGE_WORDS * 4).ptr;
  const sums = plan.region("sums", RESOURCE_COUNT * ROW_BYTES).ptr;
  const top = plan.region("top", (ABOVE_MAX + 1) * 8).ptr;
  const memory = plan.createMemory(false);
  const floats = new Float32Array(memory.buffer);
  floats.set(factorTable(ROWS), factors / 4);
  const own = 1 - POOL_RHO_COMMON - POOL_RHO_GROUP - POOL_RHO_CAUSE;
  const shares = [POOL_RHO_COMMON, POOL_RHO_GROUP, POOL_RHO_CAUSE, own];
  floats.set(shares.map(Math.sqrt), loads / 4);
  return {
    kernel: openKernel(module, memory),
    factors,
    loads,
    knots,
    limits,
    slots,
    changes,
    sums,
    top,
    floats,
    doubles: new Float64Array(memory.buffer),
    words: new Int32Array(memory.buffer),
  };
}
