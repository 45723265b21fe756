/**
 * A scheduler's loop around `reprise/core`.
 *
 *     node examples/scheduler-loop/loop.mjs [--calls 100000] [--nodes 10000] [--instances 1000]
 *
 * Each turn is one scheduling decision: an instance is a candidate for interruption, the adviser says
 * whether it would find room again and where, and the room is held until its restart is over, some
 * hundred turns later. Every so often samples arrive and the answers are refreshed, off the hot path.
 * What is printed is the latency of `consider` alone, call by call, reading the clock included.
 */
import { createHistogram } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { readWeights, shippedWeightsFile } from "reprise";
import { Adviser, compileBinary, DEFER, needColumn, PROCEED, RESOURCES, UNKNOWN } from "reprise/core";

const { values: options } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    nodes: { type: "string", default: "10000" },
    instances: { type: "string", default: "1000" },
  },
});
const [calls, nodes, instances] = [options.calls, options.nodes, options.instances].map(Number);

const NODE = [16, 64, 1_000, 500];
const ROUND_SECONDS = 300;
const CALLS_PER_ROUND = 20_000;
const HELD_TURNS = 400;

/** A xorshift generator: the same cluster in every run. */
let state = 0x9e3779b9;
function uniform() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const adviser = new Adviser({
  module: compileBinary("release"),
  weights: readWeights(shippedWeightsFile()),
  maxInstances: instances,
  maxNodes: nodes,
  unitWeights: NODE.map((amount) => 1 / amount),
});

// Nodes are between a tenth and wholly full, a resource at a time; room is the same in all phases.
const room = new Float64Array(12);
for (let node = 0; node < nodes; node++) {
  for (let resource = 0; resource < 4; resource++) {
    const left = NODE[resource] * 0.9 * uniform() ** 4;
    for (let phase = 0; phase < 3; phase++) room[needColumn(resource, phase)] = left;
  }
  adviser.setRoom(node, room);
}

const sizes = Float64Array.from({ length: instances }, () => 0.1 + 16 * uniform() ** 6);
for (let slot = 0; slot < instances; slot++) {
  adviser.enter(slot, [4 * sizes[slot], 8 * sizes[slot], Number.NaN, Number.NaN], 10);
}

const values = new Float64Array(8).fill(Number.NaN);
let seconds = 1_380_585_600;
function takeSamples() {
  seconds += ROUND_SECONDS;
  for (let slot = 0; slot < instances; slot++) {
    const size = sizes[slot];
    values[0] = size * (0.5 + uniform());
    values[1] = size * (2 + uniform());
    values[2] = size * 20 * uniform();
    values[3] = size * 5 * uniform();
    adviser.offer(slot, seconds, values, false);
  }
  adviser.refresh();
}
for (let round = 0; round < 14; round++) takeSamples();

// What is held, in a ring: the oldest is freed when its place is needed again.
const heldNode = new Int32Array(HELD_TURNS).fill(-1);
const heldNeed = Array.from({ length: HELD_TURNS }, () => new Float64Array(12));

const verdicts = [0, 0, 0];
const short = new Array(RESOURCES.length).fill(0);
const histogram = createHistogram();
/** Calls that took at most 2^band nanoseconds, and more than half of that. */
const bands = new Uint32Array(33);

// The engine compiles the loop first; a scheduler that runs for weeks does not see those calls.
const warmUp = Math.min(10_000, calls);

function decide(turn) {
  const place = turn % HELD_TURNS;
  if (heldNode[place] >= 0) adviser.free(heldNode[place], heldNeed[place]);
  heldNode[place] = -1;
  const slot = Math.floor(uniform() * instances);
  const before = process.hrtime.bigint();
  const verdict = adviser.consider(slot);
  const took = Number(process.hrtime.bigint() - before);
  verdicts[verdict]++;
  if (verdict === PROCEED) {
    heldNode[place] = adviser.node;
    heldNeed[place].set(adviser.need);
    adviser.hold(adviser.node, adviser.need);
  } else if (verdict === DEFER) {
    RESOURCES.forEach((_, resource) => {
      if (turn >= warmUp && (adviser.short >> needColumn(resource, 0)) & 7) short[resource]++;
    });
  }
  return took;
}

for (let turn = 0; turn < warmUp + calls; turn++) {
  if (turn % CALLS_PER_ROUND === CALLS_PER_ROUND - 1) takeSamples();
  const took = decide(turn);
  if (turn < warmUp) {
    if (turn === warmUp - 1) verdicts.fill(0);
    continue;
  }
  histogram.record(Math.max(1, took));
  bands[32 - Math.clz32(took - 1)]++;
}

const us = (nanoseconds) => `${(nanoseconds / 1e3).toFixed(1)} us`;
console.log(`${calls} decisions, ${instances} instances, ${nodes} nodes, after ${warmUp} to warm up`);
console.log(
  `proceed ${verdicts[PROCEED]}, defer ${verdicts[DEFER]}, unknown ${verdicts[UNKNOWN]};` +
    ` no node has enough: ${RESOURCES.map((name, index) => `${name} ${short[index]}`).join(", ")}`,
);
for (const level of [50, 90, 99, 99.9, 99.99]) {
  console.log(`p${level}`.padEnd(8), us(histogram.percentile(level)).padStart(12));
}
console.log("max".padEnd(8), us(histogram.max).padStart(12));

for (const [band, count] of bands.entries()) {
  if (count === 0) continue;
  const bar = "#".repeat(Math.ceil((60 * count) / calls));
  console.log(`<= ${us(2 ** band).padStart(11)} ${String(count).padStart(8)} ${bar}`);
}
