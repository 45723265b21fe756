import {
  LANE_ROW_BYTES,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  TILE_LANES,
} from "../../core/abi.js";
import { present } from "../../lib/assert.js";
import type { EventRecord } from "../training/dataset.js";
import { WindowGradient } from "../training/gradient.js";
import { CHUNK_TILES, ROUND_BYTES, SUMMARY_BYTES, TARGET_BYTES } from "../training/layout.js";
import { parameterLayout } from "../training/parameters.js";
import { stateBytes, type TrainingSession } from "../training/session.js";

const ROWS = RESOURCE_COUNT * PHASE_COUNT * QUANTILE_COUNT * TILE_LANES;
const CELLS = RESOURCE_COUNT * TILE_LANES;

/**
 * What the net says of one event, from the session's weights and carried states. Use it while no
 * worker runs: it uses the first worker's scratch.
 */
export class EventQuantiles {
  readonly #session: TrainingSession;
  readonly #window: WindowGradient;
  readonly #f32: Float32Array;

  constructor(session: TrainingSession) {
    const { layout, memory } = session;
    this.#session = session;
    const scratch = layout.scratch + 2 * stateBytes(layout);
    const sizes = { stepCount: layout.sizes.stepCount, tilesMax: CHUNK_TILES };
    this.#window = new WindowGradient(session, parameterLayout(layout.sizes.shape), sizes, scratch);
    this.#f32 = new Float32Array(memory.buffer);
  }

  /** f32[48][8], asinh space, no cap. */
  of(record: EventRecord): Float32Array {
    const out = this.#write(record);
    return this.#f32.slice(out / 4, out / 4 + ROWS);
  }

  /** f32[48][8], in the resources' units, no higher than the caps. */
  amounts(record: EventRecord): Float32Array {
    const out = this.#write(record);
    const scale = this.#session.layout.values;
    const cap = scale + CELLS * 4;
    this.#f32.set(record.scale, scale / 4);
    this.#f32.set(record.cap, cap / 4);
    this.#session.kernel.envelope(out, 0, scale, 0, cap, 0, 0, out, 0, 1);
    return this.#f32.slice(out / 4, out / 4 + ROWS);
  }

  #write({ event }: EventRecord): number {
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
    kernel.quantiles(raw.ptr, 0, layout.gradients, 0, 1);
    return layout.gradients;
  }
}
