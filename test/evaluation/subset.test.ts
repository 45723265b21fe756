import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { evaluate } from "../../host/model/evaluation/evaluation.js";
import {
  checkEvents,
  eventCheckWords,
  eventListName,
  eventListText,
} from "../../host/model/evaluation/event-list.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { loadSeries } from "../../host/model/training/load.js";
import type { TrainingSession } from "../../host/model/training/session.js";
import { readWeights } from "../../host/model/weights.js";
import { streamCoverage } from "../../host/profiler/evaluation/stream-coverage.js";

const test = suite("evaluation of the bundled sample");

/** Two weeks of September of 32 VMs that were never trained on. */
const SAMPLE = fileURLToPath(new URL("../../../../host/replay/sample/", import.meta.url));

/**
 * Highest losses and change, lowest and highest coverage at .95 that pass: 4 % of the loss, .02 of
 * the change and .01 of the coverage away from what the weights that ship measure with seed 1 and 60
 * cuts a VM. The same bits everywhere, so only a change of weights or code moves them.
 */
const FLOORS = {
  cpu: { aPin95: 0.0426, crps: 0.1042, change: -0.263, coverage: [0.939, 0.959] },
  memory: { aPin95: 0.0423, crps: 0.1281, change: -0.121, coverage: [0.937, 0.958] },
  network: { aPin95: 0.0781, crps: 0.1793, change: -0.29, coverage: [0.94, 0.96] },
  disk: { aPin95: 0.0791, crps: 0.1923, change: -0.258, coverage: [0.938, 0.958] },
} as const;

test("no figure falls below its floor", async () => {
  const weights = readWeights(present(shippedWeightsFile(), "shipped weights"));
  const data = await loadSeries(SAMPLE);
  let words = "";
  const onEvents = ({ tiles }: TrainingSession) => {
    words = eventCheckWords(checkEvents(eventListText(tiles), eventListName(32, 1, 60)));
  };
  const options = { seed: 1, cuts: 60, workers: 1 };
  const { sets } = await evaluate(data, weights, options, { onEvents });
  assert.match(words, /; as recorded in /);
  assert.equal(
    sets.map(({ set }) => set),
    ["virtual cuts, unseen instances", "virtual cuts, unseen instances, busy ones"].slice(
      0,
      sets.length,
    ),
  );
  const resources = present(sets[0], "set").resources;
  assert.equal(
    resources.map(({ resource }) => resource),
    Object.keys(FLOORS),
  );
  for (const { resource, network, best, againstBest } of resources) {
    const floor = FLOORS[resource as keyof typeof FLOORS];
    const { change, interval } = againstBest;
    const shown = `${resource}: ${network.aPin95.toFixed(4)}, ${change.toFixed(3)} [${interval.map(
      (part) => part.toFixed(3),
    )}] against ${best}, coverage ${network.all.coverage.toFixed(3)}`;
    assert.ok(network.all.truths > 500, shown);
    assert.ok(network.aPin95 < floor.aPin95, shown);
    assert.ok(network.all.crps < floor.crps, `${shown}, CRPS ${network.all.crps}`);
    assert.ok(change < floor.change, shown);
    assert.ok(interval[1] < 0, shown);
    const [low, high] = floor.coverage;
    assert.ok(network.all.coverage > low && network.all.coverage < high, shown);
  }
});

/**
 * The trackers keep what is stated, each week, where the network alone does not; widest distance
 * from .95 that passes, highest share of instances with less than .85, and what the loss may rise
 * to for it. Eight of the VMs.
 */
const TRACKED = { week: 0.005, all: 0.003, below: 0, price: 1.12 };

test("with its trackers the profiler covers what it states", async () => {
  const weights = readWeights(present(shippedWeightsFile(), "shipped weights"));
  const { unseen } = await loadSeries(SAMPLE);
  const [report] = await streamCoverage(unseen.slice(0, 8), weights);
  for (const { resource, raw, tracked } of present(report, "report").resources) {
    const shown = `${resource}: ${JSON.stringify({ raw, tracked })}`;
    assert.ok(tracked.truths > 2_000, shown);
    assert.is(raw.weeks.length, tracked.weeks.length);
    assert.ok(Math.abs((tracked.levels[2] ?? 0) - 0.95) < TRACKED.all, shown);
    for (const week of tracked.weeks) assert.ok(Math.abs(week - 0.95) < TRACKED.week, shown);
    assert.ok(tracked.shareBelow85 <= TRACKED.below, shown);
    assert.ok(tracked.aPin95 < TRACKED.price * raw.aPin95, shown);
  }
});

test.run();
