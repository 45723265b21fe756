import type { IncarnationRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import type { NetworkWeights } from "../model/weights.js";
import type { PopulationPrior } from "./population-prior.js";
import type { PredictorChoice } from "./predictors/shelf.js";
import type { ScoredCut } from "./shadow-cuts.js";
import type { SurgePrior } from "./surge.js";

export type Refresh = "tick" | "demand";

export interface ProfilerOptions extends PredictorChoice {
  readonly maxInstances: number;
  /** Without a network the simpler rungs answer. */
  readonly weights: NetworkWeights | null;
  /** Threads; 0 runs the tick on the calling thread. */
  readonly workers: number;
  readonly clock: Clock;
  /** An instance's life as it was written down, asked when it is registered. */
  readonly lives?: (instanceId: string) => IncarnationRecord | undefined;
  /** Workers that get nothing done for so long are replaced; a repeat gets twice as long. */
  readonly taskMsMax?: number;
  /** Samples that may wait for a tick over all instances; default 4 an instance. */
  readonly queueSamplesMax?: number;
  /**
   * When envelopes and keep-needs are computed: in the tick for every instance with news, or when
   * somebody asks for one. The same bits but for offsets learnt since the tick; default "tick".
   */
  readonly refresh?: Refresh;
  /** Tiles a tick publishes at once; the default of 32 holds 256 instances. */
  readonly journalTiles?: number;
  /** Shadow cuts that a tick may begin; 0 = none. */
  readonly shadowCutsPerTick?: number;
  /** False: shadow cuts are scored and reported, but move nothing. */
  readonly shadowCutsTeach?: boolean;
  /** Every shadow cut once its hour is over, in the order of slots. */
  readonly onShadowCut?: (cut: ScoredCut) => void;
  /** What restarts of a hardly known job type add; by default what is known for these weights. */
  readonly surgePrior?: SurgePrior;
  /** For instances of which nothing was seen; null = none, the package's own when absent. */
  readonly populationPrior?: PopulationPrior | null;
  /** The compiled worker entry; only tests name another one. */
  readonly workerUrl?: URL;
}

export interface TickReport {
  readonly tick: number;
  readonly sampleCount: number;
  readonly tileCount: number;
  readonly sliceCount: number;
  /** Repeats that lost workers made necessary. */
  readonly repeatCount: number;
}
