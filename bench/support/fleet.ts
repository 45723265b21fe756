/** A fleet for benches: samples and weights drawn from a seed. */
import { Prng } from "../../host/lib/prng.js";
import { type NetworkWeights, WEIGHT_NAMES, weightShapes } from "../../host/model/weights.js";
import type { Sample } from "../../host/sources/sample.js";

export const FLEET_START_MS = 1_380_585_600_000;
export const FLEET_LIMITS = { cpu: 8, memory: 32 };

export function drawnSamples(count: number): (Sample & { timeMs: number })[] {
  const prng = new Prng(11);
  return Array.from({ length: count }, (_, index) => ({
    instanceId: `instance-${index}`,
    timeMs: FLEET_START_MS + (index % 300) * 1_000,
    cpuCores: Math.fround(prng.uniform() * 4),
    memoryGiB: Math.fround(1 + prng.uniform() * 8),
    networkMbps: Math.fround(prng.uniform() * 50),
    disk: Math.fround(prng.uniform() * 5),
  }));
}

export function drawnWeights(): NetworkWeights {
  const prng = new Prng(5);
  const shape = { inputSize: 16, hiddenSize: 32, summarySize: 96 };
  const shapes = weightShapes(shape);
  const tensors = Object.fromEntries(
    WEIGHT_NAMES.map((name) => {
      const size = shapes[name].reduce((product, each) => product * each, 1);
      return [name, Float32Array.from({ length: size }, () => (prng.uniform() - 0.5) * 0.3)];
    }),
  ) as NetworkWeights["tensors"];
  return { ...shape, tensors, version: "drawn", metadata: {} };
}
