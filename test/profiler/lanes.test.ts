import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KernelBed } from "../support/kernel-bed.js";

const ALL = 0xffffffff;

for (const binary of ["release", "shared", "debug"] as const) {
  test(`carryLanes moves exactly the unmasked lanes, bit for bit (${binary})`, () => {
    const word = fc.oneof(fc.constantFrom(0x7fc00001, 0xffc12345, 0x80000000, 1), fc.nat(ALL));
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 7, 8, 9, 16, 48),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        fc.array(word, { minLength: 8, maxLength: 8 }),
        (rows, lanes, seed) => {
          const bed = new KernelBed(binary, 2);
          const mask = bed.alloc(32);
          const from = bed.alloc(rows * 32);
          const to = bed.alloc(rows * 32);
          bed.words(mask).set(lanes.map((lane) => (lane ? ALL : 0)));
          bed.words(from).forEach((_, index, words) => {
            words[index] = (seed[index & 7] ?? 0) + index;
          });
          bed.words(to).forEach((_, index, words) => {
            words[index] = ~index;
          });
          const expected = Uint32Array.from(bed.words(to), (old, index) =>
            lanes[index & 7] ? old : (bed.words(from)[index] ?? 0),
          );
          bed.run([to], (kernel) => kernel.carryLanes(mask.ptr, from.ptr, to.ptr, rows));
          assert.equal([...bed.words(to)], [...expected]);
        },
      ),
      { numRuns: 40 },
    );
  });
}

test.run();
