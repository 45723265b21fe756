/**
 * One instance's summary state in float64, straight from docs/abi.md: what the core's `ingest` is
 * compared with. Nothing of the product runs on it.
 */

import { HISTOGRAM_SLOTS, HOUR_SLOTS, INPUT_ROWS, RECENT_SLOTS } from "../core/abi.js";

export const SCALE_FLOOR = [0.01, 0.01, 0.001, 0.01] as const;
export const STEPS_PER_UNIT = [20, 17.5, 13, 13] as const;
const DAY_SECONDS = 86_400;
const TAU_2H = 7_200;
const TAU_24H = DAY_SECONDS;
const TAU_48H = 2 * DAY_SECONDS;
const TAU_EWMA = 300 / -Math.log(0.8);
const VALUE_MAX = 1e15;
// The edges as the core holds them, so that both agree on every bucket.
const QUARTERS = [1, 2 ** 0.25, 2 ** 0.5, 2 ** 0.75].map(Math.fround);

export interface ReferenceSample {
  readonly timeSeconds: number;
  /** cpu, memory, network, disk; NaN = missing. */
  readonly values: readonly number[];
  readonly restart: boolean;
  readonly cpuPeak?: number;
  readonly corePeak?: number;
  readonly connections?: number;
  readonly sinceLaunchSeconds?: number;
}

/** Decayed mean and variance. */
export interface Moments {
  mean: number;
  variance: number;
}

/** The statistics of one resource. */
export class ReferenceResource {
  observed = 0;
  last = 0;
  scale: number;
  missing = true;
  readonly twoHours: Moments = { mean: 0, variance: 0 };
  readonly day: Moments = { mean: 0, variance: 0 };
  readonly ewma: Moments = { mean: 0, variance: 0 };
  /** Highest code a clock slot. */
  readonly recent = new Map<number, number>();
  readonly hours = new Map<number, number>();
  histogramBase = 0;
  histogram: number[] = new Array<number>(HISTOGRAM_SLOTS).fill(0);
  readonly index: number;

  constructor(index: number) {
    this.index = index;
    this.scale = SCALE_FLOOR[index] ?? 1;
  }

  move(value: number, seconds: number): void {
    const fresh = this.observed === 0;
    const interval = fresh ? 60 : seconds;
    const observed = this.observed + interval;
    const alpha = (tau: number) => Math.expm1(-interval / tau) / Math.expm1(-observed / tau);
    moveMoments(this.twoHours, value, alpha(TAU_2H));
    moveMoments(this.day, value, alpha(TAU_24H));
    moveMoments(this.ewma, value, alpha(TAU_EWMA));
    const moved = this.scale + alpha(TAU_48H) * (value - this.scale);
    const floor = SCALE_FLOOR[this.index] ?? 1;
    this.scale = Math.max(fresh ? value : moved, floor);
    this.#moveHistogram(value, fresh, observed);
    this.observed = observed >= 2 ** 23 ? observed - 2 ** 22 : observed;
    this.last = value;
  }

  #moveHistogram(value: number, fresh: boolean, observed: number): void {
    const wanted = quarterOctaves(this.scale) - 12;
    const moved = wanted - this.histogramBase;
    if (fresh || Math.abs(moved) > 4) {
      const old = this.histogram;
      this.histogram = new Array<number>(HISTOGRAM_SLOTS).fill(0);
      old.forEach((weight, bucket) => {
        const target = bucketOf(bucket - moved);
        this.histogram[target] = (this.histogram[target] ?? 0) + weight;
      });
      this.histogramBase = wanted;
    }
    const units = (seconds: number, size: number) => Math.floor(seconds / size);
    if (units(observed, 2 ** 18) !== units(this.observed, 2 ** 18)) {
      this.histogram = this.histogram.map((weight) => Math.floor(weight / 2));
    }
    const bucket = bucketOf(quarterOctaves(value) - this.histogramBase);
    const weight = units(observed, 8) - units(this.observed, 8);
    this.histogram[bucket] = (this.histogram[bucket] ?? 0) + weight;
  }

  /** Raises the current slots to a value, forgetting what is over. */
  raise(value: number, timeSeconds: number): void {
    const code = Number.isNaN(value) ? 0 : encodeSteps(value, this.index);
    raiseSlot(this.recent, Math.floor(timeSeconds / 300), RECENT_SLOTS, code);
    raiseSlot(this.hours, Math.floor(timeSeconds / 3600), HOUR_SLOTS, code);
  }
}

function bucketOf(offset: number): number {
  return Math.min(Math.max(offset, 0), HISTOGRAM_SLOTS - 1);
}

function moveMoments(moments: Moments, value: number, alpha: number): void {
  const d = value - moments.mean;
  moments.variance = (1 - alpha) * (moments.variance + alpha * d * d);
  moments.mean += alpha * d;
}

function raiseSlot(ring: Map<number, number>, slot: number, slots: number, code: number): void {
  for (const old of ring.keys()) if (old <= slot - slots) ring.delete(old);
  ring.set(slot, Math.max(ring.get(slot) ?? 0, code));
}

/** floor(4 log2 v) against the core's edges. */
export function quarterOctaves(value: number): number {
  const v = Math.max(Math.fround(value), 2 ** -30);
  const exponent = Math.floor(Math.log2(v));
  const whole = 2 ** exponent <= v ? exponent : exponent - 1;
  return whole * 4 + QUARTERS.filter((edge) => v / 2 ** whole >= edge).length - 1;
}

/** 2^(q / 4) */
export function quarterOctaveEdge(q: number): number {
  return 2 ** Math.floor(q / 4) * (QUARTERS[((q % 4) + 4) % 4] ?? 1);
}

export function encodeSteps(value: number, resource: number): number {
  const u = Math.asinh(value / (SCALE_FLOOR[resource] ?? 1));
  return Math.min(1 + Math.round(u * (STEPS_PER_UNIT[resource] ?? 1)), 255);
}

export function decodeSteps(code: number, resource: number): number {
  const steps = Math.max(code - 1, 0) / (STEPS_PER_UNIT[resource] ?? 1);
  return (SCALE_FLOOR[resource] ?? 1) * Math.sinh(steps);
}

export function scaled(value: number, scale: number): number {
  return Math.max(Math.min(Math.asinh(value / scale), 6), -6);
}

function measured(value: number | undefined): number {
  return value !== undefined && value >= 0 && value <= VALUE_MAX ? value : Number.NaN;
}

/** Steps of 3/64, as the core keeps them. */
function pastCode(value: number): number {
  const steps = Math.round((value * 64) / 3);
  return Math.max(-127, Math.min(127, steps));
}

function signedByte(code: number): number {
  return Math.max(-128, Math.min(127, code));
}

/** What earlier incarnations left, in codes. */
class ReferencePast {
  surge = [0, 0, 0, 0];
  level = [0, 0, 0, 0];
  spread = [0, 0, 0];
  #before = [0, 0, 0, 0];

  /** The incarnation is over; no sample of the next one has moved anything yet. */
  end(resources: readonly ReferenceResource[]): void {
    this.level = resources.map(({ observed, ewma, scale }) =>
      observed === 0 ? 0 : pastCode(scaled(ewma.mean, scale)),
    );
    this.#before = this.surge;
  }

  raise(
    resources: readonly ReferenceResource[],
    { restart, isSecond }: { readonly restart: boolean; readonly isSecond: boolean },
  ): void {
    this.surge = this.surge.map((old, index) => {
      const { missing = true, last = 0, scale = 1 } = resources[index] ?? {};
      if (missing) return old;
      const excess = pastCode(scaled(last, scale)) - (this.level[index] ?? 0);
      const mean = isSecond ? excess : Math.floor((excess + (this.#before[index] ?? 0) + 1) / 2);
      return signedByte(restart ? mean : Math.max(old, mean));
    });
  }

  keep(sample: ReferenceSample, resources: readonly ReferenceResource[]): void {
    const scale = resources[0]?.scale ?? 1;
    const cpu = measured(sample.values[0]) || 0;
    const peak = measured(sample.cpuPeak);
    const core = measured(sample.corePeak);
    const connections = measured(sample.connections);
    const news = [
      cpu > 0 ? Math.max(scaled(peak, scale) - scaled(cpu, scale), 0) : Number.NaN,
      cpu > 0 ? 4 * Math.min(core / cpu, 1) : Number.NaN,
      Math.log1p(connections) / 4,
    ];
    this.spread = this.spread.map((old, index) => {
      const value = news[index] ?? Number.NaN;
      return Number.isNaN(value) ? old : pastCode(value);
    });
  }
}

/** One instance. */
export class ReferenceSummary {
  readonly resources = [0, 1, 2, 3].map((index) => new ReferenceResource(index));
  lastTime = 0;
  launchTime = 0;
  count = 0;
  total = 0;
  incarnations = 0;
  readonly past = new ReferencePast();

  /** Takes one sample. @returns the net's 16 inputs */
  ingest(sample: ReferenceSample): Float64Array {
    const time = sample.timeSeconds;
    const fresh = this.lastTime === 0;
    const restart = fresh || sample.restart;
    const elapsed = fresh ? 0 : Math.max(time - this.lastTime, 0);
    if (restart) {
      this.count = 0;
      this.incarnations += 1;
      this.launchTime = time;
      this.past.end(this.resources);
    }
    const since = measured(sample.sinceLaunchSeconds);
    if (!Number.isNaN(since)) this.launchTime = time - since;
    this.count += 1;
    this.total += 1;
    const peak = measured(sample.cpuPeak);
    this.resources.forEach((resource, index) => {
      const value = measured(sample.values[index]);
      resource.missing = Number.isNaN(value);
      if (!resource.missing) resource.move(value, Math.min(elapsed, 900));
      resource.raise(index === 0 && peak > value ? peak : value, time);
    });
    this.lastTime = time;
    if (this.incarnations > 1 && time - this.launchTime <= 600) {
      this.past.raise(this.resources, { restart, isSecond: this.incarnations === 2 });
    }
    this.past.keep(sample, this.resources);
    return this.#inputs(sample, restart, elapsed);
  }

  #inputs(sample: ReferenceSample, restart: boolean, elapsed: number): Float64Array {
    const inputs = new Float64Array(INPUT_ROWS);
    this.resources.forEach((resource, index) => {
      inputs[index] = resource.missing ? 0 : scaled(resource.last, resource.scale);
      inputs[10 + index] = resource.missing ? 1 : 0;
    });
    const cpuScale = this.resources[0]?.scale ?? 1;
    const orZero = (value: number | undefined) => measured(value) || 0;
    inputs[4] = scaled(orZero(sample.cpuPeak), cpuScale);
    inputs[5] = scaled(orZero(sample.corePeak), cpuScale);
    inputs[6] = Math.log1p(orZero(sample.connections)) / 10;
    inputs[7] = Math.log1p(Math.max(this.lastTime - this.launchTime, 0) / 60) / 10;
    inputs[8] = restart ? 1 : 0;
    inputs[9] = Math.log1p(elapsed / 60) / 10;
    const angle = (2 * Math.PI * (this.lastTime % DAY_SECONDS)) / DAY_SECONDS;
    inputs[14] = Math.sin(angle);
    inputs[15] = Math.cos(angle);
    return inputs;
  }
}
