import type { OutcomePolicyName } from "./outcome-policies.js";
import {
  type Estimate,
  MEASURES,
  type Measure,
  meanOf,
  pairedChange,
  valuesOf,
} from "./outcome-report.js";
import type { OutcomeResult } from "./run-outcome.js";

/** Compared with these, where they were played. */
const YARDSTICKS = ["kube", "reprise-sum", "oracle"] as const;
const OURS = "reprise";

/** The report for people: means over seeds, then paired differences with their intervals. */
export function outcomeMarkdown(result: OutcomeResult): string {
  const policies = [...new Set(result.runs.map(({ policy }) => policy))];
  const seeds = new Set(result.runs.map(({ seed }) => seed)).size;
  const sections = [
    "# What the decisions were worth",
    `${result.vms} VMs on ${result.nodes} nodes, ${result.from.slice(0, 16)} to ` +
      `${result.to.slice(0, 16)} UTC, ${seeds} seeds; ${result.losses} capacity losses and ` +
      `${result.planned} planned interruptions in all; model ${result.modelVersion}.`,
    "Means over seeds:",
    table(
      ["", ...policies],
      MEASURES.map((measure) => [
        label(measure),
        ...policies.map((policy) => number(meanOf(valuesOf(result.runs, policy, measure)).mean)),
      ]),
    ),
  ];
  for (const other of YARDSTICKS) {
    if (!policies.includes(other) || !policies.includes(OURS)) continue;
    sections.push(`\`${OURS}\` against \`${other}\`, the same worlds, 95 % intervals over seeds:`);
    sections.push(table(["", "change", "from", "to"], changes(result, other)));
  }
  return `${sections.join("\n\n")}\n`;
}

function changes(result: OutcomeResult, other: OutcomePolicyName): string[][] {
  return MEASURES.flatMap((measure) => {
    const change = pairedChange(
      valuesOf(result.runs, OURS, measure),
      valuesOf(result.runs, other, measure),
    );
    return Number.isNaN(change.mean) ? [] : [[label(measure), ...percents(change)]];
  });
}

function percents({ mean, interval }: Estimate): string[] {
  return [mean, ...interval].map((value) => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)} %`);
}

function label({ name, unit }: Measure): string {
  return unit === "" ? name : `${name}, ${unit}`;
}

function number(value: number): string {
  if (Number.isNaN(value)) return "-";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
