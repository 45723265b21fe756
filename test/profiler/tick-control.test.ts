import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openCoreMemory } from "../../host/profiler/core-memory.js";
import { TickControl } from "../../host/profiler/tick-control.js";

function open(): TickControl {
  const options = { maxInstances: 64, workers: 2, weights: null, journalTiles: 1 };
  const { views, plan } = openCoreMemory(options);
  const control = new TickControl(views, plan);
  control.begin();
  return control;
}

test("each item is taken once, whoever takes it and in whatever order slices are reused", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5), { maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      (counts, coin) => {
        const control = open();
        const place = 2;
        for (const count of counts) {
          control.open(place, count, count);
          assert.is(control.isReady(place), count === 0);
          const taken: number[] = [];
          while (!control.isReady(place)) {
            const item = control.take(place);
            // A worker that comes too late, now and then: it gets nothing, or an item as good as any.
            if (coin.next().value && item < 0) assert.is(control.take(place), -1);
            taken.push(item);
            control.finish(place);
          }
          assert.equal(
            taken.sort((a, b) => a - b),
            Array.from({ length: count }, (_, index) => index),
          );
          assert.is(control.take(place), -1);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("a worker sees slices in their order, then the end; after a stop it takes nothing", () => {
  const control = open();
  control.open(0, 2, 2);
  control.announce();
  assert.ok(control.awaitSlice(0));
  control.end();
  assert.not(control.awaitSlice(1));
  assert.is(control.take(0), 1);
  control.stop();
  assert.is(control.take(0), -1);
  assert.not(control.awaitSlice(0));
  control.resume();
  // Of two items one is done: the other is taken again, and so is the done one, to be passed by.
  control.open(0, 2, 1);
  assert.equal([control.take(0), control.take(0), control.take(0)], [1, 0, -1]);
  assert.is(control.undone, 1);
  control.finish(0);
  assert.ok(control.isReady(0));
});

test("whoever waits for a slice hears of its last item, and of a call to look again", async () => {
  const control = open();
  control.open(1, 2, 2);
  let isOver = false;
  const waiting = control.ready(1).then(() => {
    isOver = true;
  });
  control.finish(1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.not(isOver);
  control.finish(1);
  await waiting;
  await control.ready(1);
  control.open(1, 1, 1);
  const again = control.ready(1);
  control.wake();
  await again;
  assert.not(control.isReady(1));
});

test("a slice is not published before its last worker has told that it is ready", () => {
  // The host looks between a worker's last two steps.
  const seen: boolean[] = [];
  const { sub } = Atomics;
  const control = open();
  control.open(0, 1, 1);
  assert.is(control.take(0), 0);
  Atomics.sub = ((...args: Parameters<typeof sub>) => {
    const before = sub(...args);
    seen.push(control.isReady(0));
    return before;
  }) as typeof sub;
  try {
    control.finish(0);
  } finally {
    Atomics.sub = sub;
  }
  assert.equal(seen, [false], "it would be opened anew, and then be ready with an item undone");
  assert.ok(control.isReady(0));
});

test.run();
