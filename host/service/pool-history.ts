/** How the whole cluster's pool stood over the last hours, at even steps, for charts. */
import type { PoolView } from "../allocator/types.js";
import { PHASES, RESOURCES } from "../core/abi.js";
import { byResource, namedPhases } from "./named.js";

export interface PoolPoint {
  readonly timeMs: number;
  readonly pool: Pick<PoolView, "allocatable" | "allocated" | "reserved">;
  /** Measured at that time, one value a resource. */
  readonly used: readonly number[];
}

const STEP_MS = 120_000;
/** A day. */
const POINTS_MAX = 720;

export class PoolHistory {
  #points: PoolPoint[] = [];

  /** Keeps it when the last is a step old. A cluster in which nobody holds anything has no past. */
  note(point: PoolPoint): void {
    const last = this.#points.at(-1);
    if (last !== undefined && point.timeMs < last.timeMs + STEP_MS) return;
    if (point.pool.allocated.every((amount) => amount === 0)) return;
    const { allocatable, allocated, reserved } = point.pool;
    this.#points.push({ ...point, pool: { allocatable, allocated, reserved } });
    if (this.#points.length > POINTS_MAX) this.#points.shift();
  }

  /** Whether `note` would keep one of that time, for callers to whom it is dear to make. */
  isDue(timeMs: number): boolean {
    const last = this.#points.at(-1);
    return last === undefined || timeMs >= last.timeMs + STEP_MS;
  }

  save(): readonly PoolPoint[] {
    return this.#points;
  }

  restore(points: readonly PoolPoint[]): void {
    this.#points = points.slice(-POINTS_MAX);
  }

  /** Columns by resource, of the points after `afterMs`. */
  columns(afterMs = Number.NEGATIVE_INFINITY) {
    const points = this.#points.filter(({ timeMs }) => timeMs > afterMs);
    const reserved = points.map(({ pool }) => namedPhases(pool.reserved));
    return {
      timesMs: points.map(({ timeMs }) => timeMs),
      resources: byResource((resource) => {
        const name = RESOURCES[resource] ?? "cpu";
        return {
          allocatable: points.map(({ pool }) => pool.allocatable[resource] ?? 0),
          allocated: points.map(({ pool }) => pool.allocated[resource] ?? 0),
          used: points.map(({ used }) => used[resource] ?? 0),
          reserved: PHASES.map((_, phase) => reserved.map((each) => each[name][phase] ?? 0)),
        };
      }),
    };
  }
}
