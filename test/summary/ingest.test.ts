import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import type { BinaryName } from "../../host/core/binary.js";
import { Prng } from "../../host/lib/prng.js";
import { type ReferenceSample, ReferenceSummary } from "../../host/model/reference-summary.js";
import { lives, SummaryBed } from "./summary-bed.js";

const BINARIES: readonly BinaryName[] = ["debug", "release", "shared"];

/** Relative to the larger of the value and 1e-3 of its own scale. */
function close(got: number, wanted: number, tolerance: number, what: string): void {
  const error = Math.abs(got - wanted);
  assert.ok(error <= tolerance * Math.max(1, Math.abs(wanted)), `${what}: ${got}, not ${wanted}`);
}

function checkState(bed: SummaryBed, slot: number, reference: ReferenceSummary): void {
  reference.resources.forEach((resource, r) => {
    const at = (offset: number) => bed.resource(offset, slot)[r] ?? Number.NaN;
    const size = Math.max(resource.scale, resource.last, Math.sqrt(resource.day.variance), 1e-3);
    const relative = (got: number, wanted: number, what: string) =>
      close(got / size, wanted / size, 2e-4, `${what} of resource ${r}`);
    relative(at(abi.TILE_SCALE), resource.scale, "scale");
    relative(at(abi.TILE_LAST), resource.last, "last");
    relative(at(abi.TILE_MEAN_2H), resource.twoHours.mean, "2 h mean");
    relative(at(abi.TILE_MEAN_24H), resource.day.mean, "24 h mean");
    relative(at(abi.TILE_EWMA), resource.ewma.mean, "EWMA");
    close(at(abi.TILE_OBSERVED), resource.observed, 0, "observed");
  });
}

for (const name of BINARIES) {
  const test = suite(`ingest ${name}`);

  test("inputs and state agree with float64 on any life", () => {
    fc.assert(
      fc.property(lives(60), fc.integer({ min: 0, max: 15 }), (samples, slot) => {
        const bed = new SummaryBed(name, 2);
        const reference = new ReferenceSummary();
        for (const sample of samples) {
          bed.offer(slot, sample);
          assert.is(bed.ingest(), 1);
          const wanted = reference.ingest(sample);
          bed.column(bed.x, abi.INPUT_ROWS, slot).forEach((got, row) => {
            close(got, wanted[row] ?? Number.NaN, 2e-4, `input ${row}`);
          });
        }
        checkState(bed, slot, reference);
      }),
      { numRuns: name === "shared" ? 60 : 15 },
    );
  });
  test.run();
}

function lifeOf(seed: number, length: number): ReferenceSample[] {
  return (
    fc.sample(fc.array(lives(length), { minLength: 1, maxLength: 1 }), {
      seed,
      numRuns: 1,
    })[0]?.[0] ?? []
  );
}

const laws = suite("ingest laws");

laws("release and shared agree to the bit", () => {
  const samples = lifeOf(7, 80);
  const [a, b] = (["release", "shared"] as const).map((name) => {
    const bed = new SummaryBed(name, 1);
    for (const sample of samples) {
      bed.offer(3, sample);
      bed.ingest();
    }
    return Buffer.concat([bed.bytes(bed.state), bed.bytes(bed.x)]);
  });
  assert.is(Buffer.compare(a as Buffer, b as Buffer), 0);
});

const plain = (timeSeconds: number, value: number, restart = false): ReferenceSample => ({
  timeSeconds,
  values: [value, value, value, value],
  restart,
});

laws("lanes do not depend on each other or on their order", () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const all = seeds.map((seed) => lifeOf(seed, 40));
  const run = (slotOf: (index: number) => number) => {
    const bed = new SummaryBed("shared", 2);
    for (let step = 0; step < 40; step++) {
      all.forEach((life, index) => {
        const sample = life[step];
        if (sample !== undefined) bed.offer(slotOf(index), sample);
      });
      bed.ingest();
    }
    bed.features(Number.NaN, 5);
    return all.map((_, index) => bed.column(bed.rows, abi.SUMMARY_ROWS, slotOf(index)));
  };
  assert.equal(
    run((index) => index),
    run((index) => 15 - index),
  );
});

laws("a lane without a sample keeps every bit of its state and gets mask 0 and zero inputs", () => {
  const bed = new SummaryBed("shared", 1);
  for (const slot of [1, 6]) bed.offer(slot, plain(1_380_000_000, 2));
  assert.is(bed.ingest(), 2);
  const before = bed.bytes(bed.state).slice();
  bed.offer(6, plain(1_380_000_300, 3));
  assert.is(bed.ingest(), 1);
  assert.equal([...bed.bed.words(bed.mask)], [0, 0, 0, 0, 0, 0, 0xffffffff, 0]);
  assert.ok(bed.column(bed.x, abi.INPUT_ROWS, 1).every((value) => value === 0));
  // Lane 1 alone again: everything but lane 6's words is as before.
  const bare = new SummaryBed("shared", 1);
  bare.offer(1, plain(1_380_000_000, 2));
  bare.ingest();
  assert.equal(bed.resource(abi.TILE_SCALE, 1), bare.resource(abi.TILE_SCALE, 1));
  const changed = bed.bytes(bed.state).findIndex((byte, at) => byte !== before[at]);
  assert.ok(changed >= abi.TILE_LAST_TIME + 6 * 8 && changed < abi.TILE_LAST_TIME + 7 * 8);
  assert.is(bed.ingest(), 0, "a taken sample is not taken again");
});

laws("a missing value leaves its resource alone and is flagged", () => {
  const bed = new SummaryBed("shared", 1);
  bed.offer(0, plain(1_380_000_000, 2));
  bed.ingest();
  bed.offer(0, { ...plain(1_380_000_300, 4), values: [4, Number.NaN, 4, 4] });
  bed.ingest();
  const [cpu, memory] = bed.resource(abi.TILE_MEAN_2H, 0);
  assert.ok((cpu ?? 0) > 2);
  assert.is(memory, 2);
  assert.is(bed.resource(abi.TILE_OBSERVED, 0)[1], 60);
  assert.equal(bed.column(bed.x, abi.INPUT_ROWS, 0).slice(10, 14), [0, 1, 0, 0]);
});

laws("a restart begins an incarnation and keeps the history", () => {
  const bed = new SummaryBed("shared", 1);
  for (let index = 0; index < 5; index++) {
    bed.offer(0, plain(1_380_000_000 + index * 300, 2));
    bed.ingest();
  }
  const scale = bed.resource(abi.TILE_SCALE, 0);
  bed.offer(0, plain(1_380_004_000, 2, true));
  bed.ingest();
  const view = bed.view(bed.state);
  assert.is(view.getUint32(abi.TILE_COUNT, true), 1);
  assert.is(view.getUint32(abi.TILE_TOTAL, true), 6);
  assert.is(view.getFloat32(abi.TILE_INCARNATIONS, true), 2);
  assert.is(view.getFloat64(abi.TILE_LAUNCH_TIME, true), 1_380_004_000);
  assert.equal(bed.resource(abi.TILE_SCALE, 0), scale);
  assert.is(bed.column(bed.x, abi.INPUT_ROWS, 0)[8], 1);
});

laws("a gap clears the slots it skipped and pauses the decays", () => {
  const bed = new SummaryBed("shared", 1);
  for (let index = 0; index < 24; index++) {
    bed.offer(0, plain(1_380_000_000 + index * 300, 8));
    bed.ingest();
  }
  bed.offer(0, plain(1_380_000_000 + 3 * 86_400, 1));
  bed.ingest();
  // 15 minutes of 1 after 2 hours of 8: the old mean still dominates.
  assert.ok((bed.resource(abi.TILE_MEAN_2H, 0)[0] ?? 0) > 6);
  bed.features(Number.NaN, 0);
  const rows = bed.column(bed.rows, abi.SUMMARY_ROWS, 0);
  const scale = bed.resource(abi.TILE_SCALE, 0)[0] ?? 1;
  const near = (row: number, value: number) =>
    assert.ok(Math.abs((rows[row] ?? 0) - Math.asinh(value / scale)) < 0.05, `row ${row}`);
  near(4, 1);
  near(8, 1);
  near(12, 8);
});

laws("a life of a hundred days halves its histogram and wraps its observed time", () => {
  const bed = new SummaryBed("shared", 1);
  const reference = new ReferenceSummary();
  const { kernel } = bed.bed;
  const prng = new Prng(11);
  for (let index = 0; index < 10_000; index++) {
    // The level drifts by a factor of a hundred, so that the histogram has to follow.
    const level = 0.2 * (1 + (index % 5_000) / 50);
    const values = [1, 2, 3, 4].map((n) => Math.fround(level * n * (0.5 + prng.uniform())));
    const sample = { timeSeconds: 1_370_000_000 + index * 900, values, restart: false };
    bed.offer(0, sample);
    kernel.ingest(bed.state.ptr, 0, bed.inbox.ptr, 0, bed.x.ptr, 0, bed.mask.ptr, 0, 1);
    reference.ingest(sample);
  }
  const view = bed.view(bed.state);
  reference.resources.forEach((resource, r) => {
    assert.is(bed.resource(abi.TILE_OBSERVED, 0)[r], resource.observed);
    assert.is(view.getInt8(abi.TILE_HISTOGRAM_BASE + r), resource.histogramBase);
    resource.histogram.forEach((weight, bucket) => {
      const at = abi.TILE_HISTOGRAM + bucket * 64 + r * 2;
      assert.is(view.getUint16(at, true), weight, `bucket ${bucket} of resource ${r}`);
    });
  });
  const observed = reference.resources[0]?.observed ?? 0;
  assert.ok(observed < 10_000 * 900 - 2 ** 22 + 100, "the observed time has wrapped");
});

laws("means of a signal are the same at any rate of sampling", () => {
  const meanAt = (seconds: number, offset: number) => {
    const bed = new SummaryBed("shared", 1);
    for (let time = 0; time < 6 * 3_600; time += seconds) {
      bed.offer(0, plain(1_380_000_000 + time, Math.floor(time / 3_600) % 2 === 0 ? 1 : 3));
      bed.ingest();
    }
    return bed.resource(offset, 0)[0] ?? Number.NaN;
  };
  for (const offset of [abi.TILE_MEAN_2H, abi.TILE_MEAN_24H, abi.TILE_SCALE]) {
    close(meanAt(30, offset), meanAt(300, offset), 0.03, "mean");
  }
});

laws.run();
