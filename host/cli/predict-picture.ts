import { PHASE_END_MINUTES, QUANTILES, RESOURCES, type Resource } from "../core/abi.js";
import { readBitbrains } from "../sources/bitbrains/bitbrains-source.js";
import type { Sample } from "../sources/sample.js";
import type { Prediction } from "./predict.js";

const HISTORY_MINUTES = 180;
const MINUTE_MS = 60_000;
/** Samples average the interval before their time; a longer gap is not drawn over. */
const GAP_MS = 10 * MINUTE_MS;

const WIDTH = 960;
const HEIGHT = 560;
const PANEL = { width: 400, height: 180, left: 56, top: 68, rowGap: 68, columnGap: 72 };
/** Lightest for the highest quantile; the usage is drawn over them. */
const BANDS = ["#3b6ea5", "#7aa6d1", "#a9c8e6", "#d8e7f5"];
const BEFORE = "#6b7280";
const AFTER = "#c2410c";

const LEGEND_LEFT = [0, 190, 370, 470, 570, 670];

const LABELS: Readonly<Record<Resource, string>> = {
  cpu: "CPU, cores",
  memory: "memory, GiB",
  network: "network, Mbps",
  disk: "disk, MB/s",
};

/** Usage around one cut: what the prediction saw and what came after it. */
export async function readAround(input: string, prediction: Prediction): Promise<Sample[]> {
  const cutMs = prediction.at * 1_000;
  const fromMs = cutMs - HISTORY_MINUTES * MINUTE_MS;
  const toMs = cutMs + (prediction.outageMinutes + 60) * MINUTE_MS;
  const samples: Sample[] = [];
  for await (const event of readBitbrains(input, {
    instanceId: prediction.instance,
    afterMs: fromMs,
  })) {
    if (event.kind !== "sample") continue;
    if (event.sample.timeMs > toMs) break;
    samples.push(event.sample);
  }
  return samples;
}

/** One cut as an SVG of four panels: usage before, the outage, the envelope, usage after. */
export function predictionSvg(prediction: Prediction, samples: readonly Sample[]): string {
  const when = new Date(prediction.at * 1_000).toISOString().slice(0, 16).replace("T", " ");
  const title =
    `${prediction.instance}, cut at ${when} UTC, back after ` +
    `${prediction.outageMinutes} min (${prediction.modelVersion})`;
  const panels = RESOURCES.map((resource, index) => {
    const x = PANEL.left + (index % 2) * (PANEL.width + PANEL.columnGap);
    const y = PANEL.top + Math.floor(index / 2) * (PANEL.height + PANEL.rowGap);
    return `<g transform="translate(${x} ${y})">${panel(resource, prediction, samples)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}"`,
    ` font-family="system-ui, sans-serif" font-size="12" fill="#374151">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${PANEL.left}" y="28" font-size="15">${escapeText(title)}</text>`,
    ...panels,
    legend(),
    "</svg>\n",
  ].join("\n");
}

/** Minutes from the cut to the panel's x. */
function scaleX(prediction: Prediction): (minutes: number) => number {
  const span = HISTORY_MINUTES + prediction.outageMinutes + 60;
  return (minutes) => ((minutes + HISTORY_MINUTES) * PANEL.width) / span;
}

function panel(resource: Resource, prediction: Prediction, samples: readonly Sample[]): string {
  const table = prediction.envelope[resource];
  const values = samples.map((sample) => usedOf(sample, resource) ?? 0);
  const top = Math.max(...values, ...table.flat(), Number.MIN_VALUE) * 1.05;
  const x = scaleX(prediction);
  const y = (value: number) => PANEL.height - (value / top) * PANEL.height;
  const restart = x(prediction.outageMinutes);
  const boxes = table.flatMap((row, phase) => phaseBoxes(row, phase, { x, y, prediction }));
  return [
    `<text y="-10" font-weight="600">${LABELS[resource]}</text>`,
    rectangle({ x: x(0), y: 0, width: restart - x(0), height: PANEL.height }, "#f3f4f6"),
    ...boxes,
    usage(resource, samples, { x, y, prediction }),
    `<path d="M0 0V${PANEL.height}H${PANEL.width}" fill="none" stroke="#9ca3af"/>`,
    `<text x="-6" y="8" text-anchor="end">${compact(top)}</text>`,
    `<text x="-6" y="${PANEL.height}" text-anchor="end">0</text>`,
    `<text x="0" y="${PANEL.height + 16}">-3 h</text>`,
    `<text x="${fixed(x(0))}" y="${PANEL.height + 16}" text-anchor="middle">cut</text>`,
    `<text x="${PANEL.width}" y="${PANEL.height + 16}" text-anchor="end">+60 min</text>`,
    `<text x="${fixed(restart)}" y="${PANEL.height + 30}" text-anchor="middle">restart</text>`,
  ].join("");
}

interface Frame {
  readonly x: (minutes: number) => number;
  readonly y: (value: number) => number;
  readonly prediction: Prediction;
}

/** From the highest quantile down, so that lower ones are painted over it. */
function phaseBoxes(row: readonly number[], phase: number, frame: Frame): string[] {
  const { x, y, prediction } = frame;
  const start = prediction.outageMinutes + (phase === 0 ? 0 : (PHASE_END_MINUTES[phase - 1] ?? 0));
  const end = prediction.outageMinutes + (PHASE_END_MINUTES[phase] ?? 0);
  return row
    .map((value, level) =>
      rectangle(
        { x: x(start), y: y(value), width: x(end) - x(start), height: PANEL.height - y(value) },
        BANDS[level] ?? "",
      ),
    )
    .reverse();
}

/** Two lines: what the prediction could see, and what it could not. */
function usage(resource: Resource, samples: readonly Sample[], frame: Frame): string {
  const cutMs = frame.prediction.at * 1_000;
  const paths = new Map<string, string>([
    [BEFORE, ""],
    [AFTER, ""],
  ]);
  let previous: { readonly timeMs: number; readonly colour: string } | undefined;
  for (const sample of samples) {
    const value = usedOf(sample, resource);
    if (value === undefined) continue;
    const colour = sample.timeMs <= cutMs ? BEFORE : AFTER;
    const joined = previous?.colour === colour && sample.timeMs - previous.timeMs <= GAP_MS;
    const minutes = (sample.timeMs - cutMs) / MINUTE_MS;
    const point = `${fixed(frame.x(minutes))} ${fixed(frame.y(value))}`;
    paths.set(colour, `${paths.get(colour) ?? ""}${joined ? "L" : "M"}${point}`);
    previous = { timeMs: sample.timeMs, colour };
  }
  return [...paths]
    .filter(([, path]) => path !== "")
    .map(([colour, path]) => `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    .join("");
}

function usedOf(sample: Sample, resource: Resource): number | undefined {
  const { cpuCores, memoryGiB, networkMbps, disk } = sample;
  return { cpu: cpuCores, memory: memoryGiB, network: networkMbps, disk }[resource];
}

function legend(): string {
  const entries = [
    [BEFORE, "used before the cut (seen)"],
    [AFTER, "used after it (not seen)"],
    ...QUANTILES.map((level, index) => [BANDS[index] ?? "", `peak, P${Math.round(level * 100)}`]),
  ];
  const parts = entries.map(([colour, words], index) => {
    const x = PANEL.left + (LEGEND_LEFT[index] ?? 0);
    const mark = rectangle({ x, y: HEIGHT - 24, width: 12, height: 12 }, colour ?? "");
    return `${mark}<text x="${x + 18}" y="${HEIGHT - 14}">${words}</text>`;
  });
  return parts.join("");
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function rectangle(box: Box, fill: string): string {
  const { x, y, width, height } = box;
  const place = `x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}"`;
  return `<rect ${place} fill="${fill}"/>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function compact(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
