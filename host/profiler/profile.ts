/** What others read of an instance. */

/** Which predictor answered: 0 network, 1 network from the type's state, 2 statistics, 3 empirical
 * quantile of the type or population, 4 the requested limit or the largest value seen. */
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
  readonly modelVersion: string;
  readonly samplesInIncarnation: number;
  readonly incarnation: number;
  /** Truths seen so far by the calibration behind this answer. */
  readonly trackerCount: number;
}

/** Real peaks after a restart, resource x phase, NaN where nothing was seen. */
export interface RestartOutcome {
  readonly instanceId: string;
  readonly restartedMs: number;
  readonly peaks: readonly number[];
  /** The envelope that had been predicted, 48 numbers, index = `envelopeRow`. */
  readonly predicted: readonly number[];
  /** Rung that had predicted it; only the network's answers (0, or absent) are calibrated. */
  readonly rung?: Rung;
}

/** What the allocator and the coordinator need of the profiler. */
export interface ProfileReader {
  has(instanceId: string): boolean;
  /** @throws ERR_UNKNOWN_ID */
  profile(instanceId: string, options?: { readonly outageMinutes?: number }): BehaviourProfile;
}
