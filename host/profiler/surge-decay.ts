import { PHASE_COUNT, PHASE_END_MINUTES, QUANTILE_COUNT } from "../core/abi.js";
import { exponential, logarithm } from "../lib/elementary.js";

/** What falls is highest where a phase begins, so a phase's peak is that of its first minute. */
const PHASE_START_MINUTES: readonly number[] = [0, ...PHASE_END_MINUTES.slice(0, -1)];
/** Taken where nothing was measured. */
export const DECAY_MINUTES_DEFAULT = 10;
const DECAY_MINUTES_MIN = 2.5;
const STEPS_PER_OCTAVE = 4;
const OCTAVES = 6;

/** Decays that are tried: quarter octaves from 2.5 to 160 minutes, each with its shares. */
const TRIED = Array.from({ length: OCTAVES * STEPS_PER_OCTAVE + 1 }, (_, step) => {
  const octaves = step / STEPS_PER_OCTAVE;
  const minutes = DECAY_MINUTES_MIN * exponential(octaves * Math.LN2);
  return { minutes, shares: phaseShares(minutes) };
});

/** What is left of a surge in each phase: exp(-t / T) at 0, 10 and 30 minutes. */
export function phaseShares(decayMinutes: number): readonly number[] {
  return PHASE_START_MINUTES.map((start) => smallPower(start / decayMinutes));
}

/** e^-x; what is below e^-16 is nothing. */
function smallPower(x: number): number {
  return x > 16 ? 0 : exponential(-x);
}

/**
 * The decay that fits best, in the sense of squares over all levels and later phases.
 *
 * @param excess phase x quantile in asinh space; NaN where a phase was never seen
 * @returns minutes; undefined when the first phase shows no excess, or no later phase was seen
 */
export function fitDecay(excess: ArrayLike<number>): number | undefined {
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const { minutes, shares } of TRIED) {
    const error = misfit(excess, shares);
    if (error === undefined) return undefined;
    if (error >= least) continue;
    best = minutes;
    least = error;
  }
  return best;
}

/** A later phase that needs less than was stated shows that the surge is over: 0, no more. */
function misfit(excess: ArrayLike<number>, shares: readonly number[]): number | undefined {
  let sum: number | undefined;
  for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
    const first = excess[quantile] ?? Number.NaN;
    if (!(first > 0)) continue;
    for (let phase = 1; phase < PHASE_COUNT; phase++) {
      const later = excess[phase * QUANTILE_COUNT + quantile] ?? Number.NaN;
      if (Number.isNaN(later)) continue;
      const error = Math.max(0, later) - first * (shares[phase] ?? 0);
      sum = (sum ?? 0) + error * error;
    }
  }
  return sum;
}

/** Between two decays, in octaves: `weight` 1 gives the first. */
export function mixDecays(own: number, prior: number, weight: number): number {
  return exponential(weight * logarithm(own) + (1 - weight) * logarithm(prior));
}

/** Minutes after which a surge of this size is below `small`; 0 when it is now. */
export function settledMinutes(size: number, small: number, decayMinutes: number): number {
  return size > small ? decayMinutes * logarithm(size / small) : 0;
}
