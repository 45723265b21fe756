import { QUANTILES, RESOURCES } from "../../core/abi.js";
import type { Amounts, ScoreTable } from "./score-table.js";
import type { SetReport } from "./set-report.js";

const SIDE = 300;
const MARGIN = 44;
const GAP = 20;
const COLOURS = ["#2b6cb0", "#c05621", "#2f855a", "#805ad5"] as const;

/** One square plot: its title, axes and what is drawn in it. */
interface Panel {
  readonly title: string;
  readonly below: string;
  readonly beside: string;
  readonly body: string;
}

/** Puts panels side by side into one picture. */
function picture(panels: readonly Panel[]): string {
  const width = panels.length * (SIDE + MARGIN + GAP);
  const height = SIDE + 2 * MARGIN;
  const drawn = panels.map((panel, index) => {
    const left = MARGIN + index * (SIDE + MARGIN + GAP);
    return [
      `<g transform="translate(${left} ${MARGIN})">`,
      `<rect width="${SIDE}" height="${SIDE}" fill="none" stroke="#999"/>`,
      `<text x="${SIDE / 2}" y="-14" text-anchor="middle" font-size="14">${panel.title}</text>`,
      `<text x="${SIDE / 2}" y="${SIDE + 32}" text-anchor="middle">${panel.below}</text>`,
      `<text transform="translate(-30 ${SIDE / 2}) rotate(-90)" text-anchor="middle">` +
        `${panel.beside}</text>`,
      panel.body,
      "</g>",
    ].join("\n");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`,
    ` font-family="sans-serif" font-size="11" fill="#444">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

const diagonal = `<path d="M0 ${SIDE}L${SIDE} 0" stroke="#bbb" stroke-dasharray="4 4"/>`;

/** Share of truths under each quantile against the quantile's level, a line a resource. */
export function reliabilitySvg(report: SetReport): string {
  const at = (share: number) => (share * SIDE).toFixed(1);
  const up = (share: number) => (SIDE - share * SIDE).toFixed(1);
  const body = report.resources.map(({ resource, network }, index) => {
    const colour = COLOURS[index] ?? "#444";
    const points = network.all.levels.map((share, k) => [QUANTILES[k] ?? 0, share] as const);
    const dots = points.map(
      ([level, share]) => `<circle cx="${at(level)}" cy="${up(share)}" r="3" fill="${colour}"/>`,
    );
    const line = points.map(([level, share]) => `${at(level)},${up(share)}`).join(" ");
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${line}"/>`,
      ...dots,
      `<text x="10" y="${20 + 16 * index}" fill="${colour}">${resource}</text>`,
    ].join("\n");
  });
  return picture([
    {
      title: report.set,
      below: "level of the quantile",
      beside: "share of truths under it",
      body: [diagonal, ...body].join("\n"),
    },
  ]);
}

const POINTS_MAX = 300;

/** Amount at .95 against what came, both as asinh(value / scale), a panel a resource. */
export function scatterSvg(table: ScoreTable, amounts: Amounts, rows: readonly number[]): string {
  const panels = RESOURCES.flatMap((resource, index) => {
    const own = rows.filter((row) => Math.floor((table.column[row] ?? 0) / 3) === index);
    if (own.length === 0) return [];
    const step = Math.max(1, Math.ceil(own.length / POINTS_MAX));
    const shown = own.filter((_, order) => order % step === 0);
    const pairs = shown.map(
      (row) => [amounts.asinh[row] ?? 0, table.truth.asinh[row] ?? 0] as const,
    );
    const most = pairs.reduce((max, [a, b]) => Math.max(max, a, b), 0.1);
    const dots = pairs.map(([predicted, truth]) => {
      const x = ((predicted / most) * SIDE).toFixed(1);
      const y = (SIDE - (truth / most) * SIDE).toFixed(1);
      const colour = truth <= predicted ? COLOURS[0] : COLOURS[1];
      return `<circle cx="${x}" cy="${y}" r="1.6" fill="${colour}" fill-opacity=".5"/>`;
    });
    return [
      {
        title: resource,
        below: `predicted at .95, asinh of multiples of the mean, 0 to ${most.toFixed(1)}`,
        beside: "peak that came",
        body: [diagonal, ...dots].join("\n"),
      },
    ];
  });
  return picture(panels);
}

/** aPin95 by tenth of the size, the network's beside the best baseline's, a panel a resource. */
export function decileSvg(report: SetReport): string {
  const panels = report.resources.map(({ resource, deciles, best }) => {
    const finite = deciles.flatMap(({ aPin95, best: other }) => [aPin95, other]);
    const most = finite.filter(Number.isFinite).reduce((max, value) => Math.max(max, value), 1e-9);
    const width = SIDE / deciles.length;
    const bar = (value: number, left: number, colour: string) => {
      const height = Number.isFinite(value) ? (value / most) * (SIDE - 30) : 0;
      const y = (SIDE - height).toFixed(1);
      return (
        `<rect x="${left.toFixed(1)}" y="${y}" width="${(width * 0.4).toFixed(1)}"` +
        ` height="${height.toFixed(1)}" fill="${colour}"/>`
      );
    };
    const bars = deciles.map(
      ({ aPin95, best: other }, tenth) =>
        bar(aPin95, tenth * width + 0.1 * width, COLOURS[0]) +
        bar(other, tenth * width + 0.5 * width, "#bbb"),
    );
    return {
      title: `${resource}, grey: ${best}`,
      below: "blue: network; tenths of the truths, small instances to large",
      beside: `aPin95, 0 to ${most.toFixed(3)}`,
      body: bars.join("\n"),
    };
  });
  return picture(panels);
}
