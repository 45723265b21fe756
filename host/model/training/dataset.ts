import {
  INBOX_CONNECTIONS,
  INBOX_CORE_PEAK,
  INBOX_CPU_PEAK,
  INBOX_FLAGS,
  INBOX_SINCE_LAUNCH,
  INBOX_TILE_BYTES,
  INBOX_TIME,
  INBOX_VALUES,
  LANE_ROW_BYTES,
  NEED_COLUMNS,
  PAST_BYTES,
  PAST_JOB_TYPE,
  PENDING_RESTART,
  PENDING_SAMPLE,
  PHASE_COUNT,
  RESOURCE_COUNT,
  TILE_CAP,
  TILE_HIDDEN,
  TILE_INTERRUPTIONS,
  TILE_LANES,
  TILE_OUTAGE,
  TILE_PAST,
  TILE_SCALE,
} from "../../core/abi.js";
import { callKernel, type Kernel } from "../../core/kernel.js";
import { jobTypeCodes } from "../job-type.js";
import type { Cut } from "./cuts.js";
import type { Stream } from "./interruptions.js";
import {
  ROUND_BYTES,
  SUMMARY_BYTES,
  TARGET_BYTES,
  TILE_WORDS,
  type TrainingLayout,
} from "./layout.js";
import type { SilentColumns } from "./parameters.js";
import type { Rounds } from "./rounds.js";
import { EXTRAS, firstAfter, type Series } from "./series.js";
import { isRunning, phasePeaks } from "./truth.js";

/**
 * What no net listens to. Input 7 and rows 81, 82 and 88 are ages and counts that grow for as long
 * as a trace lasts: by them a net knows the day of the trace instead of the load, and days ahead
 * lie outside of what it saw.
 */
export const SILENT_ALWAYS: SilentColumns = { inputs: [7], summary: [81, 82, 88] };

/**
 * What a net trained on traces does not listen to either. Inputs 4-6 and rows 96-99 and 108-110 are
 * in no trace: cpu peak, busiest core, connections, job type. Rows 100-107 tell of earlier restarts,
 * of which traces have a handful. Rows 89-95 and 111 are reserved.
 */
export const SILENT: SilentColumns = {
  inputs: [4, 5, 6, ...SILENT_ALWAYS.inputs],
  summary: [...SILENT_ALWAYS.summary, ...Array.from({ length: 23 }, (_, index) => 89 + index)],
};

/** Where the inbox takes a sample's extras, in their order. */
const EXTRA_ROWS = [INBOX_CPU_PEAK, INBOX_CORE_PEAK, INBOX_CONNECTIONS] as const;

/** How far back interruptions count. */
const INTERRUPTIONS_SECONDS = 86_400;

/** Eight instances that are fed and cut together. */
export interface TilePlan {
  /** What truths and baselines come from. */
  readonly series: readonly Series[];
  /** What the kernels see of them. */
  readonly streams: readonly Stream[];
  readonly cuts: readonly Cut[];
  readonly rounds: Rounds;
  /** First round of the store; `stepCount` empty rounds come before the first sample. */
  readonly firstRound: number;
  readonly firstEvent: number;
}

/** What scoring needs of an event beside the regions: eight lanes each. */
export interface EventRecord {
  readonly event: number;
  readonly tile: number;
  readonly cut: Cut;
  /** Seconds since 1970, one a lane. */
  readonly at: Float64Array;
  /** f32[8][4] at the cut. */
  readonly scale: Float32Array;
  /** f32[8][4], NaN = none. */
  readonly cap: Float32Array;
}

/**
 * Streams the series of a tile through the kernels that production uses and leaves inputs, summary
 * features and targets of its events in the store. A lane whose instance is not running at the cut
 * has no truth.
 */
export class TileBuilder {
  readonly #kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  readonly #layout: TrainingLayout;
  readonly #silent: SilentColumns;
  readonly #f32: Float32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;

  constructor(
    core: { readonly kernel: Kernel; readonly memory: WebAssembly.Memory },
    layout: TrainingLayout,
    silent: SilentColumns = SILENT,
  ) {
    this.#kernel = core.kernel;
    this.#memory = core.memory;
    this.#layout = layout;
    this.#silent = silent;
    this.#f32 = new Float32Array(core.memory.buffer);
    this.#u32 = new Uint32Array(core.memory.buffer);
    this.#f64 = new Float64Array(core.memory.buffer);
  }

  build(plan: TilePlan, tile: number): EventRecord[] {
    const { stepCount } = this.#layout.sizes;
    this.#reset(plan, tile);
    const next = plan.streams.map(() => 0);
    const records: EventRecord[] = [];
    let cut = 0;
    for (let round = 0; round <= plan.rounds.lanes.length; round++) {
      while (cut < plan.cuts.length && plan.rounds.before[cut] === round) {
        const event = plan.firstEvent + cut;
        this.#u32[this.#layout.windows / 4 + event] = plan.firstRound + round;
        records.push(this.#event(plan, tile, event));
        cut += 1;
      }
      if (round === plan.rounds.lanes.length) break;
      this.#offer(plan, round, next);
      this.#ingest(plan.firstRound + stepCount + round);
    }
    return records;
  }

  #reset(plan: TilePlan, tile: number): void {
    const { tileState, inbox, tiles, sizes } = this.#layout;
    new Uint8Array(this.#memory.buffer, tileState, TILE_HIDDEN).fill(0);
    new Uint8Array(this.#memory.buffer, inbox, INBOX_TILE_BYTES).fill(0);
    this.#f32.fill(
      Number.NaN,
      (tileState + TILE_CAP) / 4,
      (tileState + TILE_CAP) / 4 + TILE_LANES * RESOURCE_COUNT,
    );
    for (const row of [...EXTRA_ROWS, INBOX_SINCE_LAUNCH]) {
      this.#f32.fill(Number.NaN, (inbox + row) / 4, (inbox + row) / 4 + TILE_LANES);
    }
    const bytes = new Uint8Array(
      this.#memory.buffer,
      tileState + TILE_PAST,
      TILE_LANES * PAST_BYTES,
    );
    plan.streams.forEach(({ jobType }, lane) => {
      bytes.set(jobTypeCodes(jobType), lane * PAST_BYTES + PAST_JOB_TYPE);
    });
    const entry = tiles / 4 + tile * TILE_WORDS;
    this.#u32[entry] = plan.firstRound;
    this.#u32[entry + 1] = plan.rounds.lanes.length + sizes.stepCount;
    this.#u32[entry + 2] = plan.firstEvent;
    this.#u32[entry + 3] = plan.cuts.length;
    this.#u32[entry + 4] = plan.cuts.filter((cut) => cut.set !== "test").length;
  }

  /** Puts the round's samples into the inbox and applies changed caps. */
  #offer(plan: TilePlan, round: number, next: number[]): void {
    const { inbox, tileState } = this.#layout;
    const bits = plan.rounds.lanes[round] ?? 0;
    for (let lane = 0; lane < plan.streams.length; lane++) {
      if ((bits & (1 << lane)) === 0) continue;
      const series = plan.streams[lane];
      const sample = next[lane] ?? 0;
      if (series === undefined) continue;
      next[lane] = sample + 1;
      this.#f64[(inbox + INBOX_TIME) / 8 + lane] = series.times[sample] ?? 0;
      const to = (inbox + INBOX_VALUES) / 4 + lane * RESOURCE_COUNT;
      const from = sample * RESOURCE_COUNT;
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        this.#f32[to + resource] = series.values[from + resource] ?? Number.NaN;
      }
      EXTRA_ROWS.forEach((row, extra) => {
        this.#f32[(inbox + row) / 4 + lane] =
          series.extras?.[sample * EXTRAS + extra] ?? Number.NaN;
      });
      const launch = series.launches[sample] === 1 ? PENDING_RESTART : 0;
      this.#u32[(inbox + INBOX_FLAGS) / 4 + lane] = PENDING_SAMPLE | launch;
      for (const change of series.caps) {
        if (change.sample !== sample) continue;
        this.#f32.set(change.values, (tileState + TILE_CAP) / 4 + lane * RESOURCE_COUNT);
      }
    }
  }

  #ingest(round: number): void {
    const { tileState, inbox, x, mask } = this.#layout;
    callKernel("ingest", () =>
      this.#kernel.ingest(
        tileState,
        0,
        inbox,
        0,
        x + round * ROUND_BYTES,
        0,
        mask + round * LANE_ROW_BYTES,
        0,
        1,
      ),
    );
    for (const row of this.#silent.inputs) this.#blank(x + round * ROUND_BYTES, row);
  }

  #blank(rows: number, row: number): void {
    const from = rows / 4 + row * TILE_LANES;
    this.#f32.fill(0, from, from + TILE_LANES);
  }

  #event(plan: TilePlan, tile: number, event: number): EventRecord {
    const { tileState, summary } = this.#layout;
    const cut = plan.cuts[event - plan.firstEvent] as Cut;
    this.#f32.set(cut.outages, (tileState + TILE_OUTAGE) / 4);
    const at = new Float64Array(TILE_LANES).fill(Number.NaN);
    plan.streams.forEach(({ times, interruptions }, lane) => {
      const last = firstAfter(times, cut.at) - 1;
      at[lane] = cut.atSample ? (times[last] ?? Number.NaN) : cut.at;
      const since = (at[lane] ?? 0) - INTERRUPTIONS_SECONDS;
      const recent = interruptions.filter((time) => time > since && time <= (at[lane] ?? 0));
      this.#f32[(tileState + TILE_INTERRUPTIONS) / 4 + lane] = recent.length;
    });
    callKernel("features", () =>
      this.#kernel.features(
        tileState,
        0,
        summary + event * SUMMARY_BYTES,
        0,
        1,
        cut.atSample ? Number.NaN : cut.at,
        Number.NaN,
      ),
    );
    for (const row of this.#silent.summary) this.#blank(summary + event * SUMMARY_BYTES, row);
    const rows = TILE_LANES * RESOURCE_COUNT;
    const copy = (offset: number) =>
      this.#f32.slice((tileState + offset) / 4, (tileState + offset) / 4 + rows);
    const record = { event, tile, cut, at, scale: copy(TILE_SCALE), cap: copy(TILE_CAP) };
    this.#targets(plan, record);
    return record;
  }

  /** asinh(peak / scale) by the core's kernel, so that targets have the same bits everywhere. */
  #targets(plan: TilePlan, record: EventRecord): void {
    const { values, target } = this.#layout;
    const peaks = values / 4;
    const scales = (values + TARGET_BYTES) / 4;
    const count = NEED_COLUMNS * TILE_LANES;
    this.#f32.fill(Number.NaN, peaks, peaks + count);
    this.#f32.fill(1, scales, scales + count);
    plan.series.forEach((series, lane) => {
      const at = record.at[lane] ?? Number.NaN;
      const truth = eventTruth(record.cut, series, plan.streams[lane], { lane, at });
      if (truth === undefined) return;
      for (let column = 0; column < NEED_COLUMNS; column++) {
        const resource = Math.floor(column / PHASE_COUNT);
        this.#f32[peaks + column * TILE_LANES + lane] = truth[column] ?? Number.NaN;
        this.#f32[scales + column * TILE_LANES + lane] =
          record.scale[lane * RESOURCE_COUNT + resource] ?? 1;
      }
    });
    const out = target + record.event * TARGET_BYTES;
    this.#kernel.asinhRatio(values, values + TARGET_BYTES, out, count);
  }
}

/** Peaks after a cut or a restart of one lane; undefined when it was not up or is not meant. */
export function eventTruth(
  cut: Cut,
  series: Series,
  stream: Series | undefined,
  { lane, at }: { readonly lane: number; readonly at: number },
): Float64Array | undefined {
  const real = cut.restart !== undefined;
  if (real && cut.restart?.lane !== lane) return undefined;
  if (!real && (stream === undefined || !isRunning(stream, cut.at))) return undefined;
  return phasePeaks(series, at, cut.outages[lane] ?? 0, real);
}
