import {
  envelopeRow,
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  TILE_LANES,
} from "../../core/abi.js";
import { COMPARED, InstanceBaselines } from "../baselines/instance-baselines.js";
import { type EventRecord, eventTruth, type TilePlan } from "../training/dataset.js";
import type { TrainingSession } from "../training/session.js";
import { AsinhSpace } from "./asinh-space.js";
import { EventQuantiles } from "./event-quantiles.js";

/** The same amounts twice: in the resource's unit, and as asinh(value / scale). */
export interface Amounts {
  readonly native: Float32Array;
  readonly asinh: Float32Array;
}

/**
 * Every truth with every prediction of it, in columns. Rows of one event and instance lie together,
 * by `needColumn`. Predictions are below the cap, which is the same for all.
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
  /** The net's four quantiles. */
  readonly network: readonly Amounts[];
  /** One a name in `COMPARED`. */
  readonly baselines: readonly Amounts[];
}

/** Predicts every validation and test event and pairs it with its truth. */
export function scoreTable(
  session: TrainingSession,
  onTile: (done: number, total: number) => void = () => undefined,
): ScoreTable {
  const builder = new TableBuilder(session);
  session.tiles.forEach((tile, index) => {
    builder.addTile(tile, index);
    onTile(index + 1, session.tiles.length);
  });
  return builder.build();
}

class TableBuilder {
  readonly #session: TrainingSession;
  readonly #quantiles: EventQuantiles;
  readonly #byTile = new Map<number, EventRecord[]>();
  readonly #instances: string[] = [];
  readonly #instance: number[] = [];
  readonly #group: number[] = [];
  readonly #event: number[] = [];
  readonly #column: number[] = [];
  readonly #scale: number[] = [];
  readonly #cap: number[] = [];
  readonly #truth: number[] = [];
  readonly #network: number[][] = Array.from({ length: QUANTILE_COUNT }, () => []);
  readonly #baselines: number[][] = COMPARED.map(() => []);

  constructor(session: TrainingSession) {
    this.#session = session;
    this.#quantiles = new EventQuantiles(session);
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
      const amounts = this.#quantiles.amounts(record);
      tile.series.forEach((series, lane) => {
        const at = record.at[lane] ?? Number.NaN;
        if (Number.isNaN(at)) return;
        const truth = eventTruth(record.cut, series, tile.streams[lane], { lane, at });
        if (truth === undefined) return;
        const predicted = baselines[lane]?.predict(at, record.cut.outages[lane] ?? 0) ?? [];
        this.#addLane(record, { lane, instance: first + lane, truth, amounts, predicted });
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
        const quantiles = this.#network.map(
          (_, k) => of.amounts[envelopeRow(resource, phase, k) * TILE_LANES + of.lane] ?? 0,
        );
        // What has no history has no scale either: nobody can predict it.
        const known = [truth, scale, ...quantiles, ...values].every((value) => value >= 0);
        if (!known) continue;
        this.#instance.push(of.instance);
        this.#group.push(record.event * TILE_LANES + of.lane);
        this.#event.push(record.event);
        this.#column.push(column);
        this.#scale.push(scale);
        this.#cap.push(cap);
        this.#truth.push(truth);
        quantiles.forEach((value, k) => {
          this.#network[k]?.push(value);
        });
        values.forEach((value, row) => {
          this.#baselines[row]?.push(value);
        });
      }
    }
  }

  build(): ScoreTable {
    const space = new AsinhSpace(this.#session);
    const scale = Float32Array.from(this.#scale);
    const amounts = (values: readonly number[]): Amounts => {
      const native = Float32Array.from(values);
      return { native, asinh: space.of(native, scale) };
    };
    return {
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
      network: this.#network.map(amounts),
      baselines: this.#baselines.map(amounts),
    };
  }
}

interface LaneAnswer {
  readonly lane: number;
  readonly instance: number;
  /** f64[12] */
  readonly truth: Float64Array;
  /** f32[48][8] */
  readonly amounts: Float32Array;
  /** f64[16][12] */
  readonly predicted: readonly Float64Array[];
}

function capOf(cap: number): number {
  return Number.isNaN(cap) ? Number.POSITIVE_INFINITY : cap;
}

/** Columns a resource, for those who loop over them. */
export const ALL_COLUMNS: readonly number[] = Array.from({ length: NEED_COLUMNS }, (_, c) => c);
