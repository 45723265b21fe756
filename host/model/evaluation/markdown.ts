import type { Change } from "./bootstrap.js";
import type { Measures } from "./measures.js";
import type { Spread } from "./seed-spread.js";
import type { ContenderFigures, ResourceReport, SetReport } from "./set-report.js";

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
    ...seedTable(report),
    ...coverageTable(report),
    "",
    ...everyContender(report),
    "",
    ...ablationTable(report),
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
      four(figuresOf(own, own.best).aPin95),
      changed(own.againstBest),
      four(figuresOf(own, "VPA").aPin95),
      changed(own.againstVpa),
    ]),
  );
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

/** aPin95 and CRPS of every predictor, in its best form. */
function everyContender({ resources }: SetReport): string[] {
  const cell = ({ aPin95, crps }: { aPin95: number; crps: number }) =>
    `${four(aPin95)} / ${four(crps)}`;
  return table(
    ["aPin95 / CRPS", ...resources.map(({ resource }) => resource)],
    [
      [
        "network",
        ...resources.map(
          ({ network }) => `**${four(network.aPin95)}** / ${four(network.all.crps)}`,
        ),
      ],
      ...namesOf(resources).map((name) => [
        name,
        ...resources.map((own) => cell(figuresOf(own, name))),
      ]),
    ],
  );
}

/** Names of the baselines, then of the ablations. */
function namesOf(resources: readonly ResourceReport[]): string[] {
  const [first] = resources;
  return [...(first?.baselines ?? []), ...(first?.ablations ?? [])].map(({ name }) => name);
}

function figuresOf(own: ResourceReport, name: string): ContenderFigures {
  return [...own.baselines, ...own.ablations].find((one) => one.name === name) as ContenderFigures;
}

/** How much lower the network's loss is than that of each ablation. */
function ablationTable({ resources }: SetReport): string[] {
  const names = resources[0]?.ablations.map(({ name }) => name) ?? [];
  if (names.length === 0) return [];
  const rows = names.map((name, index) => [
    name,
    ...resources.map(({ ablations }) => {
      const one = ablations[index];
      return one === undefined ? "-" : changed(one.against);
    }),
  ]);
  return [
    ...table(
      ["aPin95 of the network against it, %", ...resources.map(({ resource }) => resource)],
      rows,
    ),
    "",
  ];
}

/** Figures over the seeds of training: mean, lowest and highest. */
function seedTable({ resources }: SetReport): string[] {
  const rows = resources.flatMap(({ resource, best, seeds }) => {
    if (seeds === undefined) return [];
    const cells = [
      over(seeds.aPin95, four),
      over(seeds.againstBest, percent),
      over(seeds.againstVpa, percent),
      over(seeds.coverage, three),
      over(seeds.crps, four),
      over(seeds.slack, two),
      over(seeds.deficit, three),
    ];
    return [[`${resource}, ${best}`, ...cells]];
  });
  if (rows.length === 0) return [];
  const header = ["aPin95", "against it, %", "against VPA, %", "coverage .95", "CRPS", "slack"];
  return [...table(["all seeds, best baseline", ...header, "deficit"], rows), ""];
}

function over({ mean, min, max }: Spread, format: (value: number) => string): string {
  return `${format(mean)} (${format(min)}..${format(max)})`;
}

/** Coverage, slack, deficit and wQL95 of the network, of the best and of every other predictor. */
function costTable({ resources }: SetReport): string[] {
  const cell = (m: Measures) =>
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
      ...namesOf(resources).map((name) => [
        name,
        ...resources.map((own) => cell(figuresOf(own, name).all)),
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
      "best CRPS of a baseline",
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
        four(Math.min(...own.baselines.map(({ phases }) => phases[index]?.crps ?? Number.NaN))),
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
const percent = (value: number) => one(100 * value);
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
