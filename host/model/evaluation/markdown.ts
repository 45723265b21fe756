import { COMPARED } from "../baselines/instance-baselines.js";
import type { Change } from "./bootstrap.js";
import type { ResourceReport, SetReport } from "./set-report.js";

const PHASES = ["0-10", "10-30", "30-60"] as const;

/** One set as Markdown tables, headline first. */
export function setMarkdown(report: SetReport): string {
  return [
    `### ${report.set}`,
    "",
    `${count(report.instances)} instances, ${count(report.events)} events.`,
    "",
    ...headline(report),
    "",
    ...coverageTable(report),
    "",
    ...everyBaseline(report),
    "",
    ...costTable(report),
    "",
    ...byPhase(report),
    "",
  ].join("\n");
}

function headline({ resources }: SetReport): string[] {
  return table(
    [
      "aPin95",
      "truths",
      "network",
      "best baseline",
      "its aPin95",
      "against it, %",
      "VPA",
      "against VPA, %",
    ],
    resources.map((own) => [
      own.resource,
      count(own.network.all.truths),
      `**${four(own.network.aPin95)}**`,
      own.best,
      four(lossOf(own, own.best)),
      changed(own.againstBest),
      four(lossOf(own, "VPA")),
      changed(own.againstVpa),
    ]),
  );
}

function lossOf(own: ResourceReport, name: string): number {
  return own.baselines.find((baseline) => baseline.name === name)?.aPin95 ?? Number.NaN;
}

function coverageTable({ resources, joint }: SetReport): string[] {
  const all = resources[0]?.network.weeks ?? [];
  // Restarts lie anywhere in the trace; a column for each week would hold one or two of them.
  const weeks = all.some(({ week }) => week < 1) ? [] : all.map(({ week }) => `week ${week}`);
  const together = joint[0]?.coverage ?? Number.NaN;
  return [
    ...table(
      ["coverage", ".5", ".9", ".95", ".99", ...weeks.map((w) => `.95, ${w}`), "below .85, %"],
      resources.map(({ resource, network }) => [
        resource,
        ...network.all.levels.map(three),
        ...weeks.map((_, index) => three(network.weeks[index]?.coverage ?? Number.NaN)),
        one(100 * network.shareBelow85),
      ]),
    ),
    "",
    `All four resources at once at .95: network ${three(together)}; the baselines ` +
      `${joint
        .slice(1)
        .map(({ name, coverage }) => `${name} ${three(coverage)}`)
        .join(", ")}.`,
  ];
}

/** aPin95 of every predictor, in its best form. */
function everyBaseline({ resources }: SetReport): string[] {
  return table(
    ["aPin95", ...resources.map(({ resource }) => resource)],
    [
      ["network", ...resources.map(({ network }) => `**${four(network.aPin95)}**`)],
      ...COMPARED.map((name) => [name, ...resources.map((own) => four(lossOf(own, name)))]),
    ],
  );
}

/** Coverage, slack, deficit and wQL95 of the network, of the best and of every other predictor. */
function costTable({ resources }: SetReport): string[] {
  const cell = (m: { coverage: number; slack: number; deficit: number; wQL95: number }) =>
    `${three(m.coverage)} / ${two(m.slack)} / ${three(m.deficit)} / ${three(m.wQL95)}`;
  return table(
    ["coverage / slack / deficit / wQL95", ...resources.map(({ resource }) => resource)],
    [
      ["network", ...resources.map(({ network }) => cell(network.all))],
      [
        "its limit",
        ...resources.map(({ limit }) =>
          limit === undefined ? "-" : `${three(limit.coverage)} / ${two(limit.slack)} / - / -`,
        ),
      ],
      ...COMPARED.map((name, index) => [
        name,
        ...resources.map(({ baselines }) => {
          const all = baselines[index]?.all;
          return all === undefined ? "" : cell(all);
        }),
      ]),
    ],
  );
}

function byPhase({ resources }: SetReport): string[] {
  return table(
    [
      "minutes after the restart",
      "aPin95 network",
      "best baseline",
      "coverage .95",
      "slack",
      "deficit",
      "wQL95",
      "CRPS",
    ],
    resources.flatMap((own) =>
      own.network.phases.map((phase, index) => [
        `${own.resource}, ${PHASES[index] ?? ""}`,
        four(phase.aPin95),
        four(
          own.baselines.find(({ name }) => name === own.best)?.phases[index]?.aPin95 ?? Number.NaN,
        ),
        three(phase.coverage),
        two(phase.slack),
        three(phase.deficit),
        three(phase.wQL95),
        four(phase.crps),
      ]),
    ),
  );
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)];
}

function changed({ change, interval }: Change): string {
  return `${one(100 * change)} [${interval.map((part) => one(100 * part)).join(", ")}]`;
}

const digits = (places: number) => (value: number) =>
  Number.isFinite(value) ? value.toFixed(places) : "-";
const one = digits(1);
const two = digits(2);
const three = digits(3);
const four = digits(4);

function count(value: number): string {
  return `${value}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Changes against the best baseline in one line, for a screen. */
export function setLine({ set, resources }: SetReport): string {
  const parts = resources.map(
    ({ resource, best, againstBest }) => `${resource} ${changed(againstBest)} % (${best})`,
  );
  return `${set}: ${parts.join("; ")}`;
}
