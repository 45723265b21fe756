import type { EpochReport } from "../training/trainer.js";

const WIDTH = 640;
const HEIGHT = 320;
const MARGIN = 48;

/** The learning curve as a small picture: loss by epoch of training and of both validations. */
export function curveSvg(epochs: readonly EpochReport[]): string {
  const losses = epochs.flatMap(({ trainLoss, laterLoss, otherLoss }) => [
    trainLoss,
    laterLoss,
    otherLoss,
  ]);
  const low = Math.min(...losses);
  const high = Math.max(...losses);
  const x = (index: number) =>
    MARGIN + (index * (WIDTH - 2 * MARGIN)) / Math.max(1, epochs.length - 1);
  const y = (loss: number) =>
    HEIGHT - MARGIN - ((loss - low) * (HEIGHT - 2 * MARGIN)) / Math.max(high - low, 1e-9);
  const line = (pick: (report: EpochReport) => number, colour: string) => {
    const points = epochs.map(
      (report, index) => `${x(index).toFixed(1)},${y(pick(report)).toFixed(1)}`,
    );
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(" ")}"/>`;
  };
  const text = (left: number, top: number, words: string, colour = "#444") =>
    `<text x="${left}" y="${top}" fill="${colour}">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}"`,
    ` font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<path d="M${MARGIN} ${MARGIN}V${HEIGHT - MARGIN}H${WIDTH - MARGIN}" fill="none" stroke="#999"/>`,
    line(({ trainLoss }) => trainLoss, "#2b6cb0"),
    line(({ laterLoss }) => laterLoss, "#c05621"),
    line(({ otherLoss }) => otherLoss, "#2f855a"),
    text(MARGIN, MARGIN - 12, `mean quantile loss, ${low.toFixed(4)} to ${high.toFixed(4)}`),
    text(WIDTH - 2 * MARGIN - 110, MARGIN, "training", "#2b6cb0"),
    text(WIDTH - 2 * MARGIN - 110, MARGIN + 18, "the same VMs, later", "#c05621"),
    text(WIDTH - 2 * MARGIN - 110, MARGIN + 36, "other VMs", "#2f855a"),
    text(WIDTH / 2 - 60, HEIGHT - 14, `epochs 1 to ${epochs.length}`),
    `</svg>\n`,
  ].join("\n");
}
