import {
  INBOX_TILE_BYTES,
  INPUT_ROWS,
  LANE_ROW_BYTES,
  NEED_COLUMNS,
  SUMMARY_ROWS,
  TILE_HIDDEN,
} from "../../core/abi.js";
import type { ArenaPlan } from "../../core/arena.js";
import type { Kernel } from "../../core/kernel.js";
import { WindowGradient } from "./gradient.js";
import { type NetShape, type ParameterLayout, parameterLayout } from "./parameters.js";

/** Tiles whose gradients are added into one block; fixed, so that the number of workers does not
 * change the order of additions. */
export const CHUNK_TILES = 8;

/** What the levels .5, .9, .95 and .99 count in the loss: reservations are made at .95. */
export const LEVEL_WEIGHTS = [0.6, 1, 1.8, 1] as const;

export const TILE_WORDS = 5;
export const ROUND_BYTES = INPUT_ROWS * LANE_ROW_BYTES;
export const SUMMARY_BYTES = SUMMARY_ROWS * LANE_ROW_BYTES;
export const TARGET_BYTES = NEED_COLUMNS * LANE_ROW_BYTES;
/** Bit of an order word: start the window from state zero instead of the carried state. */
export const ORDER_FROM_ZERO = 0x8000_0000;
/** Bit of an order word: blank the summary rows that tell who an instance is. */
export const ORDER_NAMELESS = 0x4000_0000;
export const ORDER_EVENT = 0x3fff_ffff;

export interface TrainingSizes {
  readonly shape: NetShape;
  readonly stepCount: number;
  readonly roundCount: number;
  readonly eventCount: number;
  readonly tileCount: number;
  readonly batchTiles: number;
  readonly workers: number;
}

/** Addresses of everything that training keeps in the core's memory; cloned to the workers. */
export interface TrainingLayout {
  readonly sizes: TrainingSizes;
  /** f32[round][16][8] */
  readonly x: number;
  /** u32[round][8] */
  readonly mask: number;
  /** f32[event][112][8] */
  readonly summary: number;
  /** f32[event][12][8] */
  readonly target: number;
  /** f32[event][H][8] */
  readonly state: number;
  /** f32[H][8] of zeros. */
  readonly zero: number;
  /** u32[event]: round in which the event's window starts. */
  readonly windows: number;
  /** u32[tile][TILE_WORDS]: first round, number of rounds, first event, number of events, number of
   * events before the first test event. */
  readonly tiles: number;
  /** u32: events in the order of an epoch, with ORDER_* bits. */
  readonly order: number;
  /** i32: next chunk or tile that a worker may take. */
  readonly next: number;
  /** i32: scratch places given to threads so far. */
  readonly claims: number;
  readonly weights: number;
  readonly packed: number;
  readonly mean: number;
  readonly square: number;
  /** f32[chunk][parameters] */
  readonly gradients: number;
  readonly gradientBytes: number;
  /** f64[chunk][2]: sum of losses and number of terms. */
  readonly losses: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly tileState: number;
  readonly inbox: number;
  readonly values: number;
}

/** Plans the regions. `kernel` only tells sizes. */
export function planTraining(
  arena: ArenaPlan,
  kernel: Pick<Kernel, "gruPackedBytes">,
  sizes: TrainingSizes,
): TrainingLayout {
  const { shape, eventCount, roundCount } = sizes;
  const parameters: ParameterLayout = parameterLayout(shape);
  const take = (name: string, bytes: number) => arena.region(`training.${name}`, bytes).ptr;
  const stateBytes = shape.hiddenSize * LANE_ROW_BYTES;
  const gradientBytes = Math.ceil((parameters.count * 4) / 64) * 64;
  const chunks = Math.ceil(Math.max(eventCount, sizes.batchTiles) / CHUNK_TILES);
  const batchChunks = Math.ceil(sizes.batchTiles / CHUNK_TILES);
  // Two states in turn, and what the step itself needs.
  const streamBytes = 3 * stateBytes;
  const windowBytes = WindowGradient.scratchBytes(parameters, sizes.stepCount, CHUNK_TILES);
  const scratchBytes = Math.ceil((windowBytes + streamBytes) / 64) * 64;
  return {
    sizes,
    gradientBytes,
    scratchBytes,
    x: take("x", roundCount * ROUND_BYTES),
    mask: take("mask", roundCount * LANE_ROW_BYTES),
    summary: take("summary", eventCount * SUMMARY_BYTES),
    target: take("target", eventCount * TARGET_BYTES),
    state: take("state", eventCount * stateBytes),
    zero: take("zero", stateBytes),
    windows: take("windows", eventCount * 4),
    tiles: take("tiles", sizes.tileCount * TILE_WORDS * 4),
    order: take("order", eventCount * 4),
    next: take("next", 4),
    claims: take("claims", 4),
    weights: take("weights", gradientBytes),
    packed: take("packed", kernel.gruPackedBytes(shape.inputSize, shape.hiddenSize)),
    mean: take("mean", gradientBytes),
    square: take("square", gradientBytes),
    gradients: take("gradients", batchChunks * gradientBytes),
    losses: take("losses", chunks * 16),
    scratch: take("scratch", sizes.workers * scratchBytes),
    tileState: take("tile", TILE_HIDDEN),
    inbox: take("inbox", INBOX_TILE_BYTES),
    values: take("values", 4 * TARGET_BYTES),
  };
}
