import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import type { BinaryName } from "../../host/core/binary.js";
import { referenceFeatures } from "../../host/model/reference-features.js";
import { ReferenceSummary } from "../../host/model/reference-summary.js";
import {
  HISTORY_TILE_BYTES,
  readUsageHistory,
} from "../../host/profiler/predictors/usage-history.js";
import type { BedRegion } from "../support/kernel-bed.js";
import { lives, STATE_BYTES, SummaryBed } from "./summary-bed.js";

const test = suite("usage history");

const ROWS = HISTORY_TILE_BYTES / abi.LANE_ROW_BYTES;
/** Largest step of a maximum in asinh space. */
const STEP = 1 / 13;

function run(bed: SummaryBed, cut: { readonly at: number; readonly outage: number }): BedRegion {
  const out = bed.bed.alloc(bed.tiles * HISTORY_TILE_BYTES);
  bed.bed.run([out], (kernel) => {
    kernel.usageHistory(
      bed.state.ptr,
      STATE_BYTES,
      out.ptr,
      HISTORY_TILE_BYTES,
      bed.tiles,
      cut.at,
      cut.outage,
    );
  });
  return out;
}

/** Row of the head's features that holds the same, scaled. */
const featureRow = (row: number) => (row < 48 ? row : row + 8);

function agrees(name: BinaryName, numRuns: number): void {
  const wait = fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 2e5, noNaN: true }));
  const outage = fc.constantFrom(0, 10, 60, 1_500);
  fc.assert(
    fc.property(
      lives(60),
      fc.integer({ min: 0, max: 15 }),
      wait,
      outage,
      (life, slot, late, min) => {
        const bed = new SummaryBed(name, 2);
        const reference = new ReferenceSummary();
        for (const sample of life) {
          bed.offer(slot, sample);
          bed.ingest();
          reference.ingest(sample);
        }
        const atSeconds = reference.lastTime + late;
        const out = run(bed, { at: atSeconds, outage: min });
        bed.features(atSeconds, min);
        const features = bed.column(bed.rows, abi.SUMMARY_ROWS, slot);
        const caps = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
        const cut = { atSeconds, outageMinutes: min, caps, interruptions: 0 };
        const wanted = referenceFeatures(reference, cut);
        bed.column(out, ROWS, slot).forEach((value, row) => {
          const resource = reference.resources[row % 4];
          if (resource === undefined || resource.observed === 0) {
            assert.ok(Number.isNaN(value), `row ${row} of a resource never seen: ${value}`);
            return;
          }
          const u = Math.max(-6, Math.min(6, Math.asinh(value / resource.scale)));
          const [kernel = 0, float64 = 0] = [features[featureRow(row)], wanted[featureRow(row)]];
          assert.ok(Math.abs(u - kernel) <= 2e-3, `row ${row}: ${u}, feature ${kernel}`);
          assert.ok(Math.abs(u - float64) <= STEP * 1.05, `row ${row}: ${u}, float64 ${float64}`);
        });
        const other = bed.column(out, ROWS, (slot + 1) % 16);
        assert.ok(other.every(Number.isNaN), "a lane without samples knows nothing");
      },
    ),
    { numRuns },
  );
}

for (const [name, numRuns] of [
  ["debug", 10],
  ["release", 10],
  ["shared", 80],
] as const) {
  test(`${name}: the rows are the head's features before scaling`, () => agrees(name, numRuns));
}

test("the host reads each statistic of a lane under its name", () => {
  const floats = new Float32Array(HISTORY_TILE_BYTES / 4).map((_, index) => index);
  const history = readUsageHistory(floats, 0, 3);
  assert.equal(history("last"), [3, 11, 19, 27]);
  assert.equal(history("max7d"), [99, 107, 115, 123]);
  assert.equal(history("p95"), [195, 203, 211, 219]);
  assert.equal(history("clockWeek"), [387, 395, 403, 411]);
});

test("state keeps its bytes; release and shared agree to the bit", () => {
  const bytes = (["release", "shared"] as const).map((name) => {
    const bed = new SummaryBed(name, 2);
    for (let step = 1; step < 900; step++) {
      for (const slot of [0, 7, 12]) {
        const value = 1 + ((step * (slot + 1)) % 17);
        const timeSeconds = 1_375_315_200 + step * 300;
        bed.offer(slot, { timeSeconds, values: [value, value, value / 8, 0], restart: false });
      }
      bed.ingest();
    }
    const before = Buffer.from(bed.bytes(bed.state));
    const out = run(bed, { at: Number.NaN, outage: 10 });
    assert.is(Buffer.compare(before, bed.bytes(bed.state)), 0);
    return Buffer.from(bed.bytes(out));
  });
  assert.is(Buffer.compare(bytes[0] as Buffer, bytes[1] as Buffer), 0);
});

test.run();
