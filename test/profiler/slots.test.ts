import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import { SlotMap } from "../../host/profiler/slots.js";

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (isRepriseError(error)) return error.code;
    throw error;
  }
  return "no error";
}

test("a recycled slot has a new generation", () => {
  const slots = new SlotMap(2);
  const slot = slots.take("a");
  assert.is(slots.generationOf(slot), 0);
  assert.is(slots.leave("a"), slot);
  slots.recycle(slot);
  assert.is(slots.take("b"), slot);
  assert.is(slots.generationOf(slot), 1);
  assert.is(slots.idOf(slot), "b");
  assert.is(slots.slotOf("a"), undefined);
});

test("a left slot is nobody's until it is recycled", () => {
  const slots = new SlotMap(1);
  const slot = slots.take("a");
  slots.leave("a");
  assert.is(
    codeOf(() => slots.take("b")),
    "ERR_LIMIT",
  );
  slots.recycle(slot);
  assert.is(slots.take("b"), slot);
  assert.is(
    codeOf(() => slots.take("b")),
    "ERR_DUPLICATE_ID",
  );
});

test("any sequence keeps ids and slots one to one, within the capacity", () => {
  const command = fc.record({ id: fc.nat(11), leave: fc.boolean() });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const capacity = 8;
      const slots = new SlotMap(capacity);
      const model = new Map<string, number>();
      for (const { id: number, leave } of commands) {
        const id = `i${number}`;
        if (leave) {
          const slot = slots.leave(id);
          assert.is(slot, model.get(id));
          if (slot !== undefined) slots.recycle(slot);
          model.delete(id);
        } else if (!model.has(id) && model.size < capacity) {
          model.set(id, slots.take(id));
        } else {
          assert.throws(() => slots.take(id));
        }
        assert.is(slots.size, model.size);
        assert.is(new Set(model.values()).size, model.size);
        for (const [known, slot] of model) {
          assert.is(slots.slotOf(known), slot);
          assert.is(slots.idOf(slot), known);
          assert.ok(slot < capacity);
        }
      }
    }),
  );
});

test.run();
