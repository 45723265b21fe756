import type { LabResult } from "./results.js";
import { granted, type LabPredictor, peakOf, type ScoredResource } from "./score.js";

const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [360, 150, 46, 34, 26] as const;
const COLUMNS = 3;
const LINES: readonly (readonly [LabPredictor, string])[] = [
  ["limit", "#999999"],
  ["vpa", "#d97706"],
  ["reprise", "#2563eb"],
];
const NEED = "#111111";
const NEED_HELD_OUT = "#dc2626";
const FIRST_PHASE = 0;

/** One panel a program: real peak of the first phase a restart, and what each had said. */
export function labSvg(results: readonly LabResult[], resource: ScoredResource): string {
  const programs = [...new Set(results.map(({ program }) => program))];
  const rows = Math.ceil(programs.length / COLUMNS);
  const width = COLUMNS * (WIDTH + GAP) + LEFT;
  const height = rows * (HEIGHT + GAP + TOP) + TOP;
  const panels = programs.map((program, index) => {
    const x = LEFT + (index % COLUMNS) * (WIDTH + GAP);
    const y = TOP + Math.floor(index / COLUMNS) * (HEIGHT + GAP + TOP);
    const own = results.filter((result) => result.program === program);
    return `<g transform="translate(${x} ${y})">${panel(program, own, resource)}</g>`;
  });
  const names = [...LINES, ["need", NEED] as const, ["need, held out", NEED_HELD_OUT] as const];
  const legend = names
    .map(
      ([name, colour], at) => `<text x="${LEFT + at * 90}" y="12" fill="${colour}">${name}</text>`,
    )
    .join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>` +
    `${legend}${panels.join("")}</svg>\n`
  );
}

function panel(program: string, own: readonly LabResult[], resource: ScoredResource): string {
  const said = LINES.map(([name, colour]) => ({
    colour,
    values: own.map((result) => granted(result, name, resource, FIRST_PHASE)),
  }));
  const peaks = own.map((result) => peakOf(result, resource, FIRST_PHASE));
  const all = [...said.flatMap(({ values }) => values), ...peaks].filter(Number.isFinite);
  const top = Math.max(1e-6, ...all) * 1.05;
  const x = (index: number) => (((index + 0.5) / Math.max(1, own.length)) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - (value / top) * HEIGHT).toFixed(1);
  const lines = said.map(({ colour, values }) => {
    const points = values.flatMap((value, index) =>
      Number.isFinite(value) ? [`${x(index)},${y(value)}`] : [],
    );
    return `<polyline fill="none" stroke="${colour}" points="${points.join(" ")}"/>`;
  });
  const dots = peaks.flatMap((peak, index) =>
    Number.isFinite(peak)
      ? [`<circle cx="${x(index)}" cy="${y(peak)}" r="2.2" fill="${dotColour(own[index])}"/>`]
      : [],
  );
  const axis = `<path d="M0 0V${HEIGHT}H${WIDTH}" fill="none" stroke="#666666"/>`;
  const scale = `<text x="-4" y="8" text-anchor="end">${top.toPrecision(2)}</text>`;
  const title = `<text x="4" y="-6">${program}: ${resource}, first phase, restart by restart</text>`;
  return axis + scale + title + lines.join("") + dots.join("");
}

/** Nothing was learnt from the held-out ones. */
function dotColour(result: LabResult | undefined): string {
  return result?.heldOut === true ? NEED_HELD_OUT : NEED;
}
