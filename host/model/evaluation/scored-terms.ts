import {
  envelopeRow,
  needColumn,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  TILE_LANES,
} from "../../core/abi.js";
import { present } from "../../lib/assert.js";
import { BASELINES, baselinePredictions } from "../baselines.js";
import type { CutSet } from "../training/cuts.js";
import type { EventRecord } from "../training/dataset.js";
import { TARGET_BYTES } from "../training/layout.js";
import type { TrainingSession } from "../training/session.js";
import { EventQuantiles } from "./event-quantiles.js";

/** One truth with every prediction of it, all as asinh(value / scale). */
export interface ScoredTerm {
  readonly instance: string;
  readonly resource: number;
  readonly phase: number;
  readonly truth: number;
  /** The four quantiles of the net, below the cap. */
  readonly quantiles: readonly number[];
  /** One a baseline, below the cap. */
  readonly baselines: readonly number[];
}

/**
 * Predicts every event of a set with the session's weights and states and pairs it with its truth.
 * Call it while no worker runs: it uses the first worker's scratch.
 */
export function scoreEvents(session: TrainingSession, set: CutSet): ScoredTerm[] {
  const scorer = new EventScorer(session);
  return session.records.filter(({ cut }) => cut.set === set).flatMap((r) => scorer.score(r));
}

class EventScorer {
  readonly #session: TrainingSession;
  readonly #quantiles: EventQuantiles;
  readonly #f32: Float32Array;
  readonly #values: number;

  constructor(session: TrainingSession) {
    const { layout, memory } = session;
    this.#session = session;
    this.#quantiles = new EventQuantiles(session);
    this.#f32 = new Float32Array(memory.buffer);
    this.#values = layout.values;
  }

  score(record: EventRecord): ScoredTerm[] {
    const quantiles = this.#quantiles.of(record);
    const [caps, ...baselines] = this.#scaled(record);
    const { layout, tiles } = this.#session;
    const target = (layout.target + record.event * TARGET_BYTES) / 4;
    const terms: ScoredTerm[] = [];
    present(tiles[record.tile], "tile").series.forEach(({ name }, lane) => {
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        const cell = lane * RESOURCE_COUNT + resource;
        const cap = caps?.[cell] ?? Number.NaN;
        const capped = (value: number) => (Number.isNaN(cap) ? value : Math.min(value, cap));
        for (let phase = 0; phase < PHASE_COUNT; phase++) {
          const truth = this.#f32[target + needColumn(resource, phase) * TILE_LANES + lane] ?? 0;
          if (Number.isNaN(truth)) continue;
          terms.push({
            instance: name,
            resource,
            phase,
            truth,
            quantiles: Array.from({ length: QUANTILE_COUNT }, (_, k) =>
              capped(quantiles[envelopeRow(resource, phase, k) * TILE_LANES + lane] ?? 0),
            ),
            baselines: baselines.map((row) => capped(row[cell] ?? Number.NaN)),
          });
        }
      }
    });
    return terms;
  }

  /** Caps, then each baseline, as asinh(value / scale): f32[8][4] each. */
  #scaled(record: EventRecord): Float32Array[] {
    const rows: Float32Array[] = [record.cap];
    for (const _ of BASELINES) rows.push(new Float32Array(record.cap.length).fill(Number.NaN));
    present(this.#session.tiles[record.tile], "tile").series.forEach((series, lane) => {
      const at = record.at[lane] ?? Number.NaN;
      if (Number.isNaN(at)) return;
      baselinePredictions(series, at).forEach((prediction, index) => {
        rows[index + 1]?.set(prediction, lane * RESOURCE_COUNT);
      });
    });
    return rows.map((row) => this.#asinhRatio(row, record.scale));
  }

  #asinhRatio(values: Float32Array, scale: Float32Array): Float32Array {
    const count = values.length;
    const at = this.#values;
    this.#f32.set(values, at / 4);
    this.#f32.set(scale, at / 4 + count);
    const out = at + 2 * count * 4;
    this.#session.kernel.asinhRatio(at, at + count * 4, out, count);
    return this.#f32.slice(out / 4, out / 4 + count);
  }
}
