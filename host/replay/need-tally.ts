import { PHASE_COUNT, RESOURCE_COUNT, RESOURCES, type Resource } from "../core/abi.js";

/** Grant against real need, over the phases seen of restarts. */
export interface ResourceFigures {
  readonly phases: number;
  /** Share of phases whose peak the grant covered. */
  readonly coverage: number | null;
  /** Granted above need, over need. */
  readonly slack: number | null;
  /** Needed above grant, over need. */
  readonly deficit: number | null;
}

export class NeedTally {
  readonly #phases = new Float64Array(RESOURCE_COUNT);
  readonly #covered = new Float64Array(RESOURCE_COUNT);
  readonly #need = new Float64Array(RESOURCE_COUNT);
  readonly #above = new Float64Array(RESOURCE_COUNT);
  readonly #below = new Float64Array(RESOURCE_COUNT);

  /** Both are resource x phase; NaN where nothing was seen. */
  compare(granted: readonly number[], peaks: readonly number[]): void {
    peaks.forEach((peak, column) => {
      const grant = granted[column] ?? Number.NaN;
      if (Number.isNaN(peak) || Number.isNaN(grant)) return;
      const resource = Math.floor(column / PHASE_COUNT);
      add(this.#phases, resource, 1);
      add(this.#covered, resource, peak <= grant ? 1 : 0);
      add(this.#need, resource, peak);
      add(this.#above, resource, Math.max(0, grant - peak));
      add(this.#below, resource, Math.max(0, peak - grant));
    });
  }

  figures(): Record<Resource, ResourceFigures> {
    const figures = {} as Record<Resource, ResourceFigures>;
    RESOURCES.forEach((name, resource) => {
      const phases = this.#phases[resource] ?? 0;
      const need = this.#need[resource] ?? 0;
      figures[name] = {
        phases,
        coverage: ratio(this.#covered[resource], phases),
        slack: ratio(this.#above[resource], need),
        deficit: ratio(this.#below[resource], need),
      };
    });
    return figures;
  }
}

function add(column: Float64Array, at: number, amount: number): void {
  column[at] = (column[at] ?? 0) + amount;
}

function ratio(part: number | undefined, whole: number): number | null {
  return whole > 0 ? (part ?? 0) / whole : null;
}
