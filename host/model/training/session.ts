import { LANE_ROW_BYTES, TILE_LANES } from "../../core/abi.js";
import { ArenaPlan } from "../../core/arena.js";
import { compileBinary } from "../../core/binary.js";
import { type Kernel, openKernel } from "../../core/kernel.js";
import { RepriseError } from "../../lib/errors.js";
import { Prng } from "../../lib/prng.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import { type Calendar, drawCuts, TRACE_CALENDAR } from "./cuts.js";
import { type EventRecord, SILENT, SILENT_ALWAYS, TileBuilder, type TilePlan } from "./dataset.js";
import { interrupted, uninterrupted } from "./interruptions.js";
import { planTraining, type TrainingLayout } from "./layout.js";
import type { NetShape, SilentColumns } from "./parameters.js";
import { restartCuts } from "./restart-cuts.js";
import { planRounds } from "./rounds.js";
import type { Series } from "./series.js";

/** The core with a whole data set in its memory. */
export interface TrainingSession {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly kernel: Kernel;
  readonly layout: TrainingLayout;
  readonly tiles: readonly TilePlan[];
  /** In the order of their event numbers. */
  readonly records: readonly EventRecord[];
  /** Tiles [0, trained) hold instances that are trained on, [trained, known) those that only
   * validate, the rest are never looked at before the end. */
  readonly groups: TileGroups;
  readonly calendar: Calendar;
}

export interface SessionOptions {
  readonly shape: NetShape;
  readonly seed: number;
  /** Training cuts an instance. */
  readonly cutsPerInstance: number;
  /** Validation and test cuts an instance, each. */
  readonly scoredCuts: number;
  readonly stepCount: number;
  readonly batchTiles: number;
  readonly workers: number;
  /** Rows that are blanked; those that no trace has when absent. */
  readonly silent?: SilentColumns;
  /** When cuts lie; that of the Bitbrains trace when absent. */
  readonly calendar?: Calendar;
  /**
   * Nothing is trained: every seen instance has validation and test cuts and is not interrupted on
   * purpose, and recognised restarts by instance are events of their own.
   */
  readonly evaluate?: ReadonlyMap<string, readonly RecognisedRestart[]>;
}

export interface TileGroups {
  readonly trained: number;
  readonly known: number;
}

/** Steps of the window that gradients flow through: 3 h of 5-minute samples. */
export const WINDOW_STEPS = 36;
/** 512 events a batch. */
export const BATCH_TILES = 64;

/** One instance in eight is kept from training to tell when the net learns instances by heart. */
const VALIDATION_ONE_IN = 8;
/** As many times the scored cuts each of them has. */
const VALIDATION_CUTS = 5;

export interface SessionData {
  readonly seen: readonly Series[];
  readonly unseen: readonly Series[];
}

/**
 * Lays the series out in tiles, draws their cuts and streams them through the kernels.
 *
 * @throws ERR_ARGUMENT when there is nothing to train on
 */
export function openSession(
  data: SessionData,
  options: SessionOptions,
  onTile: (done: number, total: number) => void = () => undefined,
): TrainingSession {
  if (data.seen.length === 0 && options.cutsPerInstance > 0) {
    throw new RepriseError("ERR_ARGUMENT", "there is no series to train on", {
      got: 0,
      expected: "at least one",
    });
  }
  const prng = new Prng(options.seed);
  const known = shuffled(data.seen, prng);
  const kept = options.evaluate === undefined ? Math.floor(known.length / VALIDATION_ONE_IN) : 0;
  const trainedTiles = inTiles(known.slice(kept));
  const knownTiles = [...trainedTiles, ...inTiles(known.slice(0, kept))];
  const groups = { trained: trainedTiles.length, known: knownTiles.length };
  const all = [...knownTiles, ...inTiles(shuffled(data.unseen, prng))];
  const tiles = planTiles(all, groups, options);
  const last = tiles.at(-1);
  const module = compileBinary("shared");
  const sizing = openKernel(module, new ArenaPlan(0).createMemory(true));
  const plan = new ArenaPlan(sizing.arenaBase());
  const layout = planTraining(plan, sizing, {
    shape: options.shape,
    stepCount: options.stepCount,
    roundCount: (last?.firstRound ?? 0) + (last?.rounds.lanes.length ?? 0) + options.stepCount,
    eventCount: (last?.firstEvent ?? 0) + (last?.cuts.length ?? 0),
    tileCount: tiles.length,
    batchTiles: options.batchTiles,
    workers: options.workers,
  });
  const memory = plan.createMemory(true);
  const kernel = openKernel(module, memory);
  const silent = options.silent ?? (options.evaluate === undefined ? SILENT : SILENT_ALWAYS);
  const builder = new TileBuilder({ kernel, memory }, layout, silent);
  const records: EventRecord[] = [];
  tiles.forEach((tile, index) => {
    records.push(...builder.build(tile, index));
    onTile(index + 1, tiles.length);
  });
  const { calendar = TRACE_CALENDAR } = options;
  return { module, memory, kernel, layout, tiles, records, groups, calendar };
}

/** The same order for the same names and seed. */
function shuffled(series: readonly Series[], prng: Prng): Series[] {
  return prng.shuffle([...series].sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function inTiles(series: readonly Series[]): Series[][] {
  const tiles: Series[][] = [];
  for (let from = 0; from < series.length; from += TILE_LANES) {
    tiles.push(series.slice(from, from + TILE_LANES));
  }
  return tiles;
}

function planTiles(
  all: readonly (readonly Series[])[],
  groups: TileGroups,
  options: SessionOptions,
): TilePlan[] {
  let firstRound = 0;
  let firstEvent = 0;
  const { calendar = TRACE_CALENDAR } = options;
  return all.map((series, index) => {
    const trained = index < groups.trained;
    const known = index < groups.known;
    const drawn = drawCuts(
      {
        calendar,
        seed: options.seed,
        train: trained ? options.cutsPerInstance : 0,
        validate: trained ? options.scoredCuts : 0,
        validateAll: known && !trained ? VALIDATION_CUTS * options.scoredCuts : 0,
        test: options.scoredCuts,
      },
      index,
    );
    const cuts = [...drawn, ...restartCuts(series, options.evaluate)].sort((a, b) => a.at - b.at);
    const streams = series.map((one, lane) =>
      trained && options.evaluate === undefined
        ? interrupted(one, Math.imul(options.seed + 1, 0x85ebca6b) ^ (index * 8 + lane), calendar)
        : uninterrupted(one),
    );
    const rounds = planRounds(streams, cuts);
    const plan = { series, streams, cuts, rounds, firstRound, firstEvent };
    firstRound += plan.rounds.lanes.length + options.stepCount;
    firstEvent += cuts.length;
    return plan;
  });
}

/** Bytes of one state of a tile. */
export function stateBytes(layout: TrainingLayout): number {
  return layout.sizes.shape.hiddenSize * LANE_ROW_BYTES;
}
