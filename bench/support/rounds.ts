import { Bench } from "tinybench";
import type { BenchArguments } from "./arguments.js";
import type { BenchVariant } from "./definition.js";

export interface Timing {
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly meanNs: number;
  /** Fastest sample: other load on the machine can only make a sample slower. */
  readonly bestNs: number;
  readonly relativeErrorRatio: number;
  readonly samplesCount: number;
  readonly callsPerSample: number;
  /** p50 of each round: rounds of all variants with one number took turns. */
  readonly roundsNs: readonly number[];
}

const ROUND_MS = 60;
const WARM_UP_MS = 150;
/** A sample much longer than reading the clock twice (about 0.1 us) keeps that cost out. */
const SAMPLE_MS_MIN = 0.03;

/** Times all variants in turns: each round runs every one, in an order that rotates. */
export async function measureRounds(
  variants: readonly BenchVariant[],
  options: BenchArguments,
): Promise<Timing[]> {
  const batches: number[] = [];
  for (const variant of variants) {
    batches.push(options.smoke ? 1 : await warmUp(variant));
  }
  const samples: number[][] = variants.map(() => []);
  const roundsNs: number[][] = variants.map(() => []);
  const roundCount = options.smoke ? 1 : options.rounds;
  for (let round = 0; round < roundCount; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const index = (turn + round) % variants.length;
      const variant = variants[index] as BenchVariant;
      const taken = await measureOnce(variant, batches[index] as number, options.smoke);
      for (const sample of taken) samples[index]?.push(sample);
      roundsNs[index]?.push(quantileOf(taken, 0.5) * 1e6);
    }
  }
  return variants.map((_, index) => ({
    ...summarize(samples[index] as number[], batches[index] as number),
    roundsNs: roundsNs[index] as number[],
  }));
}

/** Runs a variant until the engine has optimised it; returns how many calls make one sample. */
async function warmUp(variant: BenchVariant): Promise<number> {
  const startedMs = performance.now();
  let callCount = 0;
  let lastMs = 0;
  while (callCount < 3 || performance.now() - startedMs < WARM_UP_MS) {
    const beforeMs = performance.now();
    await variant.call();
    lastMs = performance.now() - beforeMs;
    callCount += 1;
  }
  const callMs = Math.min(lastMs, (performance.now() - startedMs) / callCount);
  return Math.max(1, Math.min(100_000, Math.ceil(SAMPLE_MS_MIN / Math.max(callMs, 1e-6))));
}

/** One round of one variant by tinybench; samples are milliseconds a call. */
async function measureOnce(
  variant: BenchVariant,
  callsPerSample: number,
  smoke: boolean,
): Promise<number[]> {
  const bench = new Bench({
    time: smoke ? 0 : ROUND_MS,
    iterations: smoke ? 2 : 4,
    warmup: false,
    retainSamples: true,
    throws: true,
  });
  const { call } = variant;
  const batchSync = () => {
    const startedMs = performance.now();
    for (let index = 0; index < callsPerSample; index++) call();
    return durations(performance.now() - startedMs, callsPerSample);
  };
  const batchAsync = async () => {
    const startedMs = performance.now();
    for (let index = 0; index < callsPerSample; index++) await call();
    return durations(performance.now() - startedMs, callsPerSample);
  };
  bench.add(variant.name, variant.async === true ? batchAsync : batchSync, {
    async: variant.async === true,
  });
  const [task] = await bench.run();
  const result = task?.result;
  if (result === undefined || !("latency" in result) || result.latency.samples === undefined) {
    throw new Error(`${variant.name} was not measured`);
  }
  return [...result.latency.samples];
}

function durations(elapsedMs: number, callsPerSample: number) {
  return { overriddenDuration: elapsedMs / callsPerSample, overriddenIterationCost: elapsedMs };
}

function summarize(samplesMs: readonly number[], callsPerSample: number): Omit<Timing, "roundsNs"> {
  const count = samplesMs.length;
  const mean = samplesMs.reduce((sum, sample) => sum + sample, 0) / count;
  const squares = samplesMs.reduce((sum, sample) => sum + (sample - mean) ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  return {
    p50Ns: quantileOf(samplesMs, 0.5) * 1e6,
    p99Ns: quantileOf(samplesMs, 0.99) * 1e6,
    meanNs: mean * 1e6,
    bestNs: samplesMs.reduce((least, sample) => Math.min(least, sample)) * 1e6,
    relativeErrorRatio: (1.96 * deviation) / Math.sqrt(count) / mean,
    samplesCount: count,
    callsPerSample,
  };
}

/** Nearest rank: always one of the samples. */
function quantileOf(samples: readonly number[], level: number): number {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(level * sorted.length) - 1)] ?? Number.NaN;
}
