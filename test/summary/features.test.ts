import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import type { BinaryName } from "../../host/core/binary.js";
import { jobTypeCodes } from "../../host/model/job-type.js";
import { referenceFeatures, referenceStatistics } from "../../host/model/reference-features.js";
import { type ReferenceSample, ReferenceSummary } from "../../host/model/reference-summary.js";
import { lives, SummaryBed } from "./summary-bed.js";

/** A maximum may lie one step off where rounding decides; the largest step is 1 / 13. */
const STEP = 1 / 13;
/** Two codes of a step of 3/64 each may fall on the other side of a rounding. */
const CODES = 0.0938;
const WINDOW_ROWS = (row: number) => (row >= 4 && row < 32) || (row >= 44 && row < 64);

const cut = fc.record({
  wait: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 200_000, noNaN: true })),
  outage: fc.oneof(
    fc.constantFrom(0, 5, 60, 1440, 40_000),
    fc.double({ min: 0, max: 90, noNaN: true }),
  ),
  caps: fc.array(fc.constantFrom(Number.NaN, 0, 0.5, 2, 64), { minLength: 4, maxLength: 4 }),
  interruptions: fc.integer({ min: 0, max: 9 }),
  jobType: fc.option(fc.string(), { nil: undefined }).map(jobTypeCodes),
});

function runFeatures(name: BinaryName, numRuns: number): void {
  fc.assert(
    fc.property(lives(60), fc.integer({ min: 0, max: 15 }), cut, (samples, slot, asked) => {
      const bed = new SummaryBed(name, 2);
      const reference = new ReferenceSummary();
      const caps = asked.caps.map(Math.fround);
      bed.setCaps(slot, caps);
      bed.setInterruptions(slot, asked.interruptions);
      bed.setJobType(slot, asked.jobType);
      for (const sample of samples) {
        bed.offer(slot, sample);
        bed.ingest();
        reference.ingest(sample);
      }
      const outageMinutes = Math.fround(asked.outage);
      const atSeconds = reference.lastTime + asked.wait;
      bed.features(atSeconds, outageMinutes);
      const wanted = referenceFeatures(reference, { ...asked, caps, atSeconds, outageMinutes });
      bed.column(bed.rows, abi.SUMMARY_ROWS, slot).forEach((got, row) => {
        const error = Math.abs(got - (wanted[row] ?? Number.NaN));
        const tolerance = row >= 96 ? CODES : WINDOW_ROWS(row) ? STEP * 1.05 : 2e-3;
        assert.ok(error <= tolerance, `feature ${row}: ${got}, not ${wanted[row]}`);
      });
      const rest = bed.column(bed.rows, abi.SUMMARY_ROWS, (slot + 1) % 16);
      assert.ok(rest.every((value) => value === 0));
      checkStatistics(bed, slot, reference);
    }),
    { numRuns },
  );
}

function checkStatistics(bed: SummaryBed, slot: number, reference: ReferenceSummary): void {
  bed.runStatistics();
  const floats = bed.bed.floats(bed.statistics);
  referenceStatistics(reference).forEach((rows, resource) => {
    rows.forEach((wanted, row) => {
      const at = (slot >> 3) * 96 + row * 32 + (slot & 7) * 4 + resource;
      const got = floats[at] ?? Number.NEGATIVE_INFINITY;
      const size = Math.max(wanted, reference.resources[resource]?.scale ?? 1);
      const tolerance = (row === 2 ? STEP * 1.1 : 2e-3) * size;
      const same = Number.isNaN(wanted) && Number.isNaN(got);
      assert.ok(same || Math.abs(got - wanted) <= tolerance, `row ${row}: ${got}, not ${wanted}`);
    });
  });
}

for (const [name, numRuns] of [
  ["debug", 15],
  ["release", 15],
  ["shared", 120],
] as const) {
  const test = suite(`features ${name}`);
  test("rows and statistics agree with float64", () => runFeatures(name, numRuns));
  test.run();
}

const laws = suite("features laws");

/** Every 5 minutes, `shape` of the hour number. */
function regular(hours: number, shape: (hour: number) => number, from = 1_375_315_200) {
  return Array.from({ length: hours * 12 }, (_, index): ReferenceSample => {
    const value = shape(Math.floor(index / 12));
    const timeSeconds = from + (index + 1) * 300 - 1;
    return { timeSeconds, values: [value, value, value, value], restart: false };
  });
}

function fed(samples: readonly ReferenceSample[]): SummaryBed {
  const bed = new SummaryBed("shared", 1);
  for (const sample of samples) {
    bed.offer(0, sample);
    bed.ingest();
  }
  return bed;
}

laws("the clock windows name the same hour yesterday, two and seven days ago", () => {
  // Day d, hour h has value 1 + d / 10 at 9 o'clock and .1 else; ten days, the cut is at 8:59:59.
  const shape = (hour: number) => (hour % 24 === 9 ? 1 + Math.floor(hour / 24) / 10 : 0.1);
  const bed = fed(regular(10 * 24 + 9, shape));
  bed.features(Number.NaN, 10);
  const rows = bed.column(bed.rows, abi.SUMMARY_ROWS, 0);
  const scale = bed.resource(abi.TILE_SCALE, 0)[0] ?? 1;
  // The window from 9:09:59 covers hours 9 and 10.
  const wanted = [1.9, 1.8, 1.3, 1.9, 1.6].map((value) => Math.asinh(value / scale));
  wanted.forEach((value, index) => {
    assert.ok(Math.abs((rows[44 + index * 4] ?? 0) - value) < 0.04, `window ${index}`);
  });
});

laws("a week that wraps keeps only the last 168 hours", () => {
  const bed = fed(regular(200, (hour) => (hour < 20 ? 50 : 1)));
  bed.features(Number.NaN, 0);
  const week = bed.column(bed.rows, abi.SUMMARY_ROWS, 0)[12] ?? 0;
  const scale = bed.resource(abi.TILE_SCALE, 0)[0] ?? 1;
  assert.ok(Math.abs(week - Math.asinh(1 / scale)) < 0.05, `${week}`);
});

laws("quantiles of the histogram lie within a bucket of the true ones", () => {
  const bed = fed(regular(24 * 6, (hour) => 1 + (hour % 100) / 25));
  bed.features(Number.NaN, 0);
  const rows = bed.column(bed.rows, abi.SUMMARY_ROWS, 0);
  const scale = bed.resource(abi.TILE_SCALE, 0)[0] ?? 1;
  const p95 = Math.sinh(rows[24] ?? 0) * scale;
  assert.ok(p95 > 4.0 && p95 < 5.0, `P95 ${p95}`);
  assert.ok((rows[16] ?? 9) <= (rows[20] ?? 0) && (rows[20] ?? 9) <= (rows[24] ?? 0));
});

laws("other lanes and the state stay as they were, release and shared agree", () => {
  const samples = regular(30, (hour) => 1 + (hour % 5));
  const beds = (["release", "shared"] as const).map((name) => {
    const bed = new SummaryBed(name, 2);
    samples.forEach((sample, index) => {
      for (const slot of [0, 5, 9]) if (index % (slot + 1) === 0) bed.offer(slot, sample);
      bed.ingest();
    });
    bed.features(Number.NaN, Number.NaN);
    return bed;
  });
  const [a, b] = beds.map((bed) => Buffer.concat([bed.bytes(bed.rows), bed.bytes(bed.state)]));
  assert.is(Buffer.compare(a as Buffer, b as Buffer), 0);
});

laws("a restart leaves the level before it and its surge, the mean of the last ones", () => {
  // 2 h at 1, then at 8 for two samples and at 2: asinh of 8 / scale less asinh of 1 / scale.
  const bed = new SummaryBed("shared", 1);
  let time = 1_375_315_200;
  const row = (first: number) => {
    bed.features(Number.NaN, 0);
    return bed.column(bed.rows, abi.SUMMARY_ROWS, 0).slice(first, first + 4);
  };
  const give = (value: number, count: number, restart = false) => {
    for (let index = 0; index < count; index++) {
      time += 300;
      const values = [value, value, value, Number.NaN];
      bed.offer(0, { timeSeconds: time, values, restart: restart && index === 0 });
      bed.ingest();
    }
  };
  const u = (value: number) => Math.asinh(value / (bed.resource(abi.TILE_SCALE, 0)[0] ?? 1));
  give(1, 24);
  assert.equal(row(100), [0, 0, 0, 0]);
  assert.equal(row(104), [0, 0, 0, 0]);
  const level = u(1);
  give(8, 2, true);
  const [first = 0, , , never] = row(100);
  assert.ok(Math.abs(first - (Math.max(u(8), 0) - level)) < 0.6, `${first}`);
  assert.ok(first > 1 && never === 0);
  assert.ok(Math.abs((row(104)[0] ?? 0) - level) < 0.03);
  give(2, 24);
  assert.is(row(100)[0], first, "after ten minutes it stays");
  give(2, 2, true);
  const [second = 0] = row(100);
  assert.ok(Math.abs(second - first / 2) < 0.1, `${second} after a restart without surge`);
});

laws("cpu peak, busiest core and connections stay until they are told anew", () => {
  const bed = new SummaryBed("shared", 1);
  const values = [2, 1, 1, 1];
  const spread = () => {
    bed.features(Number.NaN, 0);
    return bed.column(bed.rows, abi.SUMMARY_ROWS, 0).slice(108, 111);
  };
  const wanted = [Math.asinh(3) - Math.asinh(1), 2, Math.log1p(100) / 4];
  const first = { timeSeconds: 1e9, values, restart: false };
  bed.offer(0, { ...first, cpuPeak: 6, corePeak: 1, connections: 100 });
  bed.ingest();
  const told = spread();
  wanted.forEach((value, index) => {
    assert.ok(Math.abs((told[index] ?? 0) - value) < 0.024, `${told[index]}, not ${value}`);
  });
  bed.offer(0, { timeSeconds: 1e9 + 300, values, restart: false });
  bed.ingest();
  assert.equal(spread(), told);
});

laws("a tile without samples gives zeros and NaN statistics", () => {
  const bed = new SummaryBed("shared", 1);
  bed.features(1e9, 5);
  bed.runStatistics();
  assert.ok(bed.bed.floats(bed.rows).every((value) => value === 0));
  assert.ok(bed.bed.floats(bed.statistics).every(Number.isNaN));
});

laws("features for another outage are those asked for at once, to the bit", () => {
  fc.assert(
    fc.property(lives(40), cut, cut, (samples, first, second) => {
      const bed = fed(samples);
      const atSeconds = (samples.at(-1)?.timeSeconds ?? 0) + first.wait;
      bed.features(atSeconds, second.outage);
      const direct = bed.bytes(bed.rows).slice();
      bed.features(atSeconds, first.outage);
      const firstRows = bed.bytes(bed.rows).slice();
      for (let row = 0; row < abi.SUMMARY_ROWS; row++) {
        // `headPair` counts on it: the other rows do not depend on the outage.
        if ((row >= 44 && row < 64) || (row >= 74 && row < 80)) continue;
        const bytes = (all: Uint8Array) => all.subarray(row * 32, (row + 1) * 32);
        assert.is(Buffer.compare(bytes(firstRows), bytes(direct)), 0, `row ${row}`);
      }
      const again = bed.bed.alloc(abi.SUMMARY_ROWS * 32);
      bed.bed.run([again], (kernel) => {
        const { state, rows } = bed;
        kernel.featuresForOutage(
          state.ptr,
          0,
          rows.ptr,
          0,
          again.ptr,
          0,
          1,
          atSeconds,
          second.outage,
        );
      });
      assert.is(Buffer.compare(bed.bytes(again), direct), 0);
    }),
    { numRuns: 40 },
  );
});

laws.run();
