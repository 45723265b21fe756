import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArenaPlan } from "../../host/core/arena.js";
import { thrownBy } from "../support/thrown.js";

test("regions are aligned, in order and apart, whatever their sizes", () => {
  const requests = fc.array(fc.tuple(fc.nat(5_000), fc.constantFrom(4, 16, 64, 4096)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(requests, fc.nat(10_000), (sizes, base) => {
      const plan = new ArenaPlan(base);
      let end = base;
      for (const [index, [bytes, align]] of sizes.entries()) {
        const region = plan.region(`r${index}`, bytes, align);
        assert.is(region.ptr % align, 0);
        assert.ok(region.ptr >= end, "it starts where the one before ended, or later");
        assert.ok(region.ptr - end < align, "no more room is lost than alignment asks for");
        assert.is(region.bytes, bytes);
        end = region.ptr + bytes;
      }
      assert.is(plan.regions.length, sizes.length);
      assert.ok(plan.pages * 65_536 >= end);
      assert.ok((plan.pages - 1) * 65_536 < Math.max(1, end));
    }),
  );
});

test("the memory holds the plan and cannot grow", () => {
  const plan = new ArenaPlan(1024);
  plan.region("state", 100_000);
  const memory = plan.createMemory(false);
  assert.is(memory.buffer.byteLength, plan.pages * 65_536);
  assert.throws(() => memory.grow(1), /grow/);
  assert.ok(plan.createMemory(true).buffer instanceof SharedArrayBuffer);
});

test("a region cannot be changed after it was laid", () => {
  const region = new ArenaPlan(0).region("state", 16);
  assert.throws(() => Object.assign(region, { ptr: 64 }), /read only/);
});

test("a size that is none, or beyond what a module can address, is refused", () => {
  for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.is(thrownBy(() => new ArenaPlan(0).region("bad", bytes)).code, "ERR_ARGUMENT");
  }
  const plan = new ArenaPlan(0);
  plan.region("large", 2 ** 32 - 64);
  const error = thrownBy(() => plan.region("one too many", 65));
  assert.is(error.code, "ERR_LIMIT");
  assert.match(error.message, /one too many/);
  assert.is(plan.regions.length, 1, "a refused region leaves the plan as it was");
});

test.run();
