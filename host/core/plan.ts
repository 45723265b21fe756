/**
 * Where everything of the profiler lies in the core's memory.
 *
 * Goals: one owner for every byte; no two workers on one cache line; a size known before the memory
 * is made. Non-goals: growing, freeing, knowing what a kernel does with a region.
 *
 *   state     tile[tileCount]             docs/abi.md; written by the worker that holds the tile
 *   epochs    u32[tileCount]              rises when a tile's new answers are published
 *   inbox     inbox tile[inboxTiles]      samples of a slice, one tile a round; written by the host
 *   work      i32[journalTiles][4]        what a slice has to do, see WORK_*
 *   control   i32[16], i32[16] a slice    see CONTROL_*
 *   journal   state part[journalTiles]    each tile as it was before the tick touched it
 *   offsets   f32[48]                     calibration of the envelope, asinh space
 *   scratch   one block a thread, and a last one for the thread that reads
 *
 * Inbox, work and journal are there once a slice: `sliceCount` times, one after the other.
 */
import { invariant } from "../lib/assert.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import {
  ENVELOPE_ROWS,
  INBOX_TILE_BYTES,
  INPUT_ROWS,
  KEEP_ROWS,
  LANE_ROW_BYTES,
  SUMMARY_ROWS,
  TILE_HIDDEN,
  TILE_LANES,
} from "./abi.js";
import type { ArenaPlan, Region } from "./arena.js";

/** Fields of one work item, i32 each. */
export const WORK_TILE = 0;
export const WORK_INBOX_FIRST = 1;
export const WORK_ROUNDS = 2;
export const WORK_PHASE = 3;
export const WORK_FIELDS = 4;

/** Values of WORK_PHASE. */
export const PHASE_WAITING = 0;
/** The tile's state is in the journal; the tile itself may be half written. */
export const PHASE_JOURNALED = 1;
export const PHASE_DONE = 2;

/** Words of the first block of the control region: how far the host is with its tick. */
/** Rises with every change of the others; workers that wait for more to do wait on it. */
export const CONTROL_SIGNAL = 0;
/** Slices placed so far in this tick. */
export const CONTROL_OPENED = 1;
/** 1 = no more slices come. */
export const CONTROL_ENDED = 2;
/** 1 = a worker was lost: take nothing more and end. */
export const CONTROL_STOPPED = 3;
/** Words of a slice's own block, the first after the block above. */
/** Items that nobody took yet; 0 and below: none. */
export const CONTROL_LEFT = 0;
/** Items that are not done yet. */
export const CONTROL_UNDONE = 1;
/** 1 = every item is done; the host waits on it. */
export const CONTROL_READY = 2;
export const CONTROL_BYTES = 64;
/** While workers compute some slices, the host publishes the one before and places the next. */
const SLICES = 4;

export const JOURNAL_TILES_MAX = 16_384;
/** A tick over more tiles than this is published in slices. */
const JOURNAL_TILES_DEFAULT = 32;

export interface ProfilerPlanSizes {
  readonly maxInstances: number;
  /** 0 without a network. */
  readonly hiddenSize: number;
  readonly workers: number;
  /** Bytes the head asks for, 0 without a network. */
  readonly headScratchBytes: number;
  /** Tiles one slice of a tick holds at most. */
  readonly journalTiles?: number;
}

/** Offsets inside one scratch block. */
export interface ScratchPlan {
  readonly inputs: number;
  readonly mask: number;
  readonly features: number;
  readonly quantiles: number;
  readonly envelope: number;
  readonly hidden: number;
  readonly answerEnvelope: number;
  readonly answerKeep: number;
  readonly state: number;
  /** Of the head, and before it of the step: whichever needs more. */
  readonly head: number;
  readonly bytes: number;
}

/** Plain numbers only: it is cloned into every worker. */
export interface ProfilerPlan {
  readonly tileCount: number;
  readonly hiddenSize: number;
  readonly tileBytes: number;
  /** Tiles of one slice of a tick. */
  readonly journalTiles: number;
  /** Inbox tiles of one slice. */
  readonly inboxTiles: number;
  /** Slices that may be under way at one time. */
  readonly sliceCount: number;
  readonly state: Region;
  readonly epochs: Region;
  readonly inbox: Region;
  readonly work: Region;
  readonly control: Region;
  readonly journal: Region;
  readonly offsets: Region;
  readonly scratch: readonly Region[];
  readonly scratchPlan: ScratchPlan;
}

/** Offset of the hidden state in a tile; `parity` chooses the buffer. */
export function hiddenOffset(plan: ProfilerPlan, parity: number): number {
  return TILE_HIDDEN + parity * plan.hiddenSize * LANE_ROW_BYTES;
}

export function envelopeOffset(plan: ProfilerPlan, parity: number): number {
  return hiddenOffset(plan, 2) + parity * ENVELOPE_ROWS * LANE_ROW_BYTES;
}

export function keepOffset(plan: ProfilerPlan, parity: number): number {
  return envelopeOffset(plan, 2) + parity * KEEP_ROWS * LANE_ROW_BYTES;
}

export function tileBytes(hiddenSize: number): number {
  return TILE_HIDDEN + 2 * (hiddenSize + ENVELOPE_ROWS + KEEP_ROWS) * LANE_ROW_BYTES;
}

/** @throws ERR_LIMIT when a size is outside the limits */
export function planProfiler(arena: ArenaPlan, sizes: ProfilerPlanSizes): ProfilerPlan {
  checkSize("maxInstances", sizes.maxInstances, 1, LIMITS.instancesMax);
  checkSize("workers", sizes.workers, 0, LIMITS.workersMax);
  checkSize("hiddenSize", sizes.hiddenSize, 0, LIMITS.hiddenSizeMax);
  const tileCount = Math.ceil(sizes.maxInstances / TILE_LANES);
  const journalTiles = Math.min(tileCount, sizes.journalTiles ?? JOURNAL_TILES_DEFAULT);
  checkSize("journalTiles", journalTiles, 1, JOURNAL_TILES_MAX);
  // One instance's whole queue fits, so that no instance is ever split over two slices.
  const inboxTiles = Math.max(journalTiles, LIMITS.pendingSamplesPerInstanceMax);
  const bytes = tileBytes(sizes.hiddenSize);
  const sliceCount = sizes.workers > 0 && tileCount > journalTiles ? SLICES : 1;
  const scratchPlan = planScratch(sizes);
  const plan: ProfilerPlan = {
    tileCount,
    hiddenSize: sizes.hiddenSize,
    tileBytes: bytes,
    journalTiles,
    inboxTiles,
    sliceCount,
    state: arena.region("state", tileCount * bytes),
    epochs: arena.region("epochs", tileCount * 4),
    inbox: arena.region("inbox", sliceCount * inboxTiles * INBOX_TILE_BYTES),
    work: arena.region("work", sliceCount * journalTiles * WORK_FIELDS * 4),
    control: arena.region("control", (1 + sliceCount) * CONTROL_BYTES),
    journal: arena.region("journal", sliceCount * journalTiles * TILE_HIDDEN),
    offsets: arena.region("offsets", ENVELOPE_ROWS * 4),
    scratch: Array.from({ length: Math.max(1, sizes.workers) + 1 }, (_, index) =>
      arena.region(`scratch ${index}`, scratchPlan.bytes),
    ),
    scratchPlan,
  };
  assertDisjoint(arena.regions);
  Object.freeze(plan.scratch);
  return Object.freeze(plan);
}

/** Fails when two regions share a byte. */
export function assertDisjoint(regions: readonly Region[]): void {
  const sorted = [...regions].sort((a, b) => a.ptr - b.ptr || a.bytes - b.bytes);
  let end = 0;
  for (const region of sorted) {
    invariant(region.ptr >= end, `region ${region.name} overlaps the one before it`);
    end = region.ptr + region.bytes;
  }
}

function planScratch(sizes: ProfilerPlanSizes): ScratchPlan {
  const rows = LANE_ROW_BYTES;
  const inputs = 0;
  const mask = inputs + INPUT_ROWS * rows;
  // Two tiles of features and quantiles: the restart envelope and the keep-need.
  const features = mask + 2 * rows;
  const quantiles = features + 2 * SUMMARY_ROWS * rows;
  const envelope = quantiles + 2 * ENVELOPE_ROWS * rows;
  const hidden = envelope + 2 * ENVELOPE_ROWS * rows;
  const answerEnvelope = hidden + 2 * sizes.hiddenSize * rows;
  const answerKeep = answerEnvelope + ENVELOPE_ROWS * rows;
  const state = answerKeep + KEEP_ROWS * rows;
  const head = state + TILE_HIDDEN;
  return Object.freeze({
    inputs,
    mask,
    features,
    quantiles,
    envelope,
    hidden,
    answerEnvelope,
    answerKeep,
    state,
    head,
    bytes: head + Math.ceil(Math.max(sizes.headScratchBytes, sizes.hiddenSize * rows) / 64) * 64,
  });
}

function checkSize(name: string, got: number, min: number, max: number): void {
  if (Number.isSafeInteger(got) && got >= min && got <= max) return;
  throw new RepriseError("ERR_LIMIT", `${name} is outside its limits`, {
    field: name,
    got,
    expected: `a whole number from ${min} to ${max}`,
  });
}
