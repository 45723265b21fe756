import type { Sample } from "../sources/sample.js";

/** Why a sample was left out. Bad samples are counted by reason; they never move the state. */
export const DROP_REASONS = [
  "not-a-sample",
  "unknown-id",
  "bad-time",
  "future",
  "duplicate",
  "out-of-order",
  "before-launch",
  "stopped",
  "not-a-number",
  "negative",
  "absurd",
  "queue-full",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** A sample further ahead of the clock would block every honest one after it. */
const FUTURE_MS_MAX = 24 * 3_600_000;
/** 1 January 2200. */
const TIME_MS_MAX = 7_258_118_400_000;

/** Larger than any machine; what is above it is a unit error. */
const CORES_MAX = 65_536;
const MEMORY_GIB_MAX = 1_048_576;
const NETWORK_MBPS_MAX = 1e9;
const DISK_MAX = 1e9;
const CONNECTIONS_MAX = 1e9;
/** 100 years. */
const SINCE_LAUNCH_SECONDS_MAX = 3_155_760_000;

/** Checks what a sample says on its own; its place in the stream is checked by the profiler. */
export function checkSample(sample: Sample, nowMs: number): DropReason | undefined {
  const { timeMs } = sample;
  if (typeof timeMs !== "number" || !(timeMs > 0 && timeMs <= TIME_MS_MAX)) return "bad-time";
  if (timeMs > nowMs + FUTURE_MS_MAX) return "future";
  return (
    checkValue(sample.cpuCores, CORES_MAX) ??
    checkValue(sample.memoryGiB, MEMORY_GIB_MAX) ??
    checkValue(sample.networkMbps, NETWORK_MBPS_MAX) ??
    checkValue(sample.disk, DISK_MAX) ??
    checkValue(sample.cpuPeakCores, CORES_MAX) ??
    checkValue(sample.connections, CONNECTIONS_MAX) ??
    checkValue(sample.sinceLaunchSeconds, SINCE_LAUNCH_SECONDS_MAX) ??
    checkCores(sample.perCoreCores)
  );
}

function checkValue(value: number | undefined, max: number): DropReason | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || Number.isNaN(value)) return "not-a-number";
  if (value < 0) return "negative";
  return value > max ? "absurd" : undefined;
}

function checkCores(cores: readonly number[] | undefined): DropReason | undefined {
  if (cores === undefined) return undefined;
  if (!Array.isArray(cores)) return "not-a-number";
  if (cores.length > CORES_MAX) return "absurd";
  for (const core of cores) {
    // An array cannot leave an entry out: a hole is not a number either.
    const reason = core === undefined ? "not-a-number" : checkValue(core, CORES_MAX);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
