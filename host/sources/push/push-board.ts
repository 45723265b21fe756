/**
 * Makes samples of points that come one by one, in any order of series: what is said of an instance
 * within one window becomes one sample. Series of one resource add up (receive and transmit, one
 * series a processor); the points of one series within the window are averaged.
 */
import type { Sample } from "../sample.js";
import {
  FIELDS,
  MappingTable,
  type PushField,
  type PushMapping,
  type PushResource,
} from "./mapping.js";
import type { MetricPoint } from "./points.js";

export interface PushBoardOptions {
  readonly mappings: readonly PushMapping[];
  readonly windowMs: number;
  /** A window is closed when nothing was said of it for so long. */
  readonly settleMs: number;
  readonly seriesMax: number;
}

export const LEFT_OUT = ["not-mapped", "no-number", "late", "series-limit"] as const;
export type LeftOut = (typeof LEFT_OUT)[number];

interface Counter {
  readonly timeMs: number;
  readonly value: number;
}

interface Mean {
  sum: number;
  count: number;
}

interface Window {
  touchedMs: number;
  timeMs: number;
  readonly series: Map<string, Mean & { readonly resource: PushResource }>;
}

/** Windows of one instance that wait: a sender that catches up must not fill the memory. */
const WINDOWS_MAX = 64;

export class PushBoard {
  readonly #options: PushBoardOptions;
  readonly #table: MappingTable;
  readonly #counters = new Map<string, Counter>();
  readonly #open = new Map<string, Map<number, Window>>();
  /** Start of the last window that was closed. */
  readonly #closed = new Map<string, number>();

  constructor(options: PushBoardOptions) {
    this.#options = options;
    this.#table = new MappingTable(options.mappings);
  }

  /** @returns how many points were left out, by reason */
  take(points: readonly MetricPoint[], nowMs: number): Partial<Record<LeftOut, number>> {
    const leftOut: Partial<Record<LeftOut, number>> = {};
    for (const point of points) {
      const reason = this.#one(point, nowMs);
      if (reason !== undefined) leftOut[reason] = (leftOut[reason] ?? 0) + 1;
    }
    return leftOut;
  }

  /** Samples of the windows that are over, those of an instance in order of time. */
  due(nowMs: number): Sample[] {
    const samples: Sample[] = [];
    for (const [instanceId, windows] of this.#open) {
      const starts = [...windows.keys()].sort((a, b) => a - b);
      for (const [index, startMs] of starts.entries()) {
        const window = windows.get(startMs);
        const isSettled =
          window !== undefined && nowMs - window.touchedMs >= this.#options.settleMs;
        if (!isSettled && starts.length - index <= WINDOWS_MAX) break;
        windows.delete(startMs);
        this.#closed.set(instanceId, startMs);
        if (window !== undefined) samples.push(toSample(instanceId, window));
      }
      if (windows.size === 0) this.#open.delete(instanceId);
    }
    return samples;
  }

  #one(point: MetricPoint, nowMs: number): LeftOut | undefined {
    const mapped = this.#table.find(point);
    if (mapped === undefined) return "not-mapped";
    const { mapping, instanceId } = mapped;
    const key = keyOf(point);
    const { timeMs } = point;
    // Prometheus says with a NaN that a series is over.
    if (!Number.isFinite(point.value) || !Number.isSafeInteger(timeMs) || timeMs <= 0) {
      this.#counters.delete(key);
      return "no-number";
    }
    const startMs = Math.floor(timeMs / this.#options.windowMs) * this.#options.windowMs;
    if (startMs <= (this.#closed.get(instanceId) ?? 0)) return "late";
    const isNew = !this.#closed.has(instanceId) && !this.#open.has(instanceId);
    const { seriesMax } = this.#options;
    if (isNew && this.#closed.size + this.#open.size >= seriesMax) return "series-limit";
    const isCounter = mapping.kind === "counter";
    if (isCounter && !this.#counters.has(key) && this.#counters.size >= seriesMax) {
      return "series-limit";
    }
    const value = isCounter ? this.#rate(key, point) : point.value;
    if (value === "late") return "late";
    if (value === undefined) return undefined;
    const window = this.#window(instanceId, startMs);
    window.touchedMs = nowMs;
    window.timeMs = Math.max(window.timeMs, timeMs);
    const { resource, scale } = mapping;
    const mean = window.series.get(key) ?? { resource, sum: 0, count: 0 };
    mean.sum += value * scale;
    mean.count++;
    window.series.set(key, mean);
    return undefined;
  }

  /** A second; undefined while there is nothing to compare with. */
  #rate(key: string, { timeMs, value, sinceMs }: MetricPoint): number | "late" | undefined {
    if (sinceMs !== undefined)
      return timeMs > sinceMs ? perSecond(value, timeMs - sinceMs) : "late";
    const before = this.#counters.get(key);
    if (before !== undefined && timeMs <= before.timeMs) return "late";
    this.#counters.set(key, { timeMs, value });
    if (before === undefined) return undefined;
    // A counter that fell began anew from zero.
    const rise = value >= before.value ? value - before.value : value;
    return perSecond(rise, timeMs - before.timeMs);
  }

  #window(instanceId: string, startMs: number): Window {
    const windows = this.#open.get(instanceId) ?? new Map<number, Window>();
    this.#open.set(instanceId, windows);
    const window = windows.get(startMs) ?? { touchedMs: 0, timeMs: 0, series: new Map() };
    windows.set(startMs, window);
    return window;
  }
}

function perSecond(amount: number, milliseconds: number): number {
  return amount / (milliseconds / 1_000);
}

function toSample(instanceId: string, { timeMs, series }: Window): Sample {
  const sums: Partial<Record<PushField, number>> = {};
  for (const { resource, sum, count } of series.values()) {
    const field = FIELDS[resource];
    sums[field] = (sums[field] ?? 0) + sum / count;
  }
  return { ...sums, instanceId, timeMs };
}

/** The labels in order, so that the same series has one name. */
function keyOf({ name, labels }: MetricPoint): string {
  const pairs = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, pairs]);
}
