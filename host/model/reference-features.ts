/**
 * The head's summary features and rung 2's statistics in float64, from `ReferenceSummary`: what the
 * core's `features` and `statistics` are compared with.
 */

import { SUMMARY_ROWS } from "../core/abi.js";
import { present } from "../lib/assert.js";
import {
  decodeSteps,
  type Moments,
  quarterOctaveEdge,
  type ReferenceResource,
  type ReferenceSummary,
  scaled,
} from "./reference-summary.js";

export interface ReferenceCut {
  /** Time of the answer; NaN = the last sample. */
  readonly atSeconds: number;
  readonly outageMinutes: number;
  /** cpu, memory, network, disk; NaN = none. */
  readonly caps: readonly number[];
  readonly interruptions: number;
  /** Codes of the job type; none when absent. */
  readonly jobType?: readonly number[];
}

/** The 112 features. */
export function referenceFeatures(summary: ReferenceSummary, cut: ReferenceCut): Float64Array {
  const rows = new Float64Array(SUMMARY_ROWS);
  if (summary.lastTime === 0) return rows;
  const { lastTime } = summary;
  const at = Number.isNaN(cut.atSeconds) ? lastTime : Math.max(cut.atSeconds, lastTime);
  const restart = at + cut.outageMinutes * 60;
  summary.resources.forEach((resource, index) => {
    const values = usage(resource, summary.lastTime, restart);
    values.forEach((value, feature) => {
      rows[feature * 4 + index] = resource.observed === 0 ? 0 : scaled(value, resource.scale);
    });
    rows[64 + index] = clamp(Math.log(resource.scale) / 4);
    rows[84 + index] = resource.missing ? 1 : 0;
    const cap = cut.caps[index] ?? Number.NaN;
    if (index > 1 || !(cap > 0 && cap < Number.POSITIVE_INFINITY)) return;
    rows[68 + index] = clamp(Math.log(cap) / 4);
    rows[70 + index] = scaled(cap, resource.scale);
    rows[72 + index] = 1;
  });
  writeTimes(rows, summary, { at, restart, interruptions: cut.interruptions });
  const { surge, level, spread } = summary.past;
  const codes = [...(cut.jobType ?? [0, 0, 0, 0]), ...surge, ...level, ...spread];
  codes.forEach((code, index) => {
    rows[96 + index] = (code * 3) / 64;
  });
  return rows;
}

function clamp(value: number): number {
  return Math.max(Math.min(value, 6), -6);
}

function writeTimes(
  rows: Float64Array,
  summary: ReferenceSummary,
  times: { at: number; restart: number; interruptions: number },
): void {
  const angle = (2 * Math.PI * (times.restart % 86_400)) / 86_400;
  rows[74] = Math.sin(angle);
  rows[75] = Math.cos(angle);
  rows[76] = Math.sin(2 * angle);
  rows[77] = Math.cos(2 * angle);
  const weekday = new Date(times.restart * 1000).getUTCDay();
  rows[78] = weekday === 0 || weekday === 6 ? 1 : 0;
  rows[79] = Math.min((times.restart - times.at) / 3600, 6);
  rows[80] = clamp(Math.log1p((times.at - summary.lastTime) / 60) / 4);
  rows[81] = clamp(Math.log1p(Math.max(times.at - summary.launchTime, 0) / 60) / 4);
  rows[82] = clamp(Math.log1p(summary.incarnations));
  rows[83] = clamp(Math.log1p(times.interruptions));
  const observed = Math.max(...summary.resources.map((resource) => resource.observed));
  rows[88] = clamp(Math.log1p(Math.min(observed, 2 ** 22) / 3600) / 4);
}

/** The 16 features of one resource, in its unit. */
function usage(resource: ReferenceResource, lastTime: number, restart: number): number[] {
  const codes = { recent: [...resource.recent.values()], week: [...resource.hours.values()] };
  const decode = (code: number, fallback: number) =>
    code === 0 ? fallback : decodeSteps(code, resource.index);
  const hour = decode(Math.max(0, ...codes.recent), resource.last);
  const lastHour = Math.floor(lastTime / 3600);
  const ofDay = [...resource.hours].filter(([slot]) => slot > lastHour - 24);
  const day = decode(Math.max(0, ...ofDay.map(([, code]) => code)), hour);
  const week = decode(Math.max(0, ...codes.week), day);
  const windows = [1, 2, 3, 4, 5, 6, 7].map((days) => clockWindow(resource, restart, days));
  const known = windows.filter((code) => code > 0).sort((a, b) => a - b);
  const median = known[(known.length - 1) >> 1] ?? 0;
  const quantile = (level: number) => Math.min(histogramQuantile(resource, level), week);
  return [
    resource.last,
    hour,
    day,
    week,
    quantile(0.5),
    quantile(0.9),
    quantile(0.95),
    quantile(0.99),
    spread(resource.twoHours, 5),
    spread(resource.ewma, 3),
    spread(resource.day, 3),
    decode(present(windows[0], "window"), day),
    decode(present(windows[1], "window"), day),
    decode(present(windows[6], "window"), day),
    decode(Math.max(...windows), day),
    decode(median, day),
  ];
}

function spread(moments: Moments, n: number): number {
  return moments.mean + n * Math.sqrt(moments.variance);
}

/** Highest code of the clock hours that overlap the restart's hour, `days` earlier. */
function clockWindow(resource: ReferenceResource, restart: number, days: number): number {
  const from = Math.floor(restart / 3600) - 24 * days;
  const to = Math.floor((restart + 3599) / 3600) - 24 * days;
  return Math.max(resource.hours.get(from) ?? 0, resource.hours.get(to) ?? 0);
}

function histogramQuantile(resource: ReferenceResource, level: number): number {
  const total = resource.histogram.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return 0;
  let below = 0;
  for (const [bucket, weight] of resource.histogram.entries()) {
    if (below + weight >= Math.fround(total * Math.fround(level))) {
      const q = resource.histogramBase + bucket;
      const low = bucket === 0 ? 0 : quarterOctaveEdge(q);
      const part = (total * level - below) / weight;
      return low + part * (quarterOctaveEdge(q + 1) - low);
    }
    below += weight;
  }
  return 0;
}

/** Rung 2's rows a resource: statistic, 2 h mean + 1 sigma, largest of the week; NaN if unseen. */
export function referenceStatistics(summary: ReferenceSummary): number[][] {
  return summary.resources.map((resource) => {
    if (resource.observed === 0) return [Number.NaN, Number.NaN, Number.NaN];
    const largest = decodeSteps(Math.max(0, ...resource.hours.values()), resource.index);
    return [
      Math.max(spread(resource.twoHours, 5), spread(resource.day, 3)),
      spread(resource.twoHours, 1),
      Math.max(largest, resource.last),
    ];
  });
}
