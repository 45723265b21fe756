import {
  envelopeRow,
  LANE_ROW_BYTES,
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
import { WindowGradient } from "../training/gradient.js";
import { CHUNK_TILES, ROUND_BYTES, SUMMARY_BYTES, TARGET_BYTES } from "../training/layout.js";
import { parameterLayout } from "../training/parameters.js";
import { stateBytes, type TrainingSession } from "../training/session.js";

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
  readonly #window: WindowGradient;
  readonly #f32: Float32Array;
  readonly #values: number;

  constructor(session: TrainingSession) {
    const { layout, memory } = session;
    this.#session = session;
    const scratch = layout.scratch + 2 * stateBytes(layout);
    const sizes = { stepCount: layout.sizes.stepCount, tilesMax: CHUNK_TILES };
    const parameters = parameterLayout(layout.sizes.shape);
    this.#window = new WindowGradient(session, parameters, sizes, scratch);
    this.#f32 = new Float32Array(memory.buffer);
    this.#values = layout.values;
  }

  score(record: EventRecord): ScoredTerm[] {
    const quantiles = this.#quantiles(record);
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

  /** f32[48][8] */
  #quantiles({ event }: EventRecord): Float32Array {
    const { layout, kernel } = this.#session;
    const round = present(new Uint32Array(this.#f32.buffer, layout.windows)[event], "window");
    const raw = this.#window.raw(layout.weights, [
      {
        x: layout.x + round * ROUND_BYTES,
        mask: layout.mask + round * LANE_ROW_BYTES,
        state: layout.state + event * stateBytes(layout),
        summary: layout.summary + event * SUMMARY_BYTES,
        target: layout.target + event * TARGET_BYTES,
      },
    ]);
    const out = layout.gradients;
    kernel.quantiles(raw.ptr, 0, out, 0, 1);
    const rows = RESOURCE_COUNT * PHASE_COUNT * QUANTILE_COUNT * TILE_LANES;
    return this.#f32.slice(out / 4, out / 4 + rows);
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
