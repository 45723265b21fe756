import { table } from "../../model/evaluation/markdown.js";
import type { RestartReport } from "./restart-report.js";
import type { StreamReport } from "./stream-coverage.js";

/** Coverage of a streamed month, raw and tracked side by side. */
export function streamMarkdown({ set, instances, resources }: StreamReport): string {
  const count = resources[0]?.raw.weeks.length ?? 0;
  const weeks = Array.from({ length: count }, (_, week) => `.95, week ${week + 1}`);
  const header = ["raw / tracked", "truths", ".5", ".9", ".95", ".99", ...weeks];
  return [
    `### Streamed shadow cuts, ${set}`,
    "",
    `${instances} instances.`,
    "",
    ...table(
      [...header, "below .85, %", "aPin95"],
      resources.map(({ resource, raw, tracked }) => {
        const both = (of: (figures: typeof raw) => number, places: number, times = 1) =>
          `${number(times * of(raw), places)} / ${number(times * of(tracked), places)}`;
        return [
          resource,
          `${tracked.truths}`,
          ...raw.levels.map((_, k) => both(({ levels }) => levels[k] ?? Number.NaN, 3)),
          ...weeks.map((_, week) => both((one) => one.weeks[week] ?? Number.NaN, 3)),
          both(({ shareBelow85 }) => shareBelow85, 1, 100),
          both(({ aPin95 }) => aPin95, 4),
        ];
      }),
    ),
    "",
  ].join("\n");
}

/** What was granted at restarts, a table a set. */
export function restartMarkdown({ set, restarts, instances, resources }: RestartReport): string {
  const names = resources.flatMap(({ grants }) => grants.map(({ name }) => name));
  return [
    `### Restarts, ${set}`,
    "",
    `${restarts} restarts of ${instances} instances.`,
    "",
    ...table(
      [
        "coverage [95 %] / slack / slack of limit's",
        ...resources.map(({ resource, level }) => `${resource} at ${level}`),
      ],
      [...new Set(names)].map((name) => [
        name,
        ...resources.map(({ grants }) => {
          const one = grants.find((grant) => grant.name === name);
          if (one === undefined) return "-";
          const interval = one.interval.map((share) => number(share, 2)).join(", ");
          const part = one.ofLimit === undefined ? "-" : number(one.ofLimit, 3);
          return `${number(one.coverage, 3)} [${interval}] / ${number(one.slack, 2)} / ${part}`;
        }),
      ]),
    ),
    "",
  ].join("\n");
}

function number(value: number, places: number): string {
  return Number.isFinite(value) ? value.toFixed(places) : "-";
}
