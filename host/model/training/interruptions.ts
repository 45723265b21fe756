import { RESOURCE_COUNT } from "../../core/abi.js";
import { Prng } from "../../lib/prng.js";
import { type Calendar, TRACE_CALENDAR } from "./cuts.js";
import { type CapChange, EXTRAS, type Series } from "./series.js";

/** What the kernels are fed of an instance: its series with outages put in. */
export interface Stream extends Series {
  /** When each outage began, seconds since 1970, rising. */
  readonly interruptions: readonly number[];
}

/** Half of the trained instances are interrupted, once in two days on average. */
const INTERRUPTED_ONE_IN = 2;
const DAYS_BETWEEN = 2;
const FIRST_DAY = 1;
const OUTAGE_MINUTES = [5, 5, 10, 10, 15, 30, 60, 120, 240] as const;
const DAY_SECONDS = 86_400;

/** The series as it is. */
export function uninterrupted(series: Series): Stream {
  return { ...series, interruptions: [] };
}

/**
 * Puts interruptions into the training days of a series, or none, by seed: samples inside an outage
 * are left out and the next one opens an incarnation. Traces hold few restarts; without these a net
 * would meet short incarnations and outages for the first time in production. Usage after the
 * outage stays what the trace has: this teaches what a restart does to the inputs, not to the need.
 */
export function interrupted(
  series: Series,
  seed: number,
  calendar: Calendar = TRACE_CALENDAR,
): Stream {
  const prng = new Prng(seed);
  const until = calendar.days.train[1];
  const draws = prng.below(INTERRUPTED_ONE_IN) === 0 ? (until - FIRST_DAY) / DAYS_BETWEEN : 0;
  const outages = Array.from({ length: Math.floor(draws) }, () => {
    const day = FIRST_DAY + prng.uniform() * (until - FIRST_DAY);
    const from = calendar.startSeconds + Math.floor(day * DAY_SECONDS);
    const minutes = OUTAGE_MINUTES[prng.below(OUTAGE_MINUTES.length)] ?? 5;
    return { from, until: from + minutes * 60 };
  }).sort((a, b) => a.from - b.from);
  return withOutages(series, outages);
}

function withOutages(
  series: Series,
  outages: readonly { readonly from: number; readonly until: number }[],
): Stream {
  const kept: number[] = [];
  const launched = new Set<number>();
  const interruptions: number[] = [];
  let next = 0;
  let down = -Infinity;
  let pending = false;
  series.times.forEach((time, sample) => {
    for (let outage = outages[next]; outage && outage.from < time; outage = outages[++next]) {
      // An instance that is down already cannot be interrupted.
      if (sample === 0 || outage.from < down) continue;
      interruptions.push(outage.from);
      down = outage.until;
      pending = true;
    }
    if (time <= down) return;
    if (pending) launched.add(kept.length);
    pending = false;
    kept.push(sample);
  });
  return {
    name: series.name,
    times: Float64Array.from(kept, (sample) => series.times[sample] ?? 0),
    values: pickRows(series.values, kept, RESOURCE_COUNT),
    ...(series.extras === undefined ? {} : { extras: pickRows(series.extras, kept, EXTRAS) }),
    ...(series.jobType === undefined ? {} : { jobType: series.jobType }),
    launches: Uint8Array.from(kept, (sample, index) =>
      launched.has(index) ? 1 : (series.launches[sample] ?? 0),
    ),
    caps: movedCaps(series.caps, kept),
    interruptions,
  };
}

function pickRows(values: Float32Array, kept: readonly number[], width: number): Float32Array {
  const rows = new Float32Array(kept.length * width);
  kept.forEach((sample, index) => {
    const from = sample * width;
    rows.set(values.subarray(from, from + width), index * width);
  });
  return rows;
}

/** A change that fell into an outage takes effect at the first sample after it. */
function movedCaps(caps: readonly CapChange[], kept: readonly number[]): CapChange[] {
  let index = 0;
  return caps.flatMap(({ sample, values }) => {
    while (index < kept.length && (kept[index] ?? 0) < sample) index += 1;
    return index < kept.length ? [{ sample: index, values }] : [];
  });
}
