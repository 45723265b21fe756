/** The page: loads the core and the weights, asks again at every change. */
import { PHASES, QUANTILES, RESOURCES } from "../../build/js/host/core/abi.js";
import { readTensors, WhatIf } from "./what-if.js";

const UNITS = ["cores", "GiB", "Mbps", "MB/s"];
const byId = (id) => document.getElementById(id);

// A web server at work every five minutes for six hours, drawn by a wave.
byId("samples").value = Array.from({ length: 72 }, (_, step) => {
  const wave = 1 + Math.sin(step / 5);
  const numbers = [0.4 + 0.6 * wave, 2 + 0.02 * step, 20 * wave, 1 + wave];
  return [step * 5, ...numbers.map((value) => value.toFixed(2))].join(", ");
}).join("\n");
byId("nodes").value = "1, 2, 1000, 500\n6, 10, 1000, 500\n16, 64, 1000, 500";

function fetched(path) {
  return fetch(new URL(path, import.meta.url)).then((response) => {
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.arrayBuffer();
  });
}

function row(cells, tag) {
  const line = document.createElement("tr");
  for (const [index, text] of cells.entries()) {
    const cell = document.createElement(index === 0 || tag === "th" ? "th" : "td");
    cell.scope = tag === "th" ? "col" : "row";
    if (index > 0 && tag === "td") cell.removeAttribute("scope");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

function show(answer) {
  const place = `node ${answer.node + 1}`;
  const missing =
    answer.short.length > 0 ? `no node has enough ${answer.short.join(", ")}` : "no node has all of it";
  const texts = {
    proceed: `Proceed: ${place} has room for it, with the least left over.`,
    defer: `Defer: ${missing}.`,
    unknown: "Unknown: fewer than 12 samples, and neither a limit nor any use seen of some resource.",
  };
  byId("verdict").className = answer.verdict;
  byId("verdict").textContent = texts[answer.verdict];
  const table = byId("envelope");
  const levels = QUANTILES.map((level) => `P${Math.round(100 * level)}`);
  table.replaceChildren(row(["", ...levels, "need"], "th"));
  RESOURCES.forEach((resource, r) => {
    PHASES.forEach((phase, p) => {
      const column = 3 * r + p;
      const numbers = answer.envelope.slice(4 * column, 4 * column + 4);
      const cells = [...numbers, answer.need[column]].map((value) => value.toFixed(2));
      table.append(row([`${resource}, ${UNITS[r]}, ${phase} min`, ...cells], "td"));
    });
  });
  const basis = answer.isByLimit ? "The need is the limit or the largest use seen." : "";
  byId("note").textContent = `${answer.taken} samples taken, ${answer.dropped} dropped. ${basis}`;
  document.body.dataset.answer = JSON.stringify(answer);
}

function fail(error) {
  byId("verdict").className = "wrong";
  byId("verdict").textContent = `${error.message ?? error}`;
}

try {
  const [binary, weights] = await Promise.all([
    fetched("../../build/wasm/release.wasm"),
    fetched("../../host/model/weights/reprise-h32.safetensors"),
  ]);
  const whatIf = new WhatIf(await WebAssembly.compile(binary), readTensors(weights));
  const ask = () => {
    try {
      const fields = ["samples", "limits", "outage", "nodes"].map((id) => [id, byId(id).value]);
      show(whatIf.ask(Object.fromEntries(fields)));
    } catch (error) {
      fail(error);
    }
  };
  byId("form").addEventListener("input", ask);
  ask();
} catch (error) {
  fail(error);
}
