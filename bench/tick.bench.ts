/**
 * How long does a tick take when every instance has one new sample?
 *
 * Goals: the whole way of a sample, from `offer` to the published envelope and keep-need, on the
 * calling thread and on two workers, beside the same arithmetic in plain JavaScript (float64).
 * Non-goals: the network's quality; its weights are drawn from a seed, the work is the same.
 *
 * The header line of each case names the bytes of state an instance takes.
 */
import { present } from "../host/lib/assert.js";
import { VirtualClock } from "../host/lib/clock.js";
import { Prng } from "../host/lib/prng.js";
import {
  envelopeReference,
  keepNeedReference,
  quantilesReference,
} from "../host/model/reference.js";
import { referenceFeatures } from "../host/model/reference-features.js";
import { ReferenceSummary } from "../host/model/reference-summary.js";
import { type NetworkWeights, WEIGHT_NAMES, weightShapes } from "../host/model/weights.js";
import { openCoreMemory } from "../host/profiler/core-memory.js";
import type { LadderTables } from "../host/profiler/ladder.js";
import { Profiler } from "../host/profiler/profiler.js";
import { referenceSample } from "../host/profiler/reference-instance.js";
import type { Sample } from "../host/sources/sample.js";
import type { BenchVariant } from "./support/definition.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { PlainNet } from "./support/plain-net.js";

const START_MS = 1_380_585_600_000;
const STEP_MS = 300_000;
const LIMITS = { cpu: 8, memory: 32 };
/** Instances whose answers are compared before anything is timed. */
const COMPARED = 64;
const PLAIN = "plain JavaScript, float64";

await benchMain({
  name: "tick",
  question: "How long does a tick take when every instance has one new sample?",
  binaries: ["shared"],
  cases: ({ smoke }) =>
    smoke ? [tickCase(64, true)] : [tickCase(1_000, true), tickCase(10_000), tickCase(100_000)],
});

function tickCase(instanceCount: number, withPlain = false): BenchCase {
  return {
    name: `${instanceCount} instances, ${bytesPerInstance(instanceCount)} bytes each`,
    unit: "instances",
    unitsPerCall: instanceCount,
    tolerance: 2e-3,
    rival: withPlain ? PLAIN : "calling thread",
    open: () => {
      const weights = drawnWeights();
      const inline = profilerVariant("calling thread", instanceCount, 0, weights);
      const threaded = profilerVariant("2 workers", instanceCount, 2, weights);
      const variants: BenchVariant[] = [inline.variant, threaded.variant];
      if (withPlain) variants.push(plainVariant(instanceCount, weights));
      return {
        variants,
        close: async () => {
          await inline.profiler.close();
          await threaded.profiler.close();
        },
      };
    },
  };
}

/** State, inbox and the rest of the core's memory, with the journal, over the instances. */
function bytesPerInstance(instanceCount: number): number {
  const core = openCoreMemory({ maxInstances: instanceCount, workers: 2, weights: drawnWeights() });
  return Math.round(core.memory.buffer.byteLength / instanceCount);
}

function profilerVariant(
  name: string,
  instanceCount: number,
  workers: number,
  weights: NetworkWeights,
): { readonly variant: BenchVariant; readonly profiler: Profiler } {
  const clock = new VirtualClock(START_MS + 3_650 * 86_400_000);
  const profiler = Profiler.open({ maxInstances: instanceCount, weights, workers, clock });
  const samples = drawnSamples(instanceCount);
  for (const { instanceId } of samples) {
    const identity = { instanceId, groupId: "g", nodeId: "n", priority: 1, interruptible: true };
    profiler.register({ ...identity, limits: LIMITS, typicalOutageMinutes: 10 });
  }
  const call = async () => {
    for (const sample of samples) {
      sample.timeMs += STEP_MS;
      profiler.offer(sample);
    }
    await profiler.tick();
  };
  const compared = samples.slice(0, COMPARED);
  const output = () =>
    compared.flatMap(({ instanceId }) =>
      relative(present(profiler.networkAnswer(instanceId, 10), "answer").envelope),
    );
  return { variant: { name, call, async: true, output }, profiler };
}

/** The same way in float64: the net tuned by hand, the statistics as the reference has them. */
function plainVariant(instanceCount: number, weights: NetworkWeights): BenchVariant {
  const samples = drawnSamples(instanceCount);
  const caps = [LIMITS.cpu, LIMITS.memory, Number.NaN, Number.NaN];
  const limits = [LIMITS.cpu, LIMITS.memory, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const net = new PlainNet(weights);
  const instances = samples.map(() => ({
    summary: new ReferenceSummary(),
    state: new Float64Array(weights.hiddenSize),
    answers: { envelope: new Float64Array(), keepNeed: new Float64Array() } as LadderTables,
  }));
  const answer = ({ summary, state }: (typeof instances)[number]) => {
    const cut = { atSeconds: Number.NaN, caps, interruptions: 0 };
    const restart = referenceFeatures(summary, { ...cut, outageMinutes: 10 });
    const still = referenceFeatures(summary, { ...cut, outageMinutes: 0 });
    const scale = summary.resources.map((resource) => resource.scale);
    const envelope = (raw: Float64Array) =>
      envelopeReference({ quantiles: quantilesReference(raw), scale, cap: limits });
    const [first, second] = net.headPair(state, restart, still);
    return { envelope: envelope(first), keepNeed: keepNeedReference(envelope(second)) };
  };
  const call = async () => {
    for (const [index, sample] of samples.entries()) {
      const instance = instances[index] as (typeof instances)[number];
      const isFirst = instance.summary.lastTime === 0;
      sample.timeMs += STEP_MS;
      net.step(instance.summary.ingest(referenceSample(sample, isFirst)), instance.state);
      instance.answers = answer(instance);
    }
  };
  const output = () =>
    instances.slice(0, COMPARED).flatMap(({ answers }) => relative(answers.envelope));
  return { name: PLAIN, call, async: true, output };
}

/** Large amounts are compared relatively: the tolerance is one number. */
function relative(envelope: Float64Array): number[] {
  return Array.from(envelope, (value) => Math.log1p(value));
}

function drawnSamples(count: number): (Sample & { timeMs: number })[] {
  const prng = new Prng(11);
  return Array.from({ length: count }, (_, index) => ({
    instanceId: `instance-${index}`,
    timeMs: START_MS + (index % 300) * 1_000,
    cpuCores: Math.fround(prng.uniform() * 4),
    memoryGiB: Math.fround(1 + prng.uniform() * 8),
    networkMbps: Math.fround(prng.uniform() * 50),
    disk: Math.fround(prng.uniform() * 5),
  }));
}

function drawnWeights(): NetworkWeights {
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
