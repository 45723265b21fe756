/**
 * Leases on absolute time. What a lease holds is a step function of time, one value a resource;
 * the sum over a node's leases is one too, and its peak over any window is found on its steps,
 * exactly.
 *
 * A held lease may be claimed at any time from its expected restart to its expiry, so its phase k
 * holds from the earliest to the latest moment that phase can be under way; where two phases may
 * be, the larger counts. The last phase has no end: a restarted instance goes on running. What
 * donors gave is held from the start, so that it can always be given back.
 */
import { NEED_COLUMNS, needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord, ShrinkRecord } from "../ledger/records.js";

const MINUTE_MS = 60_000;
export const PHASE_START_MS: readonly number[] = [0, 10 * MINUTE_MS, 30 * MINUTE_MS];
export const PHASE_END_MS: readonly number[] = [10 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS];
/** Length of the three phases together. */
export const PHASES_MS = 60 * MINUTE_MS;

/** [fromMs, toMs) */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** `amounts[4 * i + resource]` from `times[i]` until `times[i + 1]`; `times[0]` is -Infinity. */
export interface Steps {
  readonly times: readonly number[];
  readonly amounts: Float64Array;
}

type LeaseTimes = Pick<
  ReservationRecord,
  "state" | "expectedRestartMs" | "expiresMs" | "claimedMs"
>;

/** When each phase of the lease may be under way. */
export function leaseWindows(lease: LeaseTimes): readonly Window[] {
  const claimed = lease.state === "claimed";
  const start = claimed ? (lease.claimedMs ?? lease.expectedRestartMs) : lease.expectedRestartMs;
  const grace = claimed ? 0 : lease.expiresMs - lease.expectedRestartMs;
  return PHASE_START_MS.map((offset, phase) => ({
    fromMs: start + offset,
    toMs: phase === PHASE_COUNT - 1 ? Infinity : start + (PHASE_END_MS[phase] ?? 0) + grace,
  }));
}

/**
 * The three bands that pools and fit look at: 0-10, 10-30 and 30-60 minutes from now. The last one
 * goes on: what is placed now stays, so room that a later lease holds is not there for it.
 */
export function bandWindows(nowMs: number): readonly Window[] {
  return PHASE_START_MS.map((offset, band) => ({
    fromMs: nowMs + offset,
    toMs: band === PHASE_COUNT - 1 ? Infinity : nowMs + (PHASE_END_MS[band] ?? 0),
  }));
}

/** What a lease holds is made of these. */
export interface LeaseContent extends LeaseTimes {
  readonly amounts: readonly number[];
  readonly shrinks: readonly Pick<ShrinkRecord, "given">[];
  readonly freedForOwner?: readonly number[];
}

/** What the lease's donors gave together, one value a resource. */
export function givenTotal(lease: Pick<LeaseContent, "shrinks">): number[] {
  const total = new Array<number>(RESOURCE_COUNT).fill(0);
  for (const { given } of lease.shrinks) {
    for (let r = 0; r < RESOURCE_COUNT; r++) total[r] = (total[r] ?? 0) + (given[r] ?? 0);
  }
  return total;
}

/**
 * What the lease holds. `base` is what its instance holds already on the same node: of that, the
 * part that was promised to the lease (`freedForOwner`) is not held twice. What donors gave always
 * is, for it may go back to them before the instance ever stops.
 */
export function leaseSteps(lease: LeaseContent, base?: readonly number[]): Steps {
  const windows = leaseWindows(lease);
  const given = givenTotal(lease);
  const promised = lease.state === "held" ? lease.freedForOwner : undefined;
  const times = [...new Set([-Infinity, ...windows.flatMap((w) => [w.fromMs, w.toMs])])]
    .filter((time) => time < Infinity)
    .sort((a, b) => a - b);
  const amounts = new Float64Array(times.length * RESOURCE_COUNT);
  times.forEach((time, index) => {
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      let phases = 0;
      windows.forEach((window, phase) => {
        if (time < window.fromMs || time >= window.toMs) return;
        phases = Math.max(phases, lease.amounts[needColumn(r, phase)] ?? 0);
      });
      const shared = Math.min(base?.[r] ?? 0, promised?.[r] ?? 0, phases);
      amounts[index * RESOURCE_COUNT + r] = Math.max(given[r] ?? 0, phases - shared);
    }
  });
  return { times, amounts };
}

export const NO_STEPS: Steps = {
  times: [-Infinity],
  amounts: new Float64Array(RESOURCE_COUNT),
};

/** Exact, because amounts are multiples of 2^-10. */
export function sumSteps(parts: readonly Steps[]): Steps {
  const [first = NO_STEPS] = parts;
  if (parts.length <= 1) return first;
  const times = mergedTimes(parts);
  const amounts = new Float64Array(times.length * RESOURCE_COUNT);
  for (const part of parts) {
    let place = 0;
    part.times.forEach((time, step) => {
      place = firstFrom(times, time, place);
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        const before = step === 0 ? 0 : (part.amounts[(step - 1) * RESOURCE_COUNT + r] ?? 0);
        const at = place * RESOURCE_COUNT + r;
        amounts[at] = (amounts[at] ?? 0) + (part.amounts[step * RESOURCE_COUNT + r] ?? 0) - before;
      }
    });
  }
  for (let at = RESOURCE_COUNT; at < amounts.length; at++) {
    amounts[at] = (amounts[at] ?? 0) + (amounts[at - RESOURCE_COUNT] ?? 0);
  }
  return { times, amounts };
}

function mergedTimes(parts: readonly Steps[]): number[] {
  let count = 0;
  for (const { times } of parts) count += times.length;
  const all = new Float64Array(count);
  let at = 0;
  for (const { times } of parts) {
    all.set(times, at);
    at += times.length;
  }
  all.sort();
  return [...all.filter((time, index) => index === 0 || time !== all[index - 1])];
}

/** Index of the first time that is not before `time`, from `from` on. */
function firstFrom(times: readonly number[], time: number, from: number): number {
  let low = from;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the step that holds at `time`. */
export function stepAt(steps: Steps, time: number): number {
  let low = 0;
  let high = steps.times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((steps.times[middle] ?? 0) > time) high = middle - 1;
    else low = middle;
  }
  return low;
}

/** Highest amounts within the window, one value a resource. */
export function peakOver(steps: Steps, window: Window): number[] {
  const peak = new Array<number>(RESOURCE_COUNT).fill(0);
  for (let index = stepAt(steps, window.fromMs); index < steps.times.length; index++) {
    const time = steps.times[index] ?? 0;
    if (time >= window.toMs && time > window.fromMs) break;
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      peak[r] = Math.max(peak[r] ?? 0, steps.amounts[index * RESOURCE_COUNT + r] ?? 0);
    }
  }
  return peak;
}

/** Peaks within three windows, resource x phase. */
export function peaksOver(steps: Steps, windows: readonly Window[]): number[] {
  const peaks = new Array<number>(NEED_COLUMNS).fill(0);
  // Most nodes of a large cluster have no lease.
  if (steps === NO_STEPS) return peaks;
  windows.forEach((window, phase) => {
    peakOver(steps, window).forEach((value, r) => {
      peaks[needColumn(r, phase)] = value;
    });
  });
  return peaks;
}

/** Least value over a window in which two step functions change. */
export function leastOver(
  a: Steps,
  b: Steps,
  window: Window,
  value: (a: ArrayLike<number>, b: ArrayLike<number>) => number,
): number {
  const times = [...a.times, ...b.times].filter((t) => t > window.fromMs && t < window.toMs);
  return Math.min(...[window.fromMs, ...times].map((t) => value(amountsAt(a, t), amountsAt(b, t))));
}

/** One value a resource. */
export function amountsAt(steps: Steps, time: number): Float64Array {
  const at = stepAt(steps, time) * RESOURCE_COUNT;
  return steps.amounts.subarray(at, at + RESOURCE_COUNT);
}
