/**
 * A what-if without a server: pasted samples and rooms in, an envelope and a verdict out. It knows no
 * page, so that Node can run it too.
 */
import { PHASES, QUANTILES, RESOURCES } from "../../build/js/host/core/abi.js";
import { Adviser, DEFER, PROCEED } from "../../build/js/host/core/adviser.js";

const NODES_MAX = 64;
const NODE = [16, 64, 1_000, 500];
/** Midnight, 1 October 2013 UTC: minute 0 of what is pasted. */
const START_SECONDS = 1_380_585_600;

/** Numbers of each line that is not empty; a number that is missing is NaN. */
export function parseTable(text, columns) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    const words = line.split(",");
    if (words.length > columns) throw new Error(`line ${index + 1} has more than ${columns} numbers`);
    return Array.from({ length: columns }, (_, column) => {
      const word = (words[column] ?? "").trim();
      if (word === "") return Number.NaN;
      const value = Number(word);
      if (Number.isNaN(value)) throw new Error(`line ${index + 1}: "${word}" is no number`);
      return value;
    });
  });
}

/** The tensors of a safetensors file: 8 bytes of length, a JSON header, the payload. */
export function readTensors(buffer) {
  const headerBytes = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerBytes)));
  const tensors = {};
  for (const [name, { data_offsets: offsets, dtype }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F32") throw new Error(`${name} is ${dtype}, F32 is expected`);
    const [from, to] = offsets.map((offset) => 8 + headerBytes + offset);
    tensors[name] = new Float32Array(buffer.slice(from, to));
  }
  const hiddenSize = header["gru.weight_hh_l0"].shape[1];
  const inputSize = header["gru.weight_ih_l0"].shape[1];
  return { tensors, inputSize, hiddenSize, summarySize: header["head.0.weight"].shape[1] - hiddenSize };
}

export class WhatIf {
  #adviser;

  /** @param module the release binary, compiled; @param weights of `readTensors` */
  constructor(module, weights) {
    const unitWeights = NODE.map((amount) => 1 / amount);
    this.#adviser = new Adviser({ module, weights, maxInstances: 8, maxNodes: NODES_MAX, unitWeights });
  }

  /** @param question texts as they were pasted: samples, limits, outage, nodes */
  ask(question) {
    const samples = parseTable(question.samples, 5);
    const [limits = [Number.NaN, Number.NaN]] = parseTable(question.limits, 2);
    const [[outageMinutes] = [10]] = parseTable(question.outage, 1);
    const rooms = parseTable(question.nodes, 4);
    if (rooms.length > NODES_MAX) throw new Error(`more than ${NODES_MAX} nodes`);
    const adviser = this.#adviser;
    // Forgets the question before.
    adviser.enter(0, [Number.NaN, Number.NaN, Number.NaN, Number.NaN], 10);
    adviser.leave(0);
    adviser.enter(0, [...limits, Number.NaN, Number.NaN], outageMinutes);
    let dropped = 0;
    for (const [minutes, ...use] of samples) {
      const values = Float64Array.from({ length: 8 }, (_, index) => use[index] ?? Number.NaN);
      if (!adviser.offer(0, START_SECONDS + 60 * minutes, values, false)) dropped++;
    }
    adviser.refresh();
    for (let node = 0; node < NODES_MAX; node++) {
      const room = rooms[node] ?? NODE.map(() => Number.NaN);
      adviser.setRoom(node, room.flatMap((amount) => [amount, amount, amount]));
    }
    const verdict = adviser.consider(0);
    const envelope = new Float64Array(RESOURCES.length * PHASES.length * QUANTILES.length);
    adviser.profile(0, envelope);
    return {
      verdict: verdict === PROCEED ? "proceed" : verdict === DEFER ? "defer" : "unknown",
      node: adviser.node,
      short: RESOURCES.filter((_, resource) => (adviser.short >> (3 * resource)) & 7),
      isByLimit: adviser.isByLimit,
      need: [...adviser.need],
      envelope: [...envelope],
      taken: samples.length - dropped,
      dropped,
    };
  }
}
