/** The net in the core's memory: its regions and its packing. */

import { RepriseError } from "../lib/errors.js";
import type { ArenaPlan, Region } from "./arena.js";
import type { Kernel } from "./kernel.js";
import {
  type NetworkShape,
  type NetworkTensors,
  WEIGHT_NAMES,
  weightShapes,
} from "./network-shape.js";

/** Addresses and sizes only: cloned to workers as it is. */
export interface NetworkRegions extends NetworkShape {
  /** Weights in PyTorch's layout, in the order of `WEIGHT_NAMES`; read while packing only. */
  readonly raw: Region;
  readonly gru: Region;
  readonly head: Region;
}

type Sizes = Pick<Kernel, "gruPackedBytes" | "headPackedBytes">;

/** Reserves what a net of this shape needs. `kernel` may be one opened over any memory. */
export function planNetwork(arena: ArenaPlan, kernel: Sizes, shape: NetworkShape): NetworkRegions {
  const { inputSize, hiddenSize, summarySize } = shape;
  return {
    inputSize,
    hiddenSize,
    summarySize,
    raw: arena.region("network.raw", rawBytes(shape)),
    gru: arena.region("network.gru", kernel.gruPackedBytes(inputSize, hiddenSize)),
    head: arena.region("network.head", kernel.headPackedBytes(hiddenSize, summarySize)),
  };
}

function rawOffsets(shape: NetworkShape): number[] {
  const shapes = weightShapes(shape);
  let at = 0;
  return WEIGHT_NAMES.map((name) => {
    const offset = at;
    const bytes = shapes[name].reduce((product, size) => product * size, 1) * 4;
    at += Math.ceil(bytes / 16) * 16;
    return offset;
  });
}

function rawBytes(shape: NetworkShape): number {
  const bias = weightShapes(shape)["head.4.bias"][0] ?? 0;
  return (rawOffsets(shape).at(-1) ?? 0) + bias * 4;
}

/**
 * Copies the weights into the core's memory and packs them. Call it while no kernel runs on these
 * regions.
 *
 * @throws ERR_SHAPE when the regions were planned for another shape
 */
export function loadNetwork(
  kernel: Kernel,
  memory: WebAssembly.Memory,
  regions: NetworkRegions,
  weights: NetworkTensors,
): void {
  for (const field of ["inputSize", "hiddenSize", "summarySize"] as const) {
    if (regions[field] === weights[field]) continue;
    throw new RepriseError("ERR_SHAPE", "the weights do not fit the planned regions", {
      field,
      got: weights[field],
      expected: `${regions[field]}`,
    });
  }
  const { inputSize, hiddenSize, summarySize, raw } = regions;
  const at = rawOffsets(regions).map((offset) => raw.ptr + offset);
  WEIGHT_NAMES.forEach((name, index) => {
    const values = weights.tensors[name];
    new Float32Array(memory.buffer, at[index], values.length).set(values);
  });
  const [wi = 0, wh = 0, bi = 0, bh = 0, w0 = 0, b0 = 0, w1 = 0, b1 = 0, w2 = 0, b2 = 0] = at;
  kernel.packGru(wi, wh, bi, bh, regions.gru.ptr, inputSize, hiddenSize);
  kernel.packHead(w0, b0, w1, b1, w2, b2, regions.head.ptr, hiddenSize, summarySize);
}
