/**
 * Consider: how long does a scheduler wait for "may this instance be interrupted, and where would it
 * come back?", against 10,000 nodes?
 *
 * Goals: the adviser of `reprise/core` beside plain JavaScript on typed arrays with the same answer;
 * where all nodes have room, few, and none; the latency of single calls. Non-goals: samples and the
 * net, which do not run while it considers; the coordinator's plans.
 */
import { createHistogram } from "node:perf_hooks";
import { Adviser, compileBinary, DEFER, NEED_COLUMNS, PROCEED } from "../host/core/index.js";
import { Prng } from "../host/lib/prng.js";
import { parseBenchArguments } from "./support/arguments.js";
import { drawnWeights, FLEET_START_MS } from "./support/fleet.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { PlainAdviser } from "./support/plain-adviser.js";

const UNIT_WEIGHTS = [1 / 16, 1 / 64, 1 / 1_000, 1 / 500];
const INSTANCES = 256;
const SAMPLES = 14;
const CALLS = 64;

/** Share of nodes with room for most instances; each of the others lacks it in one column. */
const CLUSTERS = { "every node has room": 1, "one in 100 has room": 0.01, "none has room": 0 };

function openAdviser(nodeCount: number, roomyRatio: number): Adviser {
  const prng = new Prng(7);
  const adviser = new Adviser({
    module: compileBinary("release"),
    weights: drawnWeights(),
    maxInstances: INSTANCES,
    maxNodes: nodeCount,
    unitWeights: UNIT_WEIGHTS,
  });
  for (let slot = 0; slot < INSTANCES; slot++) adviser.enter(slot, [8, 32, 1e3, 1e3], 10);
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (let slot = 0; slot < INSTANCES; slot++) {
      const use = [4, 8, 50, 5, 6, 1, 100, 3_600].map((most) => most * prng.uniform());
      adviser.offer(slot, FLEET_START_MS / 1_000 + sample * 300, use, false);
    }
    adviser.refresh();
  }
  const room = new Float64Array(NEED_COLUMNS);
  for (let node = 0; node < nodeCount; node++) {
    const isRoomy = prng.uniform() < roomyRatio;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      room[column] = (1 + prng.uniform()) * ([8, 32, 1e3, 1e3][Math.floor(column / 3)] ?? 0);
    }
    // In turns: no column alone, and no look at whole blocks of nodes, tells that none has room.
    if (!isRoomy) room[node % NEED_COLUMNS] = 0;
    adviser.setRoom(node, room);
  }
  return adviser;
}

function considerCase(name: string, nodeCount: number, roomyRatio: number): BenchCase {
  return {
    name: `${name}: nodes=${nodeCount}`,
    unit: "considerations",
    unitsPerCall: CALLS,
    rival: "plain JavaScript",
    tolerance: 0,
    open: () => {
      const adviser = openAdviser(nodeCount, roomyRatio);
      const plain = new PlainAdviser(adviser, { nodeCount, unitWeights: UNIT_WEIGHTS });
      const found = new Int32Array(2 * CALLS);
      const ask = () => {
        for (let slot = 0; slot < CALLS; slot++) {
          found[2 * slot] = adviser.consider(slot);
          found[2 * slot + 1] = adviser.node;
        }
      };
      const plainFound = new Int32Array(2 * CALLS);
      const askPlain = () => {
        for (let slot = 0; slot < CALLS; slot++) {
          const node = plain.consider(slot);
          plainFound[2 * slot] = node < 0 ? DEFER : PROCEED;
          plainFound[2 * slot + 1] = node;
        }
      };
      return {
        variants: [
          { name: "adviser", call: ask, output: () => found },
          { name: "plain JavaScript", call: askPlain, output: () => plainFound },
        ],
      };
    },
  };
}

/** Single calls, timed one by one; reading the clock twice is in each. */
function printLatencies(nodeCount: number): void {
  for (const [name, roomyRatio] of Object.entries(CLUSTERS)) {
    const adviser = openAdviser(nodeCount, roomyRatio);
    const histogram = createHistogram();
    for (let call = 0; call < 120_000; call++) {
      const before = process.hrtime.bigint();
      adviser.consider(call % INSTANCES);
      const took = process.hrtime.bigint() - before;
      if (call >= 20_000) histogram.record(took > 0n ? took : 1n);
    }
    const at = [50, 90, 99, 99.9, 99.99].map((level) => {
      return `p${level} ${(histogram.percentile(level) / 1e3).toFixed(1)}`;
    });
    console.log(
      `\n${name}: 100,000 single calls, us: ${at.join("  ")}  max ${(histogram.max / 1e3).toFixed(1)}`,
    );
  }
}

await benchMain({
  name: "consider",
  question: "May this instance be interrupted, and which of 10,000 nodes would take it?",
  binaries: ["release"],
  cases: ({ smoke }) =>
    Object.entries(CLUSTERS).map(([name, ratio]) =>
      considerCase(name, smoke ? 101 : 10_000, ratio),
    ),
});
const options = parseBenchArguments(process.argv.slice(2));
if (!options.smoke && !(options.json && options.jsonFile === undefined)) printLatencies(10_000);
