/** What others read of an instance. */

import type { Resource } from "../core/abi.js";
import type { IncarnationRecord } from "../ledger/records.js";
import type { PredictorName } from "./predictors/predictors.js";

/** Which predictor answered: 0 network, 1 network from the type's state, 2 statistics, 3 empirical
 * quantile of the type or population, 4 the requested limit or the largest value seen. A simple
 * predictor chosen instead of the network answers at rung 2. */
export type Rung = 0 | 1 | 2 | 3 | 4;

export interface BehaviourProfile {
  readonly instanceId: string;
  /** Peak over the three phases at the granted quantile (.95, memory .99). */
  readonly predictedCpuCores: number;
  readonly predictedMemoryGiB: number;
  readonly predictedNetworkMbps: number;
  /** In the deployment's disk unit. */
  readonly predictedDiskIops: number;
  /** Time of the last sample behind the answer; null when there is none. */
  readonly lastUpdatedMs: number | null;
  /** resource x phase x quantile, 48 numbers, index = `envelopeRow`. */
  readonly envelope: Float64Array;
  /** resource x quantile, 16 numbers: need over the next 60 min if left alone. */
  readonly keepNeed: Float64Array;
  readonly outageMinutes: number;
  readonly rung: Rung;
  /**
   * Resources neither limited, asked for nor seen here: what stands there is what other machines
   * needed in their first hour, or zero without such a prior. Absent: all are known.
   */
  readonly unknown?: readonly Resource[];
  /** Of the network, or the name of the predictor chosen instead of it. */
  readonly modelVersion: string;
  /** Minutes after the restart from which its surge raises no quantile any more; 0 without one. */
  readonly settledAfterMinutes?: number;
  readonly samplesInIncarnation: number;
  readonly incarnation: number;
  /** Truths seen so far by the calibration behind this answer. */
  readonly trackerCount: number;
  /** The same in detail. */
  readonly trackers?: TrackerCounts;
  /** What another predictor says of the same moment, where it was asked for. */
  readonly beside?: BesideAnswer;
}

/** Truths behind each part of the calibration of an answer. */
export interface TrackerCounts {
  /** Shadow cuts of all instances, and of this one. */
  readonly cuts: number;
  readonly instanceCuts: number;
  /** Restarts of all instances, and of its job type. */
  readonly restarts: number;
  readonly typeRestarts: number;
  /** Restarts of its job type that the surge comes from. */
  readonly surges: number;
  /** Cold launches, that is of instances without history, of all and of its job type. */
  readonly launches: number;
  readonly typeLaunches: number;
  /** The network did worse than the statistics lately; these answer in its place. */
  readonly demoted: boolean;
}

/** A predictor's answer that is shown beside the one that counts. */
export interface BesideAnswer {
  readonly predictor: PredictorName;
  readonly rung: Rung;
  /** resource x phase x quantile, as in the profile. */
  readonly envelope: Float64Array;
  /** resource x quantile, as in the profile. */
  readonly keepNeed: Float64Array;
}

export interface ProfileOptions {
  /** The registered one when absent. */
  readonly outageMinutes?: number;
  /** Another predictor to show beside the answer. */
  readonly beside?: PredictorName;
}

/** Real peaks after a restart, resource x phase, NaN where nothing was seen. */
export interface RestartOutcome {
  readonly instanceId: string;
  readonly restartedMs: number;
  readonly peaks: readonly number[];
  /** The envelope that had been predicted, 48 numbers, index = `envelopeRow`. */
  readonly predicted: readonly number[];
  /**
   * Rung that had predicted it. The network's answers (0, or absent) teach as restarts, and so do
   * the statistics' (2) while the network is demoted; those about instances without history (3)
   * teach as cold launches; others teach nothing.
   */
  readonly rung?: Rung;
}

/** What the allocator and the coordinator need of the profiler. */
export interface ProfileReader {
  has(instanceId: string): boolean;
  /** @throws ERR_UNKNOWN_ID */
  profile(instanceId: string, options?: { readonly outageMinutes?: number }): BehaviourProfile;
  /** What was seen of one's life. @throws ERR_UNKNOWN_ID */
  incarnation?(instanceId: string): IncarnationRecord;
  /** Lives that changed since the last call; whoever calls it writes them down. */
  takeIncarnations?(): IncarnationRecord[];
}
