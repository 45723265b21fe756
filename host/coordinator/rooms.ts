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

const NOTHING_TAKEN: TakenOn = { leases: [], bands: [] };
const NO_NODE: Readonly<Float64Array> = new Float64Array(NEED_COLUMNS).fill(-1);

export class Rooms {
  readonly #rooms = new Map<string, Float64Array>();
  readonly #allocatable = new Map<string, readonly number[]>();
  readonly #taken = new Map<string, TakenOn>();
  /** Of the question under way. */
  readonly #leaseRoom = new Float64Array(NEED_COLUMNS);
  /** Chances that nodes are lost, in the order of `nodeIds`; undefined where no node has a hint. */
  readonly lossChances: readonly number[] | undefined;
  readonly #hinted = new Map<string, number>();

  constructor(nodes: readonly NodeInput[]) {
    for (const node of nodes) {
      this.#rooms.set(node.nodeId, Float64Array.from(node.room));
      this.#allocatable.set(node.nodeId, node.allocatable);
      if (node.lossChance !== undefined) this.#hinted.set(node.nodeId, node.lossChance);
    }
    const isHinted = this.#hinted.size > 0;
    this.lossChances = isHinted ? nodes.map(({ lossChance = 0 }) => lossChance) : undefined;
  }

  get nodeIds(): Iterable<string> {
    return this.#rooms.keys();
  }

  has(nodeId: string): boolean {
    return this.#rooms.has(nodeId);
  }

  /** Resource x phase; read only. Below zero for a node that is not there. */
  of(nodeId: string): Readonly<Float64Array> {
    return this.#rooms.get(nodeId) ?? NO_NODE;
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

  /** Room for each phase of a lease with these spans, resource x phase; `into` when it is given. */
  forLease(nodeId: string, spans: LeaseSpans, into = new Float64Array(NEED_COLUMNS)): Float64Array {
    const room = this.of(nodeId);
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      const bands = spans[phase] ?? [];
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        let least = Number.POSITIVE_INFINITY;
        for (let index = 0; index < bands.length; index++) {
          const value = room[needColumn(resource, bands[index] ?? 0)] ?? 0;
          if (value < least) least = value;
        }
        into[needColumn(resource, phase)] = least;
      }
    }
    return into;
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
    const room = this.forLease(nodeId, spans, this.#leaseRoom);
    for (let column = 0; column < NEED_COLUMNS; column++) {
      if ((amounts[column] ?? 0) > (room[column] ?? 0)) return false;
    }
    return true;
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
    const room = this.forLease(nodeId, spans, this.#leaseRoom);
    return amounts.map((amount, column) => Math.max(0, amount - (room[column] ?? 0)));
  }

  /**
   * Share of the lease that the node lacks, summed over its columns, when `given` (one value a
   * resource) comes to the node's room.
   */
  lackShare(nodeId: string, { amounts, spans }: LeaseShape, given: readonly number[]): number {
    const room = this.forLease(nodeId, spans, this.#leaseRoom);
    let share = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const whole = amounts[column] ?? 0;
      const beside = (room[column] ?? 0) + (given[Math.floor(column / PHASE_COUNT)] ?? 0);
      if (whole > 0 && whole > beside) share += (whole - beside) / whole;
    }
    return share;
  }

  /** Share of the node that would be left over, summed over the columns: less is a tighter fit. */
  leftover(nodeId: string, { amounts, spans }: LeaseShape): number {
    const room = this.forLease(nodeId, spans, this.#leaseRoom);
    const allocatable = this.#allocatable.get(nodeId) ?? [];
    let sum = 0;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const whole = allocatable[Math.floor(column / PHASE_COUNT)] ?? 0;
      if (whole > 0) sum += ((room[column] ?? 0) - (amounts[column] ?? 0)) / whole;
    }
    return sum;
  }

  /** 0 where nobody hinted at it. */
  lossChanceOf(nodeId: string): number {
    return this.#hinted.get(nodeId) ?? 0;
  }

  /**
   * The tightest node that fits, ties to the first id; `preferred` wins when it fits. Nodes whose
   * chance of being lost is above `chanceMax` are left out.
   */
  best(lease: LeaseShape, preferred: string, chanceMax = 1): string | undefined {
    if (this.lossChanceOf(preferred) <= chanceMax && this.fits(preferred, lease)) return preferred;
    let best: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const nodeId of this.#rooms.keys()) {
      if (this.lossChanceOf(nodeId) > chanceMax || !this.fits(nodeId, lease)) continue;
      const leftover = this.leftover(nodeId, lease);
      if (leftover < least || (leftover === least && best !== undefined && nodeId < best)) {
        best = nodeId;
        least = leftover;
      }
    }
    return best;
  }
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

/**
 * Spans of a lease whose restart is expected after `outageMinutes` and may be late by the grace.
 * The last phase has no end, as the instance goes on running; the last band stands for all time
 * beyond it.
 */
export function leaseSpans(outageMinutes: number, graceMinutes: number): LeaseSpans {
  return BAND_STARTS.map((start, phase) => {
    const from = outageMinutes + start;
    const until = outageMinutes + graceMinutes + (PHASE_END_MINUTES[phase] ?? 0);
    const bands = BAND_STARTS.flatMap((bandStart, band) => {
      const bandEnd = BAND_STARTS[band + 1] ?? Number.POSITIVE_INFINITY;
      const isLast = phase === PHASE_COUNT - 1;
      return from < bandEnd && (isLast || until > bandStart) ? [band] : [];
    });
    return bands;
  });
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
