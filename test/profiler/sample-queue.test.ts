import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { INBOX_FLAGS, INBOX_TIME, INBOX_VALUES } from "../../host/core/abi.js";
import { CoreViews } from "../../host/core/views.js";
import { SampleQueue } from "../../host/profiler/sample-queue.js";

test("each slot is first in, first out, whatever the others do", () => {
  const command = fc.record({ slot: fc.nat(3), drop: fc.nat(3), push: fc.boolean() });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const queue = new SampleQueue(4, 64, 8);
      const model: number[][] = [[], [], [], []];
      let time = 1;
      for (const { slot, drop, push } of commands) {
        const list = model[slot] as number[];
        if (push) {
          const total = model.reduce((sum, each) => sum + each.length, 0);
          const accepted = queue.push(slot, { instanceId: "x", timeMs: time * 1_000 }, time);
          assert.is(accepted, list.length < 8 && total < 64);
          if (accepted) list.push(time);
          time++;
        } else {
          queue.drop(slot, drop);
          list.splice(0, drop);
        }
        for (let each = 0; each < 4; each++) {
          const found: number[] = [];
          for (let entry = queue.head(each); entry >= 0; entry = queue.next(entry)) {
            found.push(queue.timeSeconds(entry));
            assert.is(queue.flags(entry), queue.timeSeconds(entry));
          }
          assert.equal(found, model[each]);
          assert.is(queue.count(each), found.length);
        }
      }
    }),
  );
});

test("grows past its first capacity and keeps what waits", () => {
  const queue = new SampleQueue(2, 10_000, 5_000);
  for (let time = 1; time <= 5_000; time++) {
    assert.ok(queue.push(1, { instanceId: "x", timeMs: time * 1_000, cpuCores: time }, 1));
  }
  assert.not(queue.push(1, { instanceId: "x", timeMs: 5_001_000 }, 1));
  assert.is(queue.total, 5_000);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const views = new CoreViews(memory);
  let time = 1;
  for (let entry = queue.head(1); entry >= 0; entry = queue.next(entry), time++) {
    queue.writeTo(entry, views, 64, 3);
    assert.is(views.f64[(64 + INBOX_TIME) / 8 + 3], time);
    assert.is(views.f32[(64 + INBOX_VALUES) / 4 + 12], time);
  }
});

test("an absent value is NaN in the inbox, the busiest core is the highest", () => {
  const queue = new SampleQueue(1, 4);
  const views = new CoreViews(new WebAssembly.Memory({ initial: 1 }));
  queue.push(0, { instanceId: "x", timeMs: 1_000, disk: 0, perCoreCores: [0.25, 0.75, 0.5] }, 3);
  queue.writeTo(queue.head(0), views, 0, 0);
  const values = [...views.f32.subarray(INBOX_VALUES / 4, INBOX_VALUES / 4 + 4)];
  assert.equal(values, [Number.NaN, Number.NaN, Number.NaN, 0]);
  assert.is(views.f32[224 / 4], 0.75);
  assert.is(views.u32[INBOX_FLAGS / 4], 3);
});

test.run();
