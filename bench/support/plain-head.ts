import type { HeadCase } from "./head-case.js";

interface PlainLayer {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly columns: number;
}

const LEVELS = 4;

/**
 * The head in plain JavaScript on float64 typed arrays, two rows of two instances at a time: each
 * load serves two products, and four sums do not wait for each other.
 */
export class PlainHead {
  readonly #case: HeadCase;
  readonly #layers: readonly PlainLayer[];
  /** A row of two instances before each layer, and the last one's outputs. */
  readonly #left: readonly Float64Array[];
  readonly #right: readonly Float64Array[];
  readonly #out: Float32Array;

  constructor(headCase: HeadCase) {
    this.#case = headCase;
    this.#layers = headCase.layers.map((layer) => ({
      columns: layer.columns,
      weight: Float64Array.from(layer.weight),
      bias: Float64Array.from(layer.bias),
    }));
    const widths = [
      headCase.hiddenSize + headCase.summarySize,
      ...headCase.layers.map((layer) => layer.bias.length),
    ];
    this.#left = widths.map((width) => new Float64Array(width));
    this.#right = widths.map((width) => new Float64Array(width));
    this.#out = new Float32Array(headCase.batchSize * (widths.at(-1) ?? 0));
  }

  /** Quantiles f32[batch][48]. */
  get output(): Float32Array {
    return this.#out;
  }

  run(): void {
    const { rows, batchSize } = this.#case;
    const [left, right] = [this.#left, this.#right];
    const width = left[0]?.length ?? 0;
    const last = this.#layers.length - 1;
    for (let index = 0; index < batchSize; index += 2) {
      const other = Math.min(index + 1, batchSize - 1);
      copyRow(rows, index * width, left[0] as Float64Array);
      copyRow(rows, other * width, right[0] as Float64Array);
      for (let at = 0; at <= last; at++) this.#layer(at, at < last);
      this.#quantiles(left[last + 1] as Float64Array, index);
      this.#quantiles(right[last + 1] as Float64Array, other);
    }
  }

  #layer(at: number, activated: boolean): void {
    const { weight, bias, columns } = this.#layers[at] as PlainLayer;
    const a = this.#left[at] as Float64Array;
    const b = this.#right[at] as Float64Array;
    const outA = this.#left[at + 1] as Float64Array;
    const outB = this.#right[at + 1] as Float64Array;
    for (let row = 0; row < bias.length; row += 2) {
      let a0 = bias[row] as number;
      let a1 = bias[row + 1] as number;
      let b0 = a0;
      let b1 = a1;
      let first = row * columns;
      let second = first + columns;
      for (let k = 0; k < columns; k++, first++, second++) {
        const w0 = weight[first] as number;
        const w1 = weight[second] as number;
        const valueA = a[k] as number;
        const valueB = b[k] as number;
        a0 += w0 * valueA;
        a1 += w1 * valueA;
        b0 += w0 * valueB;
        b1 += w1 * valueB;
      }
      outA[row] = activated ? silu(a0) : a0;
      outA[row + 1] = activated ? silu(a1) : a1;
      outB[row] = activated ? silu(b0) : b0;
      outB[row + 1] = activated ? silu(b1) : b1;
    }
  }

  #quantiles(raw: Float64Array, index: number): void {
    const base = index * raw.length;
    let q = 0;
    for (let row = 0; row < raw.length; row++) {
      const value = raw[row] as number;
      q = row % LEVELS === 0 ? value : q + Math.log1p(Math.exp(value));
      this.#out[base + row] = q;
    }
  }
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** `TypedArray.set` from another element type took longer than the whole head. */
function copyRow(from: Float32Array, offset: number, to: Float64Array): void {
  for (let at = 0; at < to.length; at++) to[at] = from[offset + at] as number;
}
