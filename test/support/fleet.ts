import { Prng } from "../../host/lib/prng.js";
import { type NetworkWeights, WEIGHT_NAMES, weightShapes } from "../../host/model/weights.js";
import type { InstanceRegistration, Sample } from "../../host/sources/sample.js";

/** 1 October 2013, 00:00 UTC. */
export const FLEET_START_MS = 1_380_585_600_000;
const STEP_MS = 300_000;

/** A net that nobody trained: right shapes, small numbers. For testing the machinery only. */
export function untrainedWeights(seed: number, hiddenSize = 32): NetworkWeights {
  const prng = new Prng(seed);
  const shape = { inputSize: 16, hiddenSize, summarySize: 96 };
  const shapes = weightShapes(shape);
  const tensor = (name: (typeof WEIGHT_NAMES)[number]) => {
    const size = shapes[name].reduce((product, each) => product * each, 1);
    return Float32Array.from({ length: size }, () => (prng.uniform() - 0.5) * 0.4);
  };
  const tensors = Object.fromEntries(WEIGHT_NAMES.map((name) => [name, tensor(name)]));
  return {
    ...shape,
    tensors: tensors as NetworkWeights["tensors"],
    version: `untrained@${seed}`,
    metadata: {},
  };
}

export function registrationOf(index: number): InstanceRegistration {
  return {
    instanceId: `i${index}`,
    groupId: `g${index % 3}`,
    nodeId: `n${index % 2}`,
    priority: index % 4,
    interruptible: true,
    limits: index % 5 === 0 ? {} : { cpu: 4 + (index % 3), memory: 16 },
    typicalOutageMinutes: 5 + (index % 2) * 10,
  };
}

/** Sample `step` of an instance; the same whatever else is drawn. */
export function sampleOf(index: number, step: number): Sample {
  const prng = new Prng(index * 100_003 + step);
  const base: Sample = {
    instanceId: `i${index}`,
    timeMs: FLEET_START_MS + step * STEP_MS + (index % 7) * 1_000,
    cpuCores: 0.2 + (index % 4) * prng.uniform() ** 3,
    memoryGiB: 1 + prng.uniform(),
    networkMbps: prng.uniform() * 20,
  };
  if (prng.below(10) === 0) return base;
  return { ...base, disk: prng.uniform() * 5, cpuPeakCores: 2 + prng.uniform() };
}
