import type { BehaviourProfile, RestartOutcome } from "../profiler/profile.js";
import type { InstanceRegistration, Sample, StopCause } from "../sources/sample.js";

/** What a replay needs of a profiler: the real one, or one whose forecasts were computed before. */
export interface ReplayProfiler {
  register(registration: InstanceRegistration): void;
  has(instanceId: string): boolean;
  profile(instanceId: string, options?: { readonly outageMinutes?: number }): BehaviourProfile;
  offer(sample: Sample): string;
  tick(): Promise<unknown>;
  stopped(instanceId: string, timeMs: number, cause: StopCause): void;
  restarted(instanceId: string, timeMs: number): void;
  outcome(outcome: RestartOutcome): void;
  close(): Promise<void>;
}
