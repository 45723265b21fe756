import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../host/core/abi.js";
import type { BinaryName } from "../../host/core/binary.js";
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

laws.run();
