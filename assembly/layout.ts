/**
 * The memory plan of one tile, and every constant the kernels share with the host.
 *
 * A tile holds 8 instances. Three kinds of row occur in it:
 *
 *   lane row      f32/u32[8]     32 bytes   one word an instance
 *   time row      f64[8]         64 bytes   seconds since 1970
 *   resource row  f32[8][4]     128 bytes   one v128 an instance: cpu, memory, network, disk
 *
 * `host/core/abi.ts` repeats these numbers and `docs/abi.md` explains them; `test/core/abi.test.ts`
 * compares all three. All offsets are bytes from the start of the tile.
 */

export const ABI_VERSION: i32 = 1;

export const TILE_LANES: i32 = 8;
export const LANE_ROW_BYTES: i32 = 32;
export const TIME_ROW_BYTES: i32 = 64;
export const RESOURCE_ROW_BYTES: i32 = 128;

export const RESOURCE_COUNT: i32 = 4;
export const PHASE_COUNT: i32 = 3;
export const QUANTILE_COUNT: i32 = 4;
/** resource x phase; also the columns of a need and of a node's room. */
export const NEED_COLUMNS: i32 = 12;
/** resource x phase x quantile. */
export const ENVELOPE_ROWS: i32 = 48;
/** resource x quantile. */
export const KEEP_ROWS: i32 = 16;

/** Inputs of the recurrent net, one lane row each (docs/abi.md lists them). */
export const INPUT_ROWS: i32 = 16;
/** Summary features of the head, one lane row each. */
export const SUMMARY_ROWS: i32 = 112;

export const HOUR_SLOTS: i32 = 168;
export const RECENT_SLOTS: i32 = 12;
export const HISTOGRAM_SLOTS: i32 = 36;

// Fixed part of a tile's state.
export const TILE_LAST_TIME: i32 = 0; //        f64[8]  last accepted sample, 0 = none yet
export const TILE_LAUNCH_TIME: i32 = 64; //     f64[8]  start of this incarnation
export const TILE_COUNT: i32 = 128; //          u32[8]  samples in this incarnation
export const TILE_TOTAL: i32 = 160; //          u32[8]  samples over all incarnations
export const TILE_INCARNATIONS: i32 = 192; //   f32[8]  incarnations seen
export const TILE_INTERRUPTIONS: i32 = 224; //  f32[8]  interruptions in the last 24 h
export const TILE_OUTAGE: i32 = 256; //         f32[8]  outage the tick's envelope assumes, minutes
export const TILE_FLAGS: i32 = 288; //          u32[8]  see SLOT_*
export const TILE_CAP: i32 = 320; //            resource row, NaN = no cap known
export const TILE_LAST: i32 = 448; //           resource row, last value of each resource
export const TILE_SCALE: i32 = 576; //          resource row, 48 h decayed mean: the instance's scale
export const TILE_MEAN_2H: i32 = 704; //        resource row
export const TILE_VARIANCE_2H: i32 = 832; //    resource row
export const TILE_MEAN_24H: i32 = 960; //       resource row
export const TILE_VARIANCE_24H: i32 = 1088; //  resource row
export const TILE_EWMA: i32 = 1216; //          resource row
export const TILE_EWMA_VAR: i32 = 1344; //      resource row
export const TILE_OBSERVED: i32 = 1472; //      resource row, seconds observed, 0 = never seen
export const TILE_HISTOGRAM_BASE: i32 = 1600; // i8[8][4] lowest bucket, quarter octaves
export const TILE_SURGE_BEFORE: i32 = 1632; //  i8[8][4] surge before the last restart
export const TILE_RECENT_MAX: i32 = 1664; //    u8[12][8][4]   5-minute maxima of the last hour
export const TILE_HOUR_MAX: i32 = 2048; //      u8[168][8][4]  hourly maxima of the last week
export const TILE_HISTOGRAM: i32 = 7424; //     u16[36][8][4]  decayed histogram
export const TILE_PAST: i32 = 9728; //          i8[8][16] codes of summary rows 96-110, see PAST_*
export const TILE_HIDDEN: i32 = 9856; //        f32[H][8] twice, then envelope and keep-need twice

// Bytes of a lane's TILE_PAST. A code stands for 3/64, 0 also for what is not known.
export const PAST_BYTES: i32 = 16;
export const PAST_JOB_TYPE: i32 = 0; //    i8[4] written by the host
export const PAST_SURGE: i32 = 4; //       i8[4] mean surge of the last restarts
export const PAST_END: i32 = 8; //         i8[4] level at the end of the last incarnation
export const PAST_SPREAD: i32 = 12; //     i8[4] cpu peak, busiest core, connections, 0

/** Bits 0-3 of a lane's TILE_FLAGS: that resource was missing in the last sample. */
export const FLAG_MISSING_MASK: u32 = 15;

// One tile of the inbox: what the host wrote and the workers have not consumed yet.
export const INBOX_TIME: i32 = 0; //            f64[8]
export const INBOX_VALUES: i32 = 64; //         resource row: cpu, memory, network, disk; NaN missing
export const INBOX_CPU_PEAK: i32 = 192; //      f32[8]  NaN missing
export const INBOX_CORE_PEAK: i32 = 224; //     f32[8]  busiest core, cores, NaN missing
export const INBOX_CONNECTIONS: i32 = 256; //   f32[8]  NaN missing
export const INBOX_SINCE_LAUNCH: i32 = 288; //  f32[8]  seconds, NaN missing
export const INBOX_FLAGS: i32 = 320; //         u32[8]  see PENDING_*
export const INBOX_TILE_BYTES: i32 = 384;

export const PENDING_SAMPLE: u32 = 1;
/** The sample is the first one of a new incarnation. */
export const PENDING_RESTART: u32 = 2;
