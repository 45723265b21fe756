/** The library's public surface: re-exports only. */

// Allocator
export { type AllocatorOptions, PredictiveAllocator } from "./allocator/allocator.js";
export { type LoadReader, NO_LOAD } from "./allocator/load.js";
export type {
  AllocationAnswer,
  AllocationRequest,
  DonorSearch,
  FitAnswer,
  FitQuestion,
  Grant,
  NodeSpec,
  PoolView,
  ReserveRequest,
  ResourceAllocator,
} from "./allocator/types.js";
// Coordinator
export { Coordinator, type CoordinatorOptions } from "./coordinator/coordinator.js";
export { replayDecision } from "./coordinator/decision.js";
export { DEFAULT_POLICY } from "./coordinator/policy.js";
export type {
  CoordinatorPolicy,
  CoordinatorRequest,
  CycleReport,
  InterruptionRequest,
  ReclaimRequest,
} from "./coordinator/types.js";
export { type WhatIf, whatIf } from "./coordinator/what-if.js";
export * from "./core/abi.js";
// Engines
export { CgroupEngine, type CgroupEngineOptions } from "./engines/cgroup/cgroup-engine.js";
export { type Launched, type LaunchOptions, launchManaged } from "./engines/cgroup/launch.js";
export { DryRunEngine, type DryRunOptions } from "./engines/dry-run.js";
export type { Act, ActOutcome, Engine, PriorityProvider } from "./engines/engine.js";
export { StaticPriorities } from "./engines/static-priorities.js";
// Ledger
export { canonicalJson } from "./ledger/encoding.js";
export type { Ledger, LedgerChange, LedgerRange, LedgerTable } from "./ledger/ledger.js";
export { type LmdbLedgerOptions, openLmdbLedger } from "./ledger/lmdb.js";
export { MemoryLedger } from "./ledger/memory.js";
export { LEDGER_SCHEMA } from "./ledger/schema.js";
export { type Clock, SystemClock, VirtualClock } from "./lib/clock.js";
export { ERROR_CODES, type ErrorCode, isRepriseError, RepriseError } from "./lib/errors.js";
// Model
export { shippedWeightsFile } from "./model/shipped-weights.js";
export { type NetworkWeights, readWeights } from "./model/weights.js";
export { type FeedOptions, type FeedReport, feed } from "./profiler/feed.js";
// profiler
export { InstanceStream } from "./profiler/instance-stream.js";
export type { LadderAnswer } from "./profiler/ladder.js";
export { readLearntFile, writeLearntFile } from "./profiler/learnt-file.js";
export { PREDICTOR_NAMES, type PredictorName } from "./profiler/predictors/predictors.js";
export type {
  BehaviourProfile,
  BesideAnswer,
  ProfileOptions,
  ProfileReader,
  RestartOutcome,
  Rung,
} from "./profiler/profile.js";
export { Profiler, type ProfilerOptions, type TickReport } from "./profiler/profiler.js";
export type { DropReason } from "./profiler/sample-check.js";
// replay
export type { ReplayReport } from "./replay/report.js";
export { type ReplayOptions, runReplay, SAMPLE_DAYS } from "./replay/run-replay.js";
// sources
export {
  type BitbrainsOptions,
  BitbrainsSource,
  readBitbrains,
} from "./sources/bitbrains/bitbrains-source.js";
export { readPreemptions, type VmLife } from "./sources/gcp/preemptions.js";
export { type Eviction, readEvictions } from "./sources/google2011/evictions.js";
export { type MachineEvent, readMachineEvents } from "./sources/google2011/machine-events.js";
export { readTaskEvents, type TaskEvent } from "./sources/google2011/task-events.js";
export { HostSource, type HostSourceOptions } from "./sources/host/host-source.js";
export { allocatableOf, type HostShare, HostUsage } from "./sources/host/host-usage.js";
export { Machine, type MachineCapacity, type MachineLoad } from "./sources/host/machine.js";
export { MachineUsage } from "./sources/host/machine-usage.js";
export type { CgroupRule, HostRule, ManagedRule, TreeRule } from "./sources/host/rules.js";
export type {
  InstanceRegistration,
  ResourceAmounts,
  Sample,
  SampleSource,
  SourceEvent,
} from "./sources/sample.js";
export { type CapacityChange, readSpotTrace, SpotSource } from "./sources/skypilot/spot-source.js";
