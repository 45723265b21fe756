import { needColumn, PHASE_COUNT, QUANTILES, RESOURCE_COUNT, TILE_LANES } from "../../core/abi.js";
import { COMPARED, InstanceBaselines } from "../baselines/instance-baselines.js";
import { type EventRecord, eventTruth, type TilePlan } from "../training/dataset.js";
import type { TrainingSession } from "../training/session.js";
import { AsinhSpace } from "./asinh-space.js";

/** The same amounts twice: in the resource's unit, and as asinh(value / scale). */
export interface Amounts {
  readonly native: Float32Array;
  readonly asinh: Float32Array;
}

/** What one predictor says of every row, below the cap, which is the same for all. */
export interface Answers {
  readonly name: string;
  /** The four quantiles; one that states no quantiles says the same four times. */
  readonly levels: readonly Amounts[];
}

/**
 * Every truth that somebody can be asked about, in columns. Rows of one event and instance lie
 * together, by `needColumn`, in the order of the events.
 */
export interface ScoreTable {
  readonly rows: number;
  /** Names by number. */
  readonly instances: readonly string[];
  readonly instance: Uint16Array;
  /** Rows of one event and instance share it. */
  readonly group: Uint32Array;
  readonly events: readonly EventRecord[];
  /** Index into `events`. */
  readonly event: Uint32Array;
  /** `needColumn` */
  readonly column: Uint8Array;
  readonly scale: Float32Array;
  /** NaN = none. */
  readonly cap: Float32Array;
  readonly truth: Amounts;
}

export interface ScoredRows {
  readonly table: ScoreTable;
  /** One a name in `COMPARED`. */
  readonly baselines: readonly Answers[];
}

/** Finds the truth of every validation and test event and asks the compared predictors for it. */
export function scoreTable(
  session: TrainingSession,
  onTile: (done: number, total: number) => void = () => undefined,
): ScoredRows {
  const builder = new TableBuilder(session);
  session.tiles.forEach((tile, index) => {
    builder.addTile(tile, index);
    onTile(index + 1, session.tiles.length);
  });
  return builder.build();
}

class TableBuilder {
  readonly #session: TrainingSession;
  readonly #byTile = new Map<number, EventRecord[]>();
  readonly #instances: string[] = [];
  readonly #instance: number[] = [];
  readonly #group: number[] = [];
  readonly #event: number[] = [];
  readonly #column: number[] = [];
  readonly #scale: number[] = [];
  readonly #cap: number[] = [];
  readonly #truth: number[] = [];
  readonly #baselines: number[][] = COMPARED.map(() => []);

  constructor(session: TrainingSession) {
    this.#session = session;
    for (const record of session.records) {
      const of = this.#byTile.get(record.tile) ?? [];
      of.push(record);
      this.#byTile.set(record.tile, of);
    }
  }

  addTile(tile: TilePlan, index: number): void {
    const baselines = tile.series.map((series) => new InstanceBaselines(series));
    const first = this.#instances.length;
    this.#instances.push(...tile.series.map(({ name }) => name));
    for (const record of this.#byTile.get(index) ?? []) {
      if (record.cut.set === "train") continue;
      tile.series.forEach((series, lane) => {
        const at = record.at[lane] ?? Number.NaN;
        if (Number.isNaN(at)) return;
        const truth = eventTruth(record.cut, series, tile.streams[lane], { lane, at });
        if (truth === undefined) return;
        const predicted = baselines[lane]?.predict(at, record.cut.outages[lane] ?? 0) ?? [];
        this.#addLane(record, { lane, instance: first + lane, truth, predicted });
      });
    }
  }

  #addLane(record: EventRecord, of: LaneAnswer): void {
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const cap = record.cap[of.lane * RESOURCE_COUNT + resource] ?? Number.NaN;
      const scale = record.scale[of.lane * RESOURCE_COUNT + resource] ?? Number.NaN;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const column = needColumn(resource, phase);
        const truth = of.truth[column] ?? Number.NaN;
        const values = of.predicted.map((row) => Math.min(row[column] ?? 0, capOf(cap)));
        // What has no history has no scale either: nobody can predict it.
        const known = [truth, scale, ...values].every((value) => value >= 0);
        if (!known) continue;
        this.#instance.push(of.instance);
        this.#group.push(record.event * TILE_LANES + of.lane);
        this.#event.push(record.event);
        this.#column.push(column);
        this.#scale.push(scale);
        this.#cap.push(cap);
        this.#truth.push(truth);
        values.forEach((value, row) => {
          this.#baselines[row]?.push(value);
        });
      }
    }
  }

  build(): ScoredRows {
    const space = new AsinhSpace(this.#session);
    const scale = Float32Array.from(this.#scale);
    const amounts = (values: readonly number[]): Amounts => {
      const native = Float32Array.from(values);
      return { native, asinh: space.of(native, scale) };
    };
    const table: ScoreTable = {
      rows: scale.length,
      instances: this.#instances,
      instance: Uint16Array.from(this.#instance),
      group: Uint32Array.from(this.#group),
      events: this.#session.records,
      event: Uint32Array.from(this.#event),
      column: Uint8Array.from(this.#column),
      scale,
      cap: Float32Array.from(this.#cap),
      truth: amounts(this.#truth),
    };
    const baselines = COMPARED.map((name, index): Answers => {
      const one = amounts(this.#baselines[index] ?? []);
      return { name, levels: QUANTILES.map(() => one) };
    });
    return { table, baselines };
  }
}

interface LaneAnswer {
  readonly lane: number;
  readonly instance: number;
  /** f64[12] */
  readonly truth: Float64Array;
  /** f64[16][12] */
  readonly predicted: readonly Float64Array[];
}

function capOf(cap: number): number {
  return Number.isNaN(cap) ? Number.POSITIVE_INFINITY : cap;
}
