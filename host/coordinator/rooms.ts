/**
 * Room of the nodes while a plan is being made: a working copy that nobody else sees.
 *
 * Pools speak of bands from now, leases of phases from a restart that is still to come. A phase of
 * a lease may be under way in several bands (its restart may be late by the grace), so it gets the
 * least room of these, and takes its amount from all of them.
 */
import {
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  PHASE_END_MINUTES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import type { NodeInput } from "./inputs.js";
import { LeaseView } from "./lease-view.js";
import { type NodeTable, nodeTable } from "./node-table.js";

const NOTHING_TAKEN: TakenOn = { leases: [], bands: [] };
const NO_NODE: Readonly<Float64Array> = new Float64Array(NEED_COLUMNS).fill(-1);

export class Rooms {
  readonly #table: NodeTable;
  readonly #room: Float64Array;
  /** Views of it, for the nodes that were asked for. */
  readonly #rows: (Float64Array | undefined)[];
  readonly #views: LeaseView[] = [];
  readonly #taken = new Map<string, TakenOn>();

  constructor(nodes: readonly NodeInput[]) {
    this.#table = nodeTable(nodes);
    this.#room = this.#table.room.slice();
    this.#rows = new Array<Float64Array | undefined>(nodes.length).fill(undefined);
  }

  /** As it was at first. */
  reset(): void {
    this.#room.set(this.#table.room);
    this.#taken.clear();
    for (const view of this.#views) view.forgetAll();
  }

  /** Chances that nodes are lost, in the order of `nodeIds`; undefined where no node has a hint. */
  get lossChances(): readonly number[] | undefined {
    return this.#table.lossChances;
  }

  get nodeIds(): readonly string[] {
    return this.#table.nodeIds;
  }

  has(nodeId: string): boolean {
    return this.#table.index.has(nodeId);
  }

  /** Resource x phase; read only. Below zero for a node that is not there. */
  of(nodeId: string): Readonly<Float64Array> {
    const index = this.#table.index.get(nodeId);
    return index === undefined ? NO_NODE : this.#row(index);
  }

  /** Adds one value a resource to all phases; `sign` -1 takes it. */
  addFlat(nodeId: string, amounts: readonly number[], sign: 1 | -1): void {
    const room = this.#changing(nodeId);
    for (let column = 0; room !== undefined && column < NEED_COLUMNS; column++) {
      room[column] = (room[column] ?? 0) + sign * (amounts[Math.floor(column / PHASE_COUNT)] ?? 0);
    }
  }

  /** Adds resource x phase; `sign` -1 takes it. */
  addPhased(nodeId: string, amounts: readonly number[], sign: 1 | -1): void {
    const room = this.#changing(nodeId);
    for (let column = 0; room !== undefined && column < NEED_COLUMNS; column++) {
      room[column] = (room[column] ?? 0) + sign * (amounts[column] ?? 0);
    }
  }

  /** The row of a node that is about to change. */
  #changing(nodeId: string): Float64Array | undefined {
    const index = this.#table.index.get(nodeId);
    if (index === undefined) return undefined;
    for (const view of this.#views) view.forget(index);
    return this.#row(index);
  }

  #row(index: number): Float64Array {
    const first = index * NEED_COLUMNS;
    const row = this.#rows[index] ?? this.#room.subarray(first, first + NEED_COLUMNS);
    this.#rows[index] = row;
    return row;
  }

  /**
   * More is promised than there is. What neighbours give is tied to the lease it is given for, so
   * shrinking them does not help such a node.
   */
  isOvercommitted(nodeId: string): boolean {
    const room = this.of(nodeId);
    for (let column = 0; column < NEED_COLUMNS; column++) {
      if ((room[column] ?? 0) < 0) return true;
    }
    return false;
  }

  /**
   * Room for each phase of a lease with these spans, resource x phase, node by node in the order of
   * `nodeIds`; read only, and of the moment.
   */
  forLeases(spans: LeaseSpans): LeaseView {
    const known = this.#views.find((each) => each.spans === spans);
    if (known !== undefined) return known;
    const view = new LeaseView(spans, this.nodeIds.length, (index) => this.#row(index));
    this.#views.push(view);
    return view;
  }

  /** The same of one node. */
  forLease(nodeId: string, spans: LeaseSpans): Readonly<Float64Array> {
    return this.forLeases(spans).at(this.#table.index.get(nodeId) ?? -1) ?? NO_NODE;
  }

  /**
   * Takes a lease out of the room. What its donors gave (one value a resource) is its own from the
   * start, before the restart too.
   */
  takeLease(nodeId: string, lease: LeaseAmounts): void {
    const { amounts, spans, given, startMs } = lease;
    const taken = flat(given);
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const first = column - (column % PHASE_COUNT);
      for (const band of spans[column % PHASE_COUNT] ?? []) {
        taken[first + band] = Math.max(taken[first + band] ?? 0, amounts[column] ?? 0);
      }
    }
    this.addPhased(nodeId, taken, -1);
    const { leases, bands } = this.takenOn(nodeId);
    this.#taken.set(nodeId, {
      leases: [...leases, { amounts, given, startMs }],
      bands: taken.map((amount, column) => amount + (bands[column] ?? 0)),
    });
  }

  /** The leases that were taken out of the node's room. */
  takenOn(nodeId: string): TakenOn {
    return this.#taken.get(nodeId) ?? NOTHING_TAKEN;
  }

  fits(nodeId: string, { amounts, spans }: LeaseShape): boolean {
    return isWithin(amounts, this.forLease(nodeId, spans));
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

  /** What the lease lacks on the node, resource x phase. */
  missing(nodeId: string, { amounts, spans }: LeaseShape): number[] {
    const room = this.forLease(nodeId, spans);
    return amounts.map((amount, column) => Math.max(0, amount - (room[column] ?? 0)));
  }

  /**
   * Share of the lease that the node lacks, summed over its columns, when `given` (one value a
   * resource) comes to the node's room.
   */
  lackShare(nodeId: string, { amounts, spans }: LeaseShape, given: readonly number[]): number {
    const room = this.forLease(nodeId, spans);
    let share = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const whole = amounts[column] ?? 0;
      const beside = (room[column] ?? 0) + (given[Math.floor(column / PHASE_COUNT)] ?? 0);
      if (whole > 0 && whole > beside) share += (whole - beside) / whole;
    }
    return share;
  }

  /** 0 where nobody hinted at it. */
  lossChanceOf(nodeId: string): number {
    const { index, lossChances } = this.#table;
    return lossChances?.[index.get(nodeId) ?? -1] ?? 0;
  }

  /**
   * The tightest node that fits, ties to the first id; `preferred` wins when it fits. Nodes whose
   * chance of being lost is above `chanceMax` are left out.
   */
  best({ amounts, spans }: LeaseShape, preferred: string, chanceMax = 1): string | undefined {
    const isSafe = this.lossChanceOf(preferred) <= chanceMax;
    if (isSafe && this.fits(preferred, { amounts, spans })) return preferred;
    const rows = this.forLeases(spans);
    const { nodeIds, allocatable, lossChances } = this.#table;
    let best: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < rows.length; index++) {
      const room = rows.at(index) ?? NO_NODE;
      if ((lossChances?.[index] ?? 0) > chanceMax || !isWithin(amounts, room)) continue;
      const leftover = leftoverOf(amounts, room, allocatable[index] ?? []);
      const nodeId = nodeIds[index] ?? "";
      if (leftover < least || (leftover === least && best !== undefined && nodeId < best)) {
        best = nodeId;
        least = leftover;
      }
    }
    return best;
  }
}

function isWithin(amounts: readonly number[], room: Readonly<Float64Array>): boolean {
  for (let column = 0; column < NEED_COLUMNS; column++) {
    if ((amounts[column] ?? 0) > (room[column] ?? 0)) return false;
  }
  return true;
}

/** Share of the node that would be left over, summed over the columns: less is a tighter fit. */
function leftoverOf(
  amounts: readonly number[],
  room: Readonly<Float64Array>,
  allocatable: readonly number[],
): number {
  let sum = 0;
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const whole = allocatable[Math.floor(column / PHASE_COUNT)] ?? 0;
    if (whole > 0) sum += ((room[column] ?? 0) - (amounts[column] ?? 0)) / whole;
  }
  return sum;
}

/** For each phase of a lease the bands in which it may be under way. */
export type LeaseSpans = readonly (readonly number[])[];

export interface LeaseShape {
  /** Resource x phase. */
  readonly amounts: readonly number[];
  readonly spans: LeaseSpans;
}

export interface LeaseAmounts extends LeaseShape {
  /** What donors give for it, one value a resource. */
  readonly given: readonly number[];
  /** When the restart is expected. */
  readonly startMs: number;
}

export interface TakenOn {
  readonly leases: readonly Omit<LeaseAmounts, "spans">[];
  /** What they took of the bands together, resource x phase; empty for nothing. */
  readonly bands: readonly number[];
}

const BAND_STARTS = [0, 10, 30] as const;
const SPANS = new Map<number, LeaseSpans>();

/**
 * Spans of a lease whose restart is expected after `outageMinutes` and may be late by the grace.
 * The last phase has no end, as the instance goes on running; the last band stands for all time
 * beyond it. Equal spans are the same object.
 */
export function leaseSpans(outageMinutes: number, graceMinutes: number): LeaseSpans {
  // A bit for each phase and band.
  let pattern = 0;
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    const from = outageMinutes + (BAND_STARTS[phase] ?? 0);
    const until = outageMinutes + graceMinutes + (PHASE_END_MINUTES[phase] ?? 0);
    const isLast = phase === PHASE_COUNT - 1;
    for (let band = 0; band < BAND_STARTS.length; band++) {
      const bandEnd = BAND_STARTS[band + 1] ?? Number.POSITIVE_INFINITY;
      const isUnderWay = from < bandEnd && (isLast || until > (BAND_STARTS[band] ?? 0));
      if (isUnderWay) pattern |= 1 << (phase * BAND_STARTS.length + band);
    }
  }
  const spans = SPANS.get(pattern) ?? spansOf(pattern);
  SPANS.set(pattern, spans);
  return spans;
}

function spansOf(pattern: number): LeaseSpans {
  return BAND_STARTS.map((_, phase) =>
    BAND_STARTS.flatMap((_start, band) =>
      (pattern >> (phase * BAND_STARTS.length + band)) % 2 === 1 ? [band] : [],
    ),
  );
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
