/**
 * How long does a tick take when every instance has one new sample?
 *
 * Goals: the whole way of a sample, from `offer` to the published envelope and keep-need, on the
 * calling thread and on two workers, with and without answers for everybody, beside
 * the same arithmetic in plain JavaScript (float64).
 * Non-goals: the network's quality; its weights are drawn from a seed, the work is the same.
 *
 * The header line of each case names the bytes of state an instance takes.
 */
import { present } from "../host/lib/assert.js";
import { VirtualClock } from "../host/lib/clock.js";
import {
  envelopeReference,
  keepNeedReference,
  quantilesReference,
} from "../host/model/reference.js";
import { referenceFeatures } from "../host/model/reference-features.js";
import { ReferenceSummary } from "../host/model/reference-summary.js";
import type { NetworkWeights } from "../host/model/weights.js";
import { openCoreMemory } from "../host/profiler/core-memory.js";
import type { LadderTables } from "../host/profiler/ladder.js";
import { Profiler } from "../host/profiler/profiler.js";
import type { Refresh } from "../host/profiler/profiler-options.js";
import { referenceSample } from "../host/profiler/reference-instance.js";
import type { BenchVariant } from "./support/definition.js";
import { drawnSamples, drawnWeights, FLEET_LIMITS, FLEET_START_MS } from "./support/fleet.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { PlainNet } from "./support/plain-net.js";

const STEP_MS = 300_000;
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
      const shape: FleetShape = { instanceCount, workers: 2, refresh: "tick" };
      const inline = profilerVariant("calling thread", { ...shape, workers: 0 }, weights);
      const threaded = profilerVariant("2 workers", shape, weights);
      const asked = profilerVariant(
        "2 workers, on demand",
        { ...shape, refresh: "demand" },
        weights,
      );
      const variants: BenchVariant[] = [inline.variant, threaded.variant, asked.variant];
      if (withPlain) variants.push(plainVariant(instanceCount, weights));
      return {
        variants,
        close: async () => {
          await inline.profiler.close();
          await threaded.profiler.close();
          await asked.profiler.close();
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

interface FleetShape {
  readonly instanceCount: number;
  readonly workers: number;
  readonly refresh: Refresh;
}

function profilerVariant(
  name: string,
  shape: FleetShape,
  weights: NetworkWeights,
): { readonly variant: BenchVariant; readonly profiler: Profiler } {
  const clock = new VirtualClock(FLEET_START_MS + 3_650 * 86_400_000);
  const { instanceCount, workers, refresh } = shape;
  const profiler = Profiler.open({ maxInstances: instanceCount, weights, workers, clock, refresh });
  const samples = drawnSamples(instanceCount);
  for (const { instanceId } of samples) {
    const identity = { instanceId, groupId: "g", nodeId: "n", priority: 1, interruptible: true };
    profiler.register({ ...identity, limits: FLEET_LIMITS, typicalOutageMinutes: 10 });
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
  const caps = [FLEET_LIMITS.cpu, FLEET_LIMITS.memory, Number.NaN, Number.NaN];
  const limits = [
    FLEET_LIMITS.cpu,
    FLEET_LIMITS.memory,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ];
  const net = new PlainNet(weights);
  const instances = samples.map(() => ({
    summary: new ReferenceSummary(),
    state: new Float64Array(weights.hiddenSize),
    answers: { envelope: new Float64Array(), keepNeed: new Float64Array() } as LadderTables,
  }));
  const answer = ({ summary, state }: (typeof instances)[number]) => {
    const cut = { atSeconds: Number.NaN, caps, interruptions: 0 };
    // A net for traces reads the first rows only.
    const rows = (outageMinutes: number) =>
      referenceFeatures(summary, { ...cut, outageMinutes }).subarray(0, weights.summarySize);
    const restart = rows(10);
    const still = rows(0);
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
