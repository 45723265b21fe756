import { LANE_ROW_BYTES, QUANTILE_COUNT, QUANTILES } from "../../core/abi.js";
import type { Kernel } from "../../core/kernel.js";
import { present } from "../../lib/assert.js";
import { HEAD_SIZES, type ParameterLayout, type ParameterTensor } from "./parameters.js";

/** Addresses of one tile of training events: eight windows that end at their cuts. */
export interface EventTile {
  /** f32[T][I][8] */
  readonly x: number;
  /** u32[T][8] */
  readonly mask: number;
  /** f32[H][8], the carried state before the window. */
  readonly state: number;
  /** f32[S][8] */
  readonly summary: number;
  /** f32[12][8], NaN = no truth. */
  readonly target: number;
  /** Runs of summary rows to blank, [first, count]. */
  readonly blank?: readonly (readonly [number, number])[];
}

export interface WindowSizes {
  readonly stepCount: number;
  readonly tilesMax: number;
  /** How much each level counts in the loss; all the same when absent. */
  readonly levelWeights?: readonly number[];
}

export interface LossSum {
  readonly sum: number;
  readonly terms: number;
}

/**
 * Loss and gradient of up to `tilesMax` event tiles, in the core's memory. Owns no memory of its
 * own: the caller gives `scratch` of `scratchBytes(...)`, 64-byte aligned.
 */
export class WindowGradient {
  readonly #kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  readonly #layout: ParameterLayout;
  readonly #stepCount: number;
  readonly #at: ReturnType<typeof scratchPlan>;

  constructor(
    core: { readonly kernel: Kernel; readonly memory: WebAssembly.Memory },
    layout: ParameterLayout,
    sizes: WindowSizes,
    scratch: number,
  ) {
    this.#kernel = core.kernel;
    this.#memory = core.memory;
    this.#layout = layout;
    this.#stepCount = sizes.stepCount;
    this.#at = scratchPlan(layout, sizes.stepCount, sizes.tilesMax, scratch);
    new Float32Array(core.memory.buffer, this.#at.levels, 2 * QUANTILE_COUNT).set([
      ...QUANTILES,
      ...(sizes.levelWeights ?? QUANTILES.map(() => 1)),
    ]);
    new Float32Array(core.memory.buffer, this.#at.blank, LANE_ROW_BYTES / 4).fill(0);
  }

  static scratchBytes(layout: ParameterLayout, stepCount: number, tilesMax: number): number {
    return scratchPlan(layout, stepCount, tilesMax, 0).end;
  }

  /**
   * Adds the gradient of the summed loss to the block at `gradient` (the caller clears it).
   * @param weights address of the parameter block
   * @returns the loss summed over all terms with a truth
   */
  run(weights: number, gradient: number, tiles: readonly EventTile[]): LossSum {
    this.#forwardWindows(weights, tiles);
    const loss = this.#head(weights, gradient, tiles.length);
    this.#backwardWindows(weights, gradient, tiles);
    return loss;
  }

  /** Loss alone, of the same tiles. */
  loss(weights: number, tiles: readonly EventTile[]): LossSum {
    this.#forwardWindows(weights, tiles);
    this.#headForward(weights, tiles.length);
    return this.#pinball(tiles.length);
  }

  /** Address and row stride of the raw head outputs, f32[48][tiles][8]; `loss` and `run` replace
   * them by their gradient, `raw` leaves them. */
  raw(
    weights: number,
    tiles: readonly EventTile[],
  ): { readonly ptr: number; readonly row: number } {
    this.#forwardWindows(weights, tiles);
    this.#headForward(weights, tiles.length);
    return { ptr: this.#at.raw, row: tiles.length * LANE_ROW_BYTES };
  }

  #forwardWindows(weights: number, tiles: readonly EventTile[]): void {
    const { inputSize, hiddenSize, summarySize } = this.#layout.shape;
    const steps = this.#stepCount;
    const row = tiles.length * LANE_ROW_BYTES;
    const kernel = this.#kernel;
    const at = this.#at;
    tiles.forEach((tile, index) => {
      const hidden = at.hidden + index * at.hiddenBytes;
      const gates = at.gates + index * at.gateBytes;
      const hiddenRow = (steps + 1) * LANE_ROW_BYTES;
      const column = index * LANE_ROW_BYTES;
      kernel.copyLaneRows(tile.state, LANE_ROW_BYTES, hidden, hiddenRow, hiddenSize);
      kernel.trainGruForward(
        weights,
        tile.x,
        tile.mask,
        hidden,
        gates,
        steps,
        inputSize,
        hiddenSize,
      );
      const last = hidden + steps * LANE_ROW_BYTES;
      kernel.copyLaneRows(last, hiddenRow, at.features + column, row, hiddenSize);
      const summary = at.features + hiddenSize * row + column;
      kernel.copyLaneRows(tile.summary, LANE_ROW_BYTES, summary, row, summarySize);
      for (const [first, count] of tile.blank ?? []) {
        kernel.copyLaneRows(at.blank, 0, summary + first * row, row, count);
      }
      const needs = HEAD_SIZES[2] / QUANTILE_COUNT;
      kernel.copyLaneRows(tile.target, LANE_ROW_BYTES, at.target + column, row, needs);
    });
  }

  #headForward(weights: number, blocks: number): void {
    const kernel = this.#kernel;
    const at = this.#at;
    const [first, second, third] = HEAD_SIZES;
    const { hiddenSize, summarySize } = this.#layout.shape;
    const of = (name: string) => weights + this.#tensor(name).offset * 4;
    const inner = hiddenSize + summarySize;
    const affine = (layer: number, x: number, y: number, sizes: readonly [number, number]) =>
      kernel.trainAffine(
        of(`head.${layer}.weight`),
        of(`head.${layer}.bias`),
        x,
        y,
        sizes[0],
        sizes[1],
        blocks,
      );
    affine(0, at.features, at.sum1, [first, inner]);
    kernel.trainSilu(at.sum1, at.layer1, first * blocks * 8);
    affine(2, at.layer1, at.sum2, [second, first]);
    kernel.trainSilu(at.sum2, at.layer2, second * blocks * 8);
    affine(4, at.layer2, at.raw, [third, second]);
  }

  #pinball(blocks: number): LossSum {
    const at = this.#at;
    const needs = HEAD_SIZES[2] / QUANTILE_COUNT;
    this.#kernel.trainPinball(at.raw, at.target, at.levels, at.result, needs, blocks);
    const [sum = 0, terms = 0] = new Float64Array(this.#memory.buffer, at.result, 2);
    return { sum, terms };
  }

  #head(weights: number, gradient: number, blocks: number): LossSum {
    this.#headForward(weights, blocks);
    const loss = this.#pinball(blocks);
    const kernel = this.#kernel;
    const at = this.#at;
    const [first, second, third] = HEAD_SIZES;
    const { hiddenSize, summarySize } = this.#layout.shape;
    this.#layerGradient("head.4", gradient, { dy: at.raw, x: at.layer2, blocks });
    const w4 = weights + this.#tensor("head.4.weight").offset * 4;
    kernel.trainAffineInput(w4, at.raw, at.slope2, third, second, second, blocks);
    kernel.trainSiluGradient(at.sum2, at.slope2, second * blocks * 8);
    this.#layerGradient("head.2", gradient, { dy: at.slope2, x: at.layer1, blocks });
    const w2 = weights + this.#tensor("head.2.weight").offset * 4;
    kernel.trainAffineInput(w2, at.slope2, at.slope1, second, first, first, blocks);
    kernel.trainSiluGradient(at.sum1, at.slope1, first * blocks * 8);
    this.#layerGradient("head.0", gradient, { dy: at.slope1, x: at.features, blocks });
    const w0 = weights + this.#tensor("head.0.weight").offset * 4;
    const inner = hiddenSize + summarySize;
    kernel.trainAffineInput(w0, at.slope1, at.slope0, first, inner, hiddenSize, blocks);
    return loss;
  }

  #layerGradient(
    name: string,
    gradient: number,
    { dy, x, blocks }: { readonly dy: number; readonly x: number; readonly blocks: number },
  ): void {
    const [rows = 0, inner = 0] = this.#tensor(`${name}.weight`).shape;
    const row = blocks * LANE_ROW_BYTES;
    const weight = gradient + this.#tensor(`${name}.weight`).offset * 4;
    const bias = gradient + this.#tensor(`${name}.bias`).offset * 4;
    const block = LANE_ROW_BYTES;
    this.#kernel.trainWeightGradient(dy, row, block, x, row, block, weight, rows, inner, blocks);
    this.#kernel.trainBiasGradient(dy, row, bias, rows, blocks);
  }

  #backwardWindows(weights: number, gradient: number, tiles: readonly EventTile[]): void {
    const { hiddenSize } = this.#layout.shape;
    const at = this.#at;
    const weightHh = weights + this.#tensor("gru.weight_hh_l0").offset * 4;
    const row = tiles.length * LANE_ROW_BYTES;
    tiles.forEach((tile, index) => {
      const hidden = at.hidden + index * at.hiddenBytes;
      const gates = at.gates + index * at.gateBytes;
      const slope = at.slope0 + index * LANE_ROW_BYTES;
      this.#kernel.trainGruBackward(
        weightHh,
        hidden,
        gates,
        slope,
        row,
        this.#stepCount,
        hiddenSize,
      );
      this.#gateGradients(gradient, tile.x, hidden, gates);
    });
  }

  /** Weight gradients of one window: the n rows of the hidden part use their own gate rows. */
  #gateGradients(gradient: number, x: number, hidden: number, gates: number): void {
    const kernel = this.#kernel;
    const { inputSize, hiddenSize } = this.#layout.shape;
    const steps = this.#stepCount;
    const gateRow = steps * LANE_ROW_BYTES;
    const of = (name: string) => gradient + this.#tensor(name).offset * 4;
    const block = LANE_ROW_BYTES;
    kernel.trainWeightGradient(
      gates,
      gateRow,
      block,
      x,
      block,
      inputSize * LANE_ROW_BYTES,
      of("gru.weight_ih_l0"),
      3 * hiddenSize,
      inputSize,
      steps,
    );
    kernel.trainBiasGradient(gates, gateRow, of("gru.bias_ih_l0"), 3 * hiddenSize, steps);
    const parts = [
      { from: 0, to: 0, rows: 2 * hiddenSize },
      { from: 3 * hiddenSize, to: 2 * hiddenSize, rows: hiddenSize },
    ];
    for (const part of parts) {
      const dy = gates + part.from * gateRow;
      kernel.trainWeightGradient(
        dy,
        gateRow,
        block,
        hidden,
        (steps + 1) * LANE_ROW_BYTES,
        block,
        of("gru.weight_hh_l0") + part.to * hiddenSize * 4,
        part.rows,
        hiddenSize,
        steps,
      );
      kernel.trainBiasGradient(dy, gateRow, of("gru.bias_hh_l0") + part.to * 4, part.rows, steps);
    }
  }

  #tensor(name: string): ParameterTensor {
    return present(
      this.#layout.tensors.find((tensor) => tensor.name === name),
      `tensor ${name}`,
    );
  }
}

function scratchPlan(
  layout: ParameterLayout,
  stepCount: number,
  tilesMax: number,
  base: number,
): Record<
  | "hidden"
  | "gates"
  | "features"
  | "sum1"
  | "layer1"
  | "slope1"
  | "sum2"
  | "layer2"
  | "slope2"
  | "slope0"
  | "raw"
  | "target"
  | "levels"
  | "blank"
  | "result"
  | "end"
  | "hiddenBytes"
  | "gateBytes",
  number
> {
  const { hiddenSize, summarySize } = layout.shape;
  const [first, second, third] = HEAD_SIZES;
  let end = base;
  const take = (rows: number) => {
    const ptr = end;
    end += rows * LANE_ROW_BYTES;
    return ptr;
  };
  const hiddenBytes = hiddenSize * (stepCount + 1) * LANE_ROW_BYTES;
  const gateBytes = 4 * hiddenSize * stepCount * LANE_ROW_BYTES;
  return {
    hiddenBytes,
    gateBytes,
    hidden: take(tilesMax * hiddenSize * (stepCount + 1)),
    gates: take(tilesMax * 4 * hiddenSize * stepCount),
    features: take(tilesMax * (hiddenSize + summarySize)),
    sum1: take(tilesMax * first),
    layer1: take(tilesMax * first),
    slope1: take(tilesMax * first),
    sum2: take(tilesMax * second),
    layer2: take(tilesMax * second),
    slope2: take(tilesMax * second),
    slope0: take(tilesMax * hiddenSize),
    raw: take(tilesMax * third),
    target: take(tilesMax * (third / QUANTILE_COUNT)),
    levels: take(1),
    blank: take(1),
    result: take(1),
    end,
  };
}
