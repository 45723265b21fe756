/**
 * The numbers the host shares with the core. `assembly/layout.ts` is the other copy and
 * `docs/abi.md` explains both; `test/core/abi.test.ts` compares the three.
 */

export const ABI_VERSION = 1;

/** Column order of everything that has one value a resource. */
export const RESOURCES = ["cpu", "memory", "network", "disk"] as const;
export type Resource = (typeof RESOURCES)[number];

/** Disjoint phases after a restart, minutes, each (from, to]. */
export const PHASES = ["0-10", "10-30", "30-60"] as const;
export const PHASE_END_MINUTES = [10, 30, 60] as const;

/** Levels of every envelope, lowest first. */
export const QUANTILES = [0.5, 0.9, 0.95, 0.99] as const;

export const TILE_LANES = 8;
export const LANE_ROW_BYTES = 32;
export const TIME_ROW_BYTES = 64;
export const RESOURCE_ROW_BYTES = 128;

export const RESOURCE_COUNT = 4;
export const PHASE_COUNT = 3;
export const QUANTILE_COUNT = 4;
export const NEED_COLUMNS = 12;
export const ENVELOPE_ROWS = 48;
export const KEEP_ROWS = 16;
export const INPUT_ROWS = 16;
export const SUMMARY_ROWS = 112;
export const HOUR_SLOTS = 168;
export const RECENT_SLOTS = 12;
export const HISTOGRAM_SLOTS = 36;

export const TILE_LAST_TIME = 0;
export const TILE_LAUNCH_TIME = 64;
export const TILE_COUNT = 128;
export const TILE_TOTAL = 160;
export const TILE_INCARNATIONS = 192;
export const TILE_INTERRUPTIONS = 224;
export const TILE_OUTAGE = 256;
export const TILE_FLAGS = 288;
export const TILE_CAP = 320;
export const TILE_LAST = 448;
export const TILE_SCALE = 576;
export const TILE_MEAN_2H = 704;
export const TILE_VARIANCE_2H = 832;
export const TILE_MEAN_24H = 960;
export const TILE_VARIANCE_24H = 1088;
export const TILE_EWMA = 1216;
export const TILE_EWMA_VAR = 1344;
export const TILE_OBSERVED = 1472;
export const TILE_HISTOGRAM_BASE = 1600;
export const TILE_SURGE_BEFORE = 1632;
export const TILE_RECENT_MAX = 1664;
export const TILE_HOUR_MAX = 2048;
export const TILE_HISTOGRAM = 7424;
export const TILE_PAST = 9728;
export const TILE_HIDDEN = 9856;
/** Of one lane. */
export const PAST_BYTES = 16;
export const PAST_JOB_TYPE = 0;
export const PAST_SURGE = 4;
export const PAST_END = 8;
export const PAST_SPREAD = 12;
export const FLAG_MISSING_MASK = 15;

export const INBOX_TIME = 0;
export const INBOX_VALUES = 64;
export const INBOX_CPU_PEAK = 192;
export const INBOX_CORE_PEAK = 224;
export const INBOX_CONNECTIONS = 256;
export const INBOX_SINCE_LAUNCH = 288;
export const INBOX_FLAGS = 320;
export const INBOX_TILE_BYTES = 384;

export const PENDING_SAMPLE = 1;
export const PENDING_RESTART = 2;

/** Column of a need or of a node's room. */
export function needColumn(resource: number, phase: number): number {
  return resource * PHASE_COUNT + phase;
}

/** Row of an envelope: index = (resource * 3 + phase) * 4 + quantile. */
export function envelopeRow(resource: number, phase: number, quantile: number): number {
  return needColumn(resource, phase) * QUANTILE_COUNT + quantile;
}
