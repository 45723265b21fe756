import { MEASURES, type Measure, meanOf, valuesOf } from "./outcome-report.js";
import type { OutcomeResult } from "./run-outcome.js";

const BAR = { height: 16, gap: 6, label: 96, width: 300, right: 70 } as const;
const TOP = 34;

/** Bars of one measure, a policy each, with the 95 % interval over seeds. */
export function measureSvg(result: OutcomeResult, measure: Measure): string {
  const policies = [...new Set(result.runs.map(({ policy }) => policy))];
  const bars = policies.map((policy) => ({
    policy,
    ...meanOf(valuesOf(result.runs, policy, measure)),
  }));
  const most = Math.max(...bars.map(({ interval }) => interval[1]), Number.MIN_VALUE);
  const x = (value: number): string => (BAR.label + (value / most) * BAR.width).toFixed(1);
  const rows = bars.map(({ policy, mean, interval }, index) => {
    const y = TOP + index * (BAR.height + BAR.gap);
    const middle = y + BAR.height / 2;
    const colour = policy.startsWith("reprise") ? "#2b6cb0" : "#a0aec0";
    return [
      `<text x="${BAR.label - 6}" y="${y + 12}" text-anchor="end">${policy}</text>`,
      `<rect x="${BAR.label}" y="${y}" width="${((mean / most) * BAR.width).toFixed(1)}"` +
        ` height="${BAR.height}" fill="${colour}"/>`,
      `<path d="M${x(interval[0])} ${middle}H${x(interval[1])}" stroke="#1a202c"/>`,
      `<text x="${Number(x(interval[1])) + 6}" y="${y + 12}">${mean.toPrecision(3)}</text>`,
    ].join("");
  });
  const height = TOP + policies.length * (BAR.height + BAR.gap) + 8;
  const title = measure.unit === "" ? measure.name : `${measure.name}, ${measure.unit}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${BAR.label + BAR.width + BAR.right} ${height}"`,
    ` font-family="sans-serif" font-size="11" fill="#444">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="18" font-size="13">${title.trim()}</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

/** What is drawn, by the name of its file. */
export const PICTURED: ReadonlyMap<string, Measure> = new Map(
  [
    ["lost-work", "work lost"],
    ["score", "score: work lost and missed"],
    ["repeats", "again within an hour"],
    ["unused", "reserved and unused"],
    ["served", "restarts at once and always served"],
  ].flatMap(([file = "", name]) => {
    const measure = MEASURES.find((each) => each.name === name);
    return measure === undefined ? [] : [[file, measure] as const];
  }),
);
