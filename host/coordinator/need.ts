/** From a behaviour profile to what is reserved, and to the chance that it can be had. */
import {
  ENVELOPE_ROWS,
  envelopeRow,
  NEED_COLUMNS,
  needColumn,
  PHASE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";

const MEMORY = 1;
const QUANTILE_95 = 2;
const QUANTILE_99 = 3;
/** Amounts are multiples of 2^-10; needs are rounded up, so that sums stay exact. */
const STEPS = 1024;
const SURE = 2 ** -54;
export const PHASE_MINUTES = [10, 20, 30] as const;
/** Of all phases: what a restart lacks that has no place at all. */
export const RESTART_MINUTES = 60;
/** Room that no envelope exceeds. */
const AMPLE: readonly number[] = new Array<number>(NEED_COLUMNS).fill(Number.MAX_VALUE);

/** The reserved quantile of each column: .95, memory .99, because memory cannot be throttled. */
export function restartNeed(envelope: ArrayLike<number>): number[] {
  const need = new Array<number>(NEED_COLUMNS).fill(0);
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const quantile = resource === MEMORY ? QUANTILE_99 : QUANTILE_95;
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      const value = envelope[envelopeRow(resource, phase, quantile)] ?? 0;
      need[needColumn(resource, phase)] = Math.ceil(value * STEPS) / STEPS;
    }
  }
  return need;
}

export function isUsableEnvelope(envelope: ArrayLike<number>): boolean {
  if (envelope.length !== ENVELOPE_ROWS) return false;
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const value = envelope[row];
    if (value === undefined || !(value >= 0) || value === Number.POSITIVE_INFINITY) return false;
  }
  return true;
}

/**
 * Chance that the need stays within `room` (resource x phase): for each column the piecewise
 * linear distribution through the envelope's quantiles, starting at 0 for no need; the columns are
 * taken to rise and fall together, so the chance is that of the tightest one.
 */
export function chanceToFit(envelope: ArrayLike<number>, room: ArrayLike<number>): number {
  let chance = 1;
  for (let phase = 0; phase < PHASE_COUNT && chance > 0; phase++) {
    chance = Math.min(chance, chanceInPhase(envelope, phase, room));
  }
  return chance;
}

function chanceInPhase(
  envelope: ArrayLike<number>,
  phase: number,
  room: ArrayLike<number>,
): number {
  let chance = 1;
  for (let resource = 0; resource < RESOURCE_COUNT && chance > 0; resource++) {
    const available = room[needColumn(resource, phase)] ?? 0;
    chance = Math.min(chance, chanceWithin(envelope, envelopeRow(resource, phase, 0), available));
  }
  return chance;
}

function chanceWithin(envelope: ArrayLike<number>, row: number, available: number): number {
  if (available < 0) return 0;
  let below = 0;
  let belowLevel = 0;
  for (let quantile = 0; quantile < QUANTILES.length; quantile++) {
    const value = envelope[row + quantile] ?? 0;
    const level = QUANTILES[quantile] ?? 1;
    if (available < value) {
      const share = value > below ? (available - below) / (value - below) : 0;
      return belowLevel + share * (level - belowLevel);
    }
    below = value;
    belowLevel = level;
  }
  // Beyond the highest quantile nothing more is claimed, except that no need at all always fits.
  return below === 0 ? 1 : belowLevel;
}

/** The rooms of nodes, each worked out when it is asked for; resource x phase. */
export interface RoomList {
  readonly length: number;
  at(index: number): ArrayLike<number> | undefined;
}

export interface NodeLoss {
  readonly ratePerHour: number;
  readonly hours: number;
  /** Of each node, in the order of the rooms, by its hint; absent where there are none. */
  readonly chances?: ArrayLike<number>;
}

/**
 * Predicted availability: the chance that a restart need can be placed by its expected restart.
 *
 *   1 - product over the nodes n of (1 - alive_n x fits_n)
 *
 * where fits_n is `chanceToFit` in the room forecast for n, and alive_n = (1 - hint_n) / (1 + rate x
 * hours) the chance that n has not been lost until the end of the last phase. Nodes are taken to be
 * lost independently. Only the nodes' rooms that are not promised to anybody else go in.
 */
export function availability(envelope: ArrayLike<number>, rooms: RoomList, loss: NodeLoss): number {
  const alive = 1 / (1 + loss.ratePerHour * loss.hours);
  let nowhere = 1;
  for (let node = 0; node < rooms.length; node++) {
    const fits = chanceToFit(envelope, rooms.at(node) ?? []);
    nowhere *= 1 - alive * (1 - (loss.chances?.[node] ?? 0)) * fits;
    // Taken from 1 it is nothing, and further nodes only lessen it.
    if (nowhere < SURE) return 1;
  }
  return 1 - nowhere;
}

export interface Prospects {
  readonly availability: number;
  /**
   * Minutes of its first hour in which the restart is expected to need more than its place can give:
   * of each phase the share with which the need exceeds the room, on the node on which they are
   * fewest.
   */
  readonly shortMinutes: number;
}

/** Both in one pass over the rooms; `availability` has the same bits as alone. */
export function prospects(envelope: ArrayLike<number>, rooms: RoomList, loss: NodeLoss): Prospects {
  const alive = 1 / (1 + loss.ratePerHour * loss.hours);
  const chances = new Float64Array(PHASE_COUNT);
  const least = minutesBeyond(chancesInto(chances, envelope, AMPLE));
  let nowhere = 1;
  let fewest = RESTART_MINUTES;
  for (let node = 0; node < rooms.length; node++) {
    chancesInto(chances, envelope, rooms.at(node) ?? []);
    nowhere *= 1 - alive * (1 - (loss.chances?.[node] ?? 0)) * leastOf(chances);
    fewest = Math.min(fewest, minutesBeyond(chances));
    if (nowhere < SURE && fewest <= least) break;
  }
  return { availability: nowhere < SURE ? 1 : 1 - nowhere, shortMinutes: fewest };
}

/** Of each phase the chance that the need stays within the room. */
function chancesInto(
  chances: Float64Array,
  envelope: ArrayLike<number>,
  room: ArrayLike<number>,
): Float64Array {
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    chances[phase] = chanceInPhase(envelope, phase, room);
  }
  return chances;
}

function leastOf(chances: Float64Array): number {
  let least = 1;
  for (let phase = 0; phase < PHASE_COUNT; phase++) least = Math.min(least, chances[phase] ?? 0);
  return least;
}

function minutesBeyond(chances: Float64Array): number {
  let minutes = 0;
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    minutes += (PHASE_MINUTES[phase] ?? 0) * (1 - (chances[phase] ?? 0));
  }
  return minutes;
}
