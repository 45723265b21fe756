/**
 * The draws of a pool's members summed along the time axis.
 *
 * Where a member's phase begins or ends only its own draws are taken off and added; everybody
 * else's stay in the sum. Draws, amounts and medians are multiples of 2^-10, so the sums have the
 * bits that adding everybody up anew would give.
 */
import { PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { PoolDraws } from "./pool-draws.js";
import type { PoolPart, Share } from "./pool-part.js";

const NONE: readonly number[] = new Array<number>(PHASE_COUNT).fill(0);

/** Of one resource. */
interface Column {
  readonly shares: (Share | undefined)[];
  count: number;
  whole: number;
  medians: number;
  /** What its sums do not know yet, six addresses a change. */
  changes: number[];
}

interface Turn {
  readonly time: number;
  readonly member: number;
  readonly index: number;
}

export class PoolSweep {
  readonly #draws: PoolDraws;
  readonly #parts: readonly PoolPart[];
  readonly #slots: readonly number[];
  readonly #turns: readonly Turn[];
  readonly #columns: readonly Column[];
  readonly #savings = new Float64Array(RESOURCE_COUNT);
  #next = 0;

  constructor(draws: PoolDraws, parts: readonly PoolPart[]) {
    this.#draws = draws;
    this.#parts = parts;
    this.#slots = draws.draw(parts.map(({ member }) => member));
    draws.clearSums();
    this.#turns = parts
      .flatMap(({ times }, member) => times.map((time, index) => ({ time, member, index })))
      .sort((a, b) => a.time - b.time);
    this.#columns = Array.from({ length: RESOURCE_COUNT }, () => ({
      shares: new Array<Share | undefined>(parts.length),
      count: 0,
      whole: 0,
      medians: 0,
      changes: [],
    }));
  }

  /**
   * By how much the leases together need less than one by one, one value a resource; valid until
   * the next call. Times must rise, and none at which a phase begins or ends may be left out.
   */
  savingsAt(time: number): Float64Array {
    let turn = this.#turns[this.#next];
    if (turn === undefined || turn.time > time) return this.#savings;
    while (turn !== undefined && turn.time <= time) {
      this.#take(turn);
      this.#next++;
      turn = this.#turns[this.#next];
    }
    for (let r = 0; r < RESOURCE_COUNT; r++) this.#savings[r] = this.#saving(r);
    return this.#savings;
  }

  #take({ member, index }: Turn): void {
    const slot = this.#slots[member] ?? 0;
    this.#columns.forEach((column, r) => {
      const before = column.shares[member];
      const after = this.#parts[member]?.shares[index]?.[r];
      column.shares[member] = after;
      column.count += (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
      column.whole += (after?.whole ?? 0) - (before?.whole ?? 0);
      column.medians += (after?.median ?? 0) - (before?.median ?? 0);
      if (before !== after) column.changes.push(...rowsOf(slot, before), ...rowsOf(slot, after));
    });
  }

  #saving(r: number): number {
    const column = this.#columns[r];
    if (column === undefined) return 0;
    if (column.changes.length > 0) {
      this.#draws.moveSums(r, column.changes);
      column.changes = [];
    }
    if (column.count < 2) return 0;
    let gap = 0;
    for (const share of column.shares) {
      if (share !== undefined) gap = Math.max(gap, share.whole - share.median);
    }
    const low = column.medians + gap;
    if (low >= column.whole) return 0;
    return column.whole - this.#draws.quantile(r, low, column.whole);
  }
}

function rowsOf(slot: number, share: Share | undefined): readonly number[] {
  return share?.columns.map((column) => PoolDraws.rowOf(slot, column)) ?? NONE;
}
