import { ArenaPlan } from "../../host/core/arena.js";
import { type BinaryName, compileBinary } from "../../host/core/binary.js";
import { type Kernel, openKernel } from "../../host/core/kernel.js";
import {
  type EventTile,
  type LossSum,
  WindowGradient,
} from "../../host/model/training/gradient.js";
import type { ParameterLayout } from "../../host/model/training/parameters.js";

/** One batch as plain arrays: element [.., instance] as in the golden files. */
export interface WindowBatch {
  readonly stepCount: number;
  readonly batchSize: number;
  /** [T, B, I] */
  readonly x: ArrayLike<number>;
  /** [T, B], 0 = the instance has no sample in that step; absent = all have one. */
  readonly mask?: ArrayLike<number>;
  /** [B, H] */
  readonly state: ArrayLike<number>;
  /** [B, S] */
  readonly summary: ArrayLike<number>;
  /** [B, 12] */
  readonly target: ArrayLike<number>;
}

export interface WindowResult extends LossSum {
  readonly gradient: Float32Array;
}

const CANARY = 0x5ca1ab1e;

export function openOver(binary: BinaryName, plan: ArenaPlan) {
  const memory = plan.createMemory(binary !== "release" && binary !== "debug");
  const kernel: Kernel = openKernel(compileBinary(binary), memory);
  return { memory, kernel };
}

/**
 * Lays a batch out in tiles, runs loss and gradient, and checks that nothing outside gradient and
 * scratch was written.
 */
export function runWindow(
  binary: BinaryName,
  layout: ParameterLayout,
  parameters: Float32Array,
  batch: WindowBatch,
): WindowResult {
  const { inputSize, hiddenSize, summarySize } = layout.shape;
  const tiles = Math.max(1, Math.ceil(batch.batchSize / 8));
  const steps = batch.stepCount;
  const plan = new ArenaPlan(4096);
  const weights = plan.region("weights", layout.count * 4);
  const x = plan.region("x", tiles * steps * inputSize * 32);
  const mask = plan.region("mask", tiles * steps * 32);
  const state = plan.region("state", tiles * hiddenSize * 32);
  const summary = plan.region("summary", tiles * summarySize * 32);
  const target = plan.region("target", tiles * 12 * 32);
  const before = plan.region("canary before", 64);
  const gradient = plan.region("gradient", layout.count * 4);
  const between = plan.region("canary between", 64, 4);
  const scratch = plan.region("scratch", WindowGradient.scratchBytes(layout, steps, tiles));
  const after = plan.region("canary after", 64, 4);
  const core = openOver(binary, plan);
  const f32 = new Float32Array(core.memory.buffer);
  const u32 = new Uint32Array(core.memory.buffer);
  f32.set(parameters, weights.ptr / 4);
  f32.fill(Number.NaN, target.ptr / 4, (target.ptr + target.bytes) / 4);
  for (const region of [before, between, after])
    u32.fill(CANARY, region.ptr / 4, region.ptr / 4 + 16);
  const lane = (region: number, row: number, instance: number, rows: number): number =>
    region / 4 + (Math.floor(instance / 8) * rows + row) * 8 + (instance % 8);
  for (let instance = 0; instance < batch.batchSize; instance++) {
    for (let t = 0; t < steps; t++) {
      const seen = batch.mask?.[t * batch.batchSize + instance] !== 0;
      u32[lane(mask.ptr, t, instance, steps)] = seen ? 0xffffffff : 0;
      for (let k = 0; k < inputSize; k++) {
        const value = batch.x[(t * batch.batchSize + instance) * inputSize + k] ?? 0;
        f32[lane(x.ptr, t * inputSize + k, instance, steps * inputSize)] = value;
      }
    }
    const fill = (region: number, size: number, source: ArrayLike<number>) => {
      for (let k = 0; k < size; k++) {
        f32[lane(region, k, instance, size)] = source[instance * size + k] ?? 0;
      }
    };
    fill(state.ptr, hiddenSize, batch.state);
    fill(summary.ptr, summarySize, batch.summary);
    fill(target.ptr, 12, batch.target);
  }
  const inputs = f32.slice(weights.ptr / 4, before.ptr / 4);
  const events: EventTile[] = Array.from({ length: tiles }, (_, tile) => ({
    x: x.ptr + tile * steps * inputSize * 32,
    mask: mask.ptr + tile * steps * 32,
    state: state.ptr + tile * hiddenSize * 32,
    summary: summary.ptr + tile * summarySize * 32,
    target: target.ptr + tile * 12 * 32,
  }));
  const sizes = { stepCount: steps, tilesMax: tiles };
  const worker = new WindowGradient(core, layout, sizes, scratch.ptr);
  const loss = worker.run(weights.ptr, gradient.ptr, events);
  for (const region of [before, between, after]) {
    for (let index = 0; index < 16; index++) {
      if (u32[region.ptr / 4 + index] !== CANARY) throw new Error(`${region.name} was written`);
    }
  }
  const inputsAfter = new Uint32Array(core.memory.buffer, weights.ptr, inputs.length);
  new Uint32Array(inputs.buffer).forEach((bits, index) => {
    if (bits !== inputsAfter[index]) throw new Error(`input word ${index} was written`);
  });
  const from = gradient.ptr / 4;
  return { ...loss, gradient: f32.slice(from, from + layout.count) };
}
