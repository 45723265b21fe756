import { envelopeRow, PHASE_COUNT, QUANTILES, RESOURCE_COUNT } from "../core/abi.js";
import type { ScoredCut } from "./shadow-cuts.js";
import { distance } from "./shift.js";

const LEVEL_INDEX = 2;
const LEVEL = QUANTILES[LEVEL_INDEX];
/** Cuts that the comparison with rung 2 looks back. */
export const WINDOW = 200;
const DEMOTE_RATIO = 1.05;
/** Page-Hinkley: drift that is tolerated, and the threshold of the alarm. */
const TOLERATED = 0.005;
const ALARM_ABOVE = 25;
const BOOST = 4;
const BOOST_CUTS = 50;

/** Sums of misses above and below the stated share, less what is tolerated, since their lowest. */
interface PageHinkley {
  up: number;
  down: number;
}

/**
 * Watches the network on shadow cuts. Two signs: Page-Hinkley on the misses of its .95, one a
 * resource, whose alarm makes the shared offsets move four times as fast for 50 cuts; and the
 * pinball loss at .95 beside that of rung 2 over the last 200 cuts, which demotes the network when
 * it is more than 5 % worse and promotes it again when it is no worse.
 */
export class DriftWatch {
  readonly #tests: PageHinkley[] = Array.from({ length: RESOURCE_COUNT }, fresh);
  readonly #network = new Float64Array(WINDOW);
  readonly #statistics = new Float64Array(WINDOW);
  #count = 0;
  #alarmCount = 0;
  #boostLeft = 0;
  #isDemoted = false;

  /** Rung 2 answers in the network's place. */
  get isDemoted(): boolean {
    return this.#isDemoted;
  }

  get alarmCount(): number {
    return this.#alarmCount;
  }

  /** Factor on the step of the shared offsets for the cut at hand. */
  get boost(): number {
    return this.#boostLeft > 0 ? BOOST : 1;
  }

  observe(cut: ScoredCut): void {
    if (this.#boostLeft > 0) this.#boostLeft--;
    let network = 0;
    let statistics = 0;
    let seen = 0;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const scale = cut.scale[resource] ?? Number.NaN;
      let misses = 0;
      let phases = 0;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const peak = cut.peaks[resource * PHASE_COUNT + phase] ?? Number.NaN;
        const row = envelopeRow(resource, phase, LEVEL_INDEX);
        const ours = pinball(distance(peak, cut.predicted[row] ?? Number.NaN, scale));
        const theirs = pinball(distance(peak, cut.statistics[row] ?? Number.NaN, scale));
        if (Number.isNaN(ours + theirs)) continue;
        network += ours;
        statistics += theirs;
        misses += peak > (cut.predicted[row] ?? 0) ? 1 : 0;
        phases++;
      }
      if (phases > 0) this.#test(resource, misses / phases);
      seen += phases;
    }
    if (seen > 0) this.#compare(network / seen, statistics / seen);
  }

  #test(resource: number, misses: number): void {
    const test = this.#tests[resource];
    if (test === undefined) return;
    test.up = Math.max(0, test.up + misses - (1 - LEVEL) - TOLERATED);
    test.down = Math.max(0, test.down + (1 - LEVEL) - misses - TOLERATED);
    if (test.up <= ALARM_ABOVE && test.down <= ALARM_ABOVE) return;
    this.#tests[resource] = fresh();
    this.#alarmCount++;
    this.#boostLeft = BOOST_CUTS;
  }

  #compare(network: number, statistics: number): void {
    const at = this.#count++ % WINDOW;
    this.#network[at] = network;
    this.#statistics[at] = statistics;
    if (this.#count < WINDOW) return;
    const ours = sum(this.#network);
    const theirs = sum(this.#statistics);
    if (ours > DEMOTE_RATIO * theirs) this.#isDemoted = true;
    else if (ours <= theirs) this.#isDemoted = false;
  }
}

function fresh(): PageHinkley {
  return { up: 0, down: 0 };
}

function pinball(error: number): number {
  return Math.max(LEVEL * error, (LEVEL - 1) * error);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
