import type { BinaryName } from "../../host/core/binary.js";

/** One way to answer the question. All variants of a case take turns inside one run. */
export interface BenchVariant {
  readonly name: string;
  /** One timed call. Nothing but the work belongs here: build inputs in `open`. */
  readonly call: () => unknown;
  /** A promise per call is awaited inside the timed window. */
  readonly async?: boolean;
  /** What the calls so far computed: compared with the others before timing, and hashed. */
  readonly output: () => ArrayLike<number> | Promise<ArrayLike<number>>;
}

export interface OpenedCase {
  readonly variants: readonly BenchVariant[];
  readonly close?: () => void | Promise<void>;
}

/** One shape of the question, for example "H=32 B=1024". */
export interface BenchCase {
  readonly name: string;
  /** What one call does `unitsPerCall` of, plural: "instance-steps", "needs x nodes". */
  readonly unit: string;
  readonly unitsPerCall: number;
  readonly bytesPerCall?: number;
  readonly flopsPerCall?: number;
  /** Name of the variant the ratios are against; the last one when absent. */
  readonly rival?: string;
  /** Largest absolute difference from the first variant's output; 0 asks for equal numbers. */
  readonly tolerance: number;
  readonly open: () => OpenedCase | Promise<OpenedCase>;
}

export interface BenchContext {
  /** Tiny inputs and a few calls: only to see that the bench still works. */
  readonly smoke: boolean;
}

export interface BenchDefinition {
  readonly name: string;
  readonly question: string;
  /** Binaries whose sizes belong in the header. */
  readonly binaries: readonly BinaryName[];
  readonly cases: (context: BenchContext) => readonly BenchCase[];
}

export interface VariantResult {
  readonly name: string;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly meanNs: number;
  /** Half-width of the mean's 95 % interval over the mean. */
  readonly relativeErrorRatio: number;
  readonly samplesCount: number;
  /** Short calls are timed in batches of this many; then p99 is that of batch means. */
  readonly callsPerSample: number;
  readonly nsPerUnit: number;
  readonly unitsPerSecond: number;
  readonly bytesPerSecond?: number;
  readonly flopsPerSecond?: number;
  /** The rival's p50 over this one's: above 1 is faster than the rival. */
  readonly ratioToRival: number;
  /** The same from each one's fastest sample, which other load on the machine disturbs least. */
  readonly ratioToRivalBest: number;
  /** p50 of each round, nanoseconds; rounds of all variants of a case took turns. */
  readonly roundsNs: readonly number[];
  readonly maxDifference: number;
  readonly outputHash: string;
}

export interface CaseResult {
  readonly name: string;
  readonly unit: string;
  readonly unitsPerCall: number;
  readonly rival: string;
  readonly variants: readonly VariantResult[];
}

export interface BenchReport {
  readonly name: string;
  readonly question: string;
  readonly smoke: boolean;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly binaryBytes: Readonly<Record<string, number>>;
  readonly cases: readonly CaseResult[];
}
