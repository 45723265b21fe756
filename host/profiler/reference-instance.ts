import { jobTypeCodes } from "../model/job-type.js";
import {
  envelopeReference,
  type GruWeights,
  gruStepReference,
  headReference,
  keepNeedReference,
  type LinearWeights,
  quantilesReference,
} from "../model/reference.js";
import { referenceFeatures } from "../model/reference-features.js";
import { type ReferenceSample, ReferenceSummary } from "../model/reference-summary.js";
import type { NetworkWeights } from "../model/weights.js";

export interface ReferenceAnswer {
  readonly envelope: Float64Array;
  readonly keepNeed: Float64Array;
}

/**
 * One instance's whole way in float64: samples in, restart envelope and keep-need out. What the
 * profiler's ticks are compared with, in tests and in the tick's bench.
 */
export class ReferenceInstance {
  readonly #summary = new ReferenceSummary();
  readonly #gru: GruWeights;
  readonly #head: readonly LinearWeights[];
  readonly #caps: readonly number[];
  #hidden: Float64Array;

  readonly #jobType: readonly number[];
  readonly #summarySize: number;

  /** @param caps one a resource, NaN = none */
  constructor(weights: NetworkWeights, caps: readonly number[], jobType?: string) {
    const { tensors, inputSize, hiddenSize, summarySize } = weights;
    this.#summarySize = summarySize;
    this.#jobType = jobTypeCodes(jobType);
    this.#gru = {
      weightIh: tensors["gru.weight_ih_l0"],
      weightHh: tensors["gru.weight_hh_l0"],
      biasIh: tensors["gru.bias_ih_l0"],
      biasHh: tensors["gru.bias_hh_l0"],
      inputSize,
      hiddenSize,
    };
    this.#head = [
      { weight: tensors["head.0.weight"], bias: tensors["head.0.bias"] },
      { weight: tensors["head.2.weight"], bias: tensors["head.2.bias"] },
      { weight: tensors["head.4.weight"], bias: tensors["head.4.bias"] },
    ];
    this.#caps = caps;
    this.#hidden = new Float64Array(hiddenSize);
  }

  take(sample: ReferenceSample): void {
    this.#hidden = gruStepReference(this.#gru, this.#summary.ingest(sample), this.#hidden);
  }

  answer(outageMinutes: number, offset?: ArrayLike<number>): ReferenceAnswer {
    return {
      envelope: this.#envelope(outageMinutes, offset),
      keepNeed: keepNeedReference(this.#envelope(0)),
    };
  }

  #envelope(outageMinutes: number, offset?: ArrayLike<number>): Float64Array {
    const features = referenceFeatures(this.#summary, {
      atSeconds: Number.NaN,
      outageMinutes,
      caps: this.#caps,
      interruptions: 0,
      jobType: this.#jobType,
    }).subarray(0, this.#summarySize);
    return envelopeReference({
      quantiles: quantilesReference(headReference(this.#head, this.#hidden, features)),
      scale: this.#summary.resources.map((resource) => resource.scale),
      cap: this.#caps.map((cap) => (Number.isNaN(cap) ? Number.POSITIVE_INFINITY : cap)),
      ...(offset === undefined ? {} : { offset }),
    });
  }
}

/** A sample's numbers in the order of the core's columns. */
export function referenceSample(
  sample: { readonly timeMs: number } & Partial<Record<SampleColumn, number>>,
  restart: boolean,
): ReferenceSample {
  const columns = ["cpuCores", "memoryGiB", "networkMbps", "disk"] as const;
  return {
    timeSeconds: sample.timeMs / 1_000,
    values: columns.map((column) => Math.fround(sample[column] ?? Number.NaN)),
    restart,
    ...(sample.cpuPeakCores === undefined ? {} : { cpuPeak: sample.cpuPeakCores }),
  };
}

type SampleColumn = "cpuCores" | "memoryGiB" | "networkMbps" | "disk" | "cpuPeakCores";
