import type { IncarnationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import type { InstanceRegistration, StopCause } from "../sources/sample.js";

/** Outage assumed when neither a request nor the registration names one. */
export const OUTAGE_MINUTES_DEFAULT = 10;

const DAY_MS = 24 * 3_600_000;
/** Interruptions kept of one instance; older ones no longer weigh on any decision. */
const INTERRUPTIONS_MAX = 64;

/** What the host knows of one instance beside its numbers: identity and incarnations. */
export interface Life {
  registration: InstanceRegistration;
  /** Lives so far, 0 before the first sample or restart. */
  incarnation: number;
  launchedMs: number;
  interruptionsMs: number[];
  /** When it stopped; undefined while it runs. */
  stoppedMs: number | undefined;
  /** Samples up to here are over; the next one has to be later. */
  lastMs: number;
  /** The next sample is the first of its incarnation. */
  first: boolean;
}

/** A life that begins, or goes on where the record of a former process ends. */
export function newLife(registration: InstanceRegistration, record?: IncarnationRecord): Life {
  return {
    registration,
    incarnation: record?.incarnation ?? 0,
    launchedMs: record?.launchedMs ?? 0,
    interruptionsMs: [...(record?.interruptionsMs ?? [])],
    stoppedMs: record?.downSinceMs,
    lastMs: 0,
    first: true,
  };
}

/** @throws ERR_STATE when it is stopped already, ERR_ARGUMENT when time runs backwards */
export function stopLife(life: Life, timeMs: number, cause: StopCause): void {
  checkTime(life, timeMs);
  if (life.stoppedMs !== undefined) {
    throw new RepriseError("ERR_STATE", "the instance is stopped already", {
      field: "instanceId",
      got: life.registration.instanceId,
      expected: "a running instance",
    });
  }
  life.stoppedMs = timeMs;
  if (cause !== "interrupted") return;
  life.interruptionsMs.push(timeMs);
  if (life.interruptionsMs.length > INTERRUPTIONS_MAX) life.interruptionsMs.shift();
}

/**
 * Starts the next incarnation. The stop need not have been seen: an instance may come back before
 * its source noticed that it was gone. History is kept.
 *
 * @throws ERR_ARGUMENT when time runs backwards
 */
export function restartLife(life: Life, timeMs: number): void {
  checkTime(life, timeMs);
  beginLife(life, timeMs);
  life.first = true;
}

export function beginLife(life: Life, launchedMs: number): void {
  life.incarnation++;
  life.launchedMs = launchedMs;
  life.stoppedMs = undefined;
}

/** Interruptions in the 24 hours up to a time. */
export function interruptionsBefore(life: Life, timeMs: number): number {
  let count = 0;
  for (const at of life.interruptionsMs) if (at <= timeMs && at > timeMs - DAY_MS) count++;
  return count;
}

export function incarnationRecord(life: Life): IncarnationRecord {
  const { stoppedMs, interruptionsMs } = life;
  const isInterrupted = stoppedMs !== undefined && interruptionsMs.at(-1) === stoppedMs;
  return {
    instanceId: life.registration.instanceId,
    incarnation: life.incarnation,
    launchedMs: life.launchedMs,
    interruptionsMs: [...interruptionsMs],
    ...(isInterrupted ? { downSinceMs: stoppedMs } : {}),
  };
}

/** Whether it may end or come back then. @throws ERR_ARGUMENT when time runs backwards */
export function checkTime(life: Life, timeMs: number): void {
  const latest = Math.max(life.lastMs, life.launchedMs, life.stoppedMs ?? 0);
  if (Number.isFinite(timeMs) && timeMs > 0 && timeMs >= latest) return;
  throw new RepriseError("ERR_ARGUMENT", "time of a stop or restart runs backwards", {
    field: "timeMs",
    got: timeMs,
    expected: `at least ${latest}`,
  });
}
