/** One kernel bed with tiles, inbox, inputs, features and statistics; and random lives. */
import * as fc from "fast-check";
import * as abi from "../../host/core/abi.js";
import type { BinaryName } from "../../host/core/binary.js";
import type { ReferenceSample } from "../../host/model/reference-summary.js";
import { type BedRegion, KernelBed } from "../support/kernel-bed.js";

export const STATE_BYTES = abi.TILE_HIDDEN;

export class SummaryBed {
  readonly bed: KernelBed;
  readonly tiles: number;
  readonly state: BedRegion;
  readonly inbox: BedRegion;
  readonly x: BedRegion;
  readonly mask: BedRegion;
  readonly rows: BedRegion;
  readonly statistics: BedRegion;

  constructor(name: BinaryName, tiles: number, pages = 1) {
    this.bed = new KernelBed(name, pages);
    this.tiles = tiles;
    this.state = this.bed.alloc(tiles * STATE_BYTES);
    this.inbox = this.bed.alloc(tiles * abi.INBOX_TILE_BYTES);
    this.x = this.bed.alloc(tiles * abi.INPUT_ROWS * 32);
    this.mask = this.bed.alloc(tiles * 32);
    this.rows = this.bed.alloc(tiles * abi.SUMMARY_ROWS * 32);
    this.statistics = this.bed.alloc(tiles * 384);
    this.bytes(this.state).fill(0);
    this.bytes(this.inbox).fill(0);
    for (let slot = 0; slot < tiles * 8; slot++) this.setCaps(slot, [Number.NaN]);
  }

  bytes(region: BedRegion): Uint8Array {
    return new Uint8Array(this.bed.floats(region).buffer, region.ptr, region.bytes);
  }

  view(region: BedRegion): DataView {
    return new DataView(this.bed.floats(region).buffer, region.ptr, region.bytes);
  }

  setCaps(slot: number, caps: readonly number[]): void {
    const at = (slot >> 3) * STATE_BYTES + abi.TILE_CAP + (slot & 7) * 16;
    for (let resource = 0; resource < 4; resource++) {
      this.view(this.state).setFloat32(at + resource * 4, caps[resource] ?? Number.NaN, true);
    }
  }

  setInterruptions(slot: number, value: number): void {
    const at = (slot >> 3) * STATE_BYTES + abi.TILE_INTERRUPTIONS + (slot & 7) * 4;
    this.view(this.state).setFloat32(at, value, true);
  }

  setJobType(slot: number, codes: readonly number[]): void {
    const at = (slot >> 3) * STATE_BYTES + abi.TILE_PAST + (slot & 7) * abi.PAST_BYTES;
    this.bytes(this.state).set(codes, at + abi.PAST_JOB_TYPE);
  }

  offer(slot: number, sample: ReferenceSample): void {
    const tile = (slot >> 3) * abi.INBOX_TILE_BYTES;
    const lane = slot & 7;
    const view = this.view(this.inbox);
    const word = (offset: number, value: number | undefined) =>
      view.setFloat32(tile + offset + lane * 4, value ?? Number.NaN, true);
    view.setFloat64(tile + abi.INBOX_TIME + lane * 8, sample.timeSeconds, true);
    sample.values.forEach((value, resource) => {
      view.setFloat32(tile + abi.INBOX_VALUES + lane * 16 + resource * 4, value, true);
    });
    word(abi.INBOX_CPU_PEAK, sample.cpuPeak);
    word(abi.INBOX_CORE_PEAK, sample.corePeak);
    word(abi.INBOX_CONNECTIONS, sample.connections);
    word(abi.INBOX_SINCE_LAUNCH, sample.sinceLaunchSeconds);
    const flags = abi.PENDING_SAMPLE | (sample.restart ? abi.PENDING_RESTART : 0);
    view.setUint32(tile + abi.INBOX_FLAGS + lane * 4, flags, true);
  }

  ingest(): number {
    const { state, inbox, x, mask } = this;
    let taken = -1;
    this.bed.run([state, inbox, x, mask], (kernel) => {
      taken = kernel.ingest(
        state.ptr,
        STATE_BYTES,
        inbox.ptr,
        abi.INBOX_TILE_BYTES,
        x.ptr,
        abi.INPUT_ROWS * 32,
        mask.ptr,
        32,
        this.tiles,
      );
    });
    return taken;
  }

  features(atSeconds: number, outageMinutes: number): void {
    this.bed.run([this.rows], (kernel) => {
      kernel.features(
        this.state.ptr,
        STATE_BYTES,
        this.rows.ptr,
        abi.SUMMARY_ROWS * 32,
        this.tiles,
        atSeconds,
        outageMinutes,
      );
    });
  }

  runStatistics(): void {
    this.bed.run([this.statistics], (kernel) => {
      kernel.statistics(this.state.ptr, STATE_BYTES, this.statistics.ptr, 384, this.tiles);
    });
  }

  /** One slot's column of lane rows. */
  column(region: BedRegion, rows: number, slot: number): number[] {
    const floats = this.bed.floats(region);
    const base = (slot >> 3) * rows * 8 + (slot & 7);
    return Array.from({ length: rows }, (_, row) => floats[base + row * 8] ?? Number.NaN);
  }

  /** One slot's four values of a resource row in the state. */
  resource(offset: number, slot: number): number[] {
    const at = (slot >> 3) * STATE_BYTES + offset + (slot & 7) * 16;
    return [0, 1, 2, 3].map((r) => this.view(this.state).getFloat32(at + r * 4, true));
  }
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 4, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 4000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e-40, Number.NaN, Number.NaN, -1, Infinity) },
);
const optional = fc.option(value, { nil: undefined, freq: 3 });
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.constant(300) },
  { weight: 3, arbitrary: fc.integer({ min: 10, max: 900 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3600, max: 1_000_000 }) },
);

const step = fc.record({
  gap,
  values: fc.array(value, { minLength: 4, maxLength: 4 }),
  restart: fc.boolean().map((flag) => flag),
  cpuPeak: optional,
  corePeak: optional,
  connections: optional,
  sinceLaunchSeconds: optional,
});

/** A life of samples in time order, values as f32. */
export function lives(maxLength: number): fc.Arbitrary<ReferenceSample[]> {
  const start = fc.integer({ min: 1_370_000_000, max: 1_400_000_000 });
  return fc.tuple(start, fc.array(step, { minLength: 1, maxLength })).map(([from, steps]) => {
    let time = from;
    return steps.map((one, index) => {
      time += one.gap;
      return toSample(one, { time, restart: one.restart && index % 5 === 0 });
    });
  });
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function toSample(one: Step, at: { time: number; restart: boolean }): ReferenceSample {
  const round = (v: number | undefined) => (v === undefined ? undefined : Math.fround(v));
  const fields = {
    cpuPeak: round(one.cpuPeak),
    corePeak: round(one.corePeak),
    connections: round(one.connections),
    sinceLaunchSeconds: round(one.sinceLaunchSeconds),
  };
  const known = Object.entries(fields).filter(([, v]) => v !== undefined);
  return {
    timeSeconds: at.time,
    values: one.values.map(Math.fround),
    restart: at.restart,
    ...Object.fromEntries(known),
  };
}
