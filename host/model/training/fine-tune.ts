/**
 * Goes on from trained weights with somebody's own recordings.
 *
 * Goals: a held-back last part of the time decides whether the result is better than what it began
 * with; the part before chooses the epoch, so that the two are independent. Non-goals: other sizes
 * of net; resuming (it takes minutes).
 */
import { SUMMARY_ROWS } from "../../core/abi.js";
import { checkNetworkRows } from "../../core/network-rows.js";
import { RepriseError } from "../../lib/errors.js";
import type { NetworkWeights } from "../weights.js";
import { recordingCalendar } from "./cuts.js";
import { SILENT_ALWAYS } from "./dataset.js";
import { type NetShape, widened } from "./parameters.js";
import { parametersOf } from "./product.js";
import type { Series } from "./series.js";
import { BATCH_TILES, openSession, WINDOW_STEPS } from "./session.js";
import { type EpochReport, TRAINER_DEFAULTS, Trainer, type TrainerEvents } from "./trainer.js";

export const FINE_TUNE_DEFAULTS = {
  epochs: 6,
  /** Training events an instance. */
  events: 200,
  /** Validation and test events an instance, each. */
  scored: 60,
  /** A tenth of training's: the weights are near a minimum. */
  peakRate: TRAINER_DEFAULTS.peakRate / 10,
  /** Epochs without a better validation loss before it ends. */
  patience: 3,
} as const;

export interface FineTuneOptions {
  readonly epochs: number;
  readonly events: number;
  readonly scored: number;
  readonly peakRate: number;
  readonly seed: number;
  readonly workers: number;
}

export interface FineTuneResult {
  /** Wider than the weights it began with where those heard fewer summary rows. */
  readonly shape: NetShape;
  /** Weights of the best epoch; those it began with when none was better on the validation part. */
  readonly parameters: Float32Array;
  /** 0 = the weights it began with. */
  readonly bestEpoch: number;
  readonly reports: readonly EpochReport[];
  /** Mean quantile loss on the held-back last part, before and after. */
  readonly lossBefore: number;
  readonly lossAfter: number;
}

/** @throws ERR_SHAPE, ERR_ARGUMENT when the recordings are too short or too coarse */
export async function fineTune(
  weights: NetworkWeights,
  recordings: readonly Series[],
  options: FineTuneOptions,
  events: TrainerEvents = {},
): Promise<FineTuneResult> {
  checkNetworkRows(weights);
  const { inputSize, hiddenSize } = weights;
  const shape = { inputSize, hiddenSize, summarySize: SUMMARY_ROWS };
  const session = openSession(
    { seen: recordings, unseen: [] },
    {
      shape,
      seed: options.seed,
      cutsPerInstance: options.events,
      scoredCuts: options.scored,
      stepCount: WINDOW_STEPS,
      batchTiles: BATCH_TILES,
      workers: options.workers,
      calendar: calendarOf(recordings),
      silent: SILENT_ALWAYS,
    },
  );
  const initial = widened(parametersOf(weights), weights, shape);
  const { seed, epochs, peakRate } = options;
  const trainer = new Trainer(session, {
    ...TRAINER_DEFAULTS,
    patience: FINE_TUNE_DEFAULTS.patience,
    seed,
    epochs,
    peakRate,
    initial,
  });
  try {
    await trainer.adopt(initial);
    const lossBefore = await heldBackLoss(trainer);
    let bestEpoch = 0;
    const reports = await trainer.run({
      ...events,
      onState: (state) => {
        bestEpoch = state.best.epoch;
        events.onState?.(state);
      },
    });
    const lossAfter = await heldBackLoss(trainer);
    return { shape, parameters: trainer.weights, bestEpoch, reports, lossBefore, lossAfter };
  } finally {
    await trainer.close();
  }
}

function calendarOf(recordings: readonly Series[]) {
  let from = Number.POSITIVE_INFINITY;
  let until = 0;
  for (const { times } of recordings) {
    from = Math.min(from, times[0] ?? from);
    until = Math.max(until, times.at(-1) ?? until);
  }
  return recordingCalendar(from, until);
}

async function heldBackLoss(trainer: Trainer): Promise<number> {
  const loss = await trainer.testLoss();
  if (!Number.isNaN(loss)) return loss;
  throw new RepriseError("ERR_ARGUMENT", "no event of the held-back last part has a truth", {
    expected: "a longer recording, its samples at most 7.5 min apart",
  });
}
