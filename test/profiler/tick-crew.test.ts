/** The crew over workers that cannot be started; for those that die see the tests of the tick. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { openCoreMemory } from "../../host/profiler/core-memory.js";
import type { TickSlices } from "../../host/profiler/tick.js";
import { TickControl } from "../../host/profiler/tick-control.js";
import { TickCrew } from "../../host/profiler/tick-crew.js";
import type { Workers } from "../../host/profiler/workers.js";
import { rejectedBy } from "../support/thrown.js";

test("workers that cannot be started fail the tick instead of letting it wait", async () => {
  const options = { maxInstances: 64, workers: 2, weights: null, journalTiles: 1 };
  const { views, plan } = openCoreMemory(options);
  const control = new TickControl(views, plan);
  control.begin();
  control.open(0, 1, 1);
  let starts = 0;
  const workers: Workers = {
    threadCount: 2,
    run: () => {
      starts++;
      return Promise.reject(new Error("no pool can be opened"));
    },
    close: async () => {},
  };
  const slices = { control, placedCount: 1, oldest: 0, restore: () => 1 } as unknown as TickSlices;
  const crew = new TickCrew({ workers, slices, tick: 1, tileCount: 1 });
  crew.announce(true);
  const error = await rejectedBy(() => Promise.race([crew.computed(0), sleep(2_000)]));
  assert.is(error.code, "ERR_WORKER_LOST");
  assert.is(starts, 3);
  await crew.close();
});

test.run();
