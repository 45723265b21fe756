/** Random nets and inputs for kernel tests, and their packing into a bed. */
import { Prng } from "../../host/lib/prng.js";
import type { GruWeights, LinearWeights } from "../../host/model/reference.js";
import type { BedRegion, KernelBed } from "./kernel-bed.js";

/** Uniform in [-size, size), rounded to f32. */
export function randomFloats(prng: Prng, count: number, size: number): Float32Array {
  return Float32Array.from({ length: count }, () => (prng.uniform() * 2 - 1) * size);
}

export function randomGru(seed: number, inputSize: number, hiddenSize: number): GruWeights {
  const prng = new Prng(seed);
  const size = 1.5 / Math.sqrt(hiddenSize);
  return {
    inputSize,
    hiddenSize,
    weightIh: randomFloats(prng, 3 * hiddenSize * inputSize, size),
    weightHh: randomFloats(prng, 3 * hiddenSize * hiddenSize, size),
    biasIh: randomFloats(prng, 3 * hiddenSize, size),
    biasHh: randomFloats(prng, 3 * hiddenSize, size),
  };
}

export function randomHead(seed: number, columns: number): LinearWeights[] {
  const prng = new Prng(seed);
  const shapes: readonly (readonly [number, number])[] = [
    [96, columns],
    [64, 96],
    [48, 64],
  ];
  return shapes.map(([rows, width]) => ({
    weight: randomFloats(prng, rows * width, 1.5 / Math.sqrt(width)),
    bias: randomFloats(prng, rows, 0.5),
  }));
}

/** Packs for `gruStep`. */
export function packGruInto(bed: KernelBed, gru: GruWeights): BedRegion {
  const { inputSize, hiddenSize } = gru;
  const [wi, wh, bi, bh] = [gru.weightIh, gru.weightHh, gru.biasIh, gru.biasHh].map((values) =>
    bed.put(values),
  ) as [BedRegion, BedRegion, BedRegion, BedRegion];
  const packed = bed.alloc(bed.kernel.gruPackedBytes(inputSize, hiddenSize));
  bed.run([packed], (kernel) =>
    kernel.packGru(wi.ptr, wh.ptr, bi.ptr, bh.ptr, packed.ptr, inputSize, hiddenSize),
  );
  return packed;
}

/** Packs for `gruStepOne`. */
export function packGruOneInto(bed: KernelBed, gru: GruWeights): BedRegion {
  const { inputSize, hiddenSize } = gru;
  const [wi, wh, bi, bh] = [gru.weightIh, gru.weightHh, gru.biasIh, gru.biasHh].map((values) =>
    bed.put(values),
  ) as [BedRegion, BedRegion, BedRegion, BedRegion];
  const packed = bed.alloc(bed.kernel.gruOnePackedBytes(inputSize, hiddenSize));
  bed.run([packed], (kernel) =>
    kernel.packGruOne(wi.ptr, wh.ptr, bi.ptr, bh.ptr, packed.ptr, inputSize, hiddenSize),
  );
  return packed;
}

export function packHeadInto(
  bed: KernelBed,
  layers: readonly LinearWeights[],
  hiddenSize: number,
  summarySize: number,
): BedRegion {
  const at = layers.flatMap((layer) => [bed.put(layer.weight).ptr, bed.put(layer.bias).ptr]);
  const packed = bed.alloc(bed.kernel.headPackedBytes(hiddenSize, summarySize));
  const [w0 = 0, b0 = 0, w1 = 0, b1 = 0, w2 = 0, b2 = 0] = at;
  bed.run([packed], (kernel) =>
    kernel.packHead(w0, b0, w1, b1, w2, b2, packed.ptr, hiddenSize, summarySize),
  );
  return packed;
}
