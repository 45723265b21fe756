import type { TrainingSession } from "../training/session.js";

/** asinh(value / scale) of whole columns by the core's kernel. */
export class AsinhSpace {
  readonly #session: TrainingSession;
  readonly #f32: Float32Array;
  /** Values a call: the session's spare region holds three times as many. */
  static readonly chunk = 96;

  constructor(session: TrainingSession) {
    this.#session = session;
    this.#f32 = new Float32Array(session.memory.buffer);
  }

  of(values: Float32Array, scales: Float32Array): Float32Array {
    const { kernel, layout } = this.#session;
    const size = AsinhSpace.chunk;
    const at = layout.values;
    const out = new Float32Array(values.length);
    for (let from = 0; from < values.length; from += size) {
      const count = Math.min(size, values.length - from);
      this.#f32.set(values.subarray(from, from + count), at / 4);
      this.#f32.set(scales.subarray(from, from + count), at / 4 + size);
      kernel.asinhRatio(at, at + size * 4, at + 2 * size * 4, count);
      const first = at / 4 + 2 * size;
      out.set(this.#f32.subarray(first, first + count), from);
    }
    return out;
  }
}
