import { RESOURCES } from "../core/abi.js";
import type { ReplayReport } from "../replay/report.js";
import type { PolicyReport } from "../replay/run-policy.js";
import { formatTable } from "./output.js";

type Line = readonly [string, (report: PolicyReport) => string];

const HAPPENED: readonly Line[] = [
  ["interruptions, planned", (of) => `${of.interruptions.planned}`],
  ["interruptions for a capacity loss", (of) => `${of.interruptions.reclaim}`],
  ["evicted, no room made in time", (of) => `${of.interruptions.evicted}`],
  ["  again within an hour", (of) => `${of.repeatedWithinHour}`],
  ["capacity losses met / missed", (of) => `${of.reclaims.met} / ${of.reclaims.missed}`],
  ["deferrals", (of) => `${of.deferrals}`],
  ["  requests deferred", (of) => `${of.deferredRequests}`],
  ["  granted by retryAt / not", (of) => `${of.grantedByRetryAt} / ${of.missedRetryAt}`],
  ["  granted at the first try", (of) => `${of.grantedAtFirstRetry}`],
  ["  forced at the deadline", (of) => `${of.forcedDeferred}`],
  [
    "  minutes named / waited, median",
    (of) => `${of.namedMinutes.toFixed(0)} / ${of.waitedMinutes.toFixed(0)}`,
  ],
  ["refusals", (of) => `${of.refusals}`],
  ["forced with a shortfall", (of) => `${of.forced}`],
  ["shrinks of neighbours", (of) => `${of.shrinks}`],
  [
    "reservations used / unused",
    (of) => `${of.reservations.used} / ${of.reservations.unused + of.reservations.open}`,
  ],
  ["  CPU reserved and unused, core-hours", (of) => of.reservations.unusedCoreHours.toFixed(2)],
];

const RESTARTS: readonly Line[] = [
  ["restarts granted", (of) => `${of.restarts.granted}`],
  ["  into reserved room", (of) => `${of.restarts.reserved}`],
  ["  with less than asked for", (of) => `${of.restarts.short}`],
  ["restarts that had to wait", (of) => `${of.restarts.waited + of.restarts.stillWaiting}`],
  ["  minutes waited, all", (of) => `${waited(of)}`],
  ["  still waiting at the end", (of) => `${of.restarts.stillWaiting}`],
  ...RESOURCES.flatMap((resource): Line[] => [
    [`${resource}: need covered`, (of) => percent(of.need[resource].coverage)],
    ["  of those granted whole", (of) => percent(of.needOfWhole[resource].coverage)],
    [`${resource}: slack`, (of) => percent(of.need[resource].slack)],
  ]),
  ["overload, node-minutes", (of) => `${of.overloadMinutes}`],
  ["work lost since checkpoints, core-hours", (of) => of.lostCoreHours.toFixed(2)],
  ["work not done while waiting, core-hours", (of) => of.waitingCoreHours.toFixed(2)],
];

/** The report for people. */
export function formatReplay(report: ReplayReport): string {
  const { input, policies, notes, timing } = report;
  const header = ["", ...policies.map((policy) => policy.policy)];
  const rows = [...HAPPENED, ...RESTARTS].map(([name, show]) => [name, ...policies.map(show)]);
  const day = (time: string): string => time.slice(0, 16).replace("T", " ");
  return [
    `${input.vms} VMs (${input.vmsNeverTrainedOn} never trained on) on ${input.nodes} nodes, ` +
      `${input.capacityCores.toFixed(1)} cores, ${input.capacityMemoryGiB.toFixed(1)} GiB; ` +
      `${day(input.from)} to ${day(input.to)} UTC after a week to warm up`,
    `${input.capacityLosses} capacity losses, ${input.plannedInterruptions} planned ` +
      `interruptions; seed ${input.seed}; model ${report.modelVersion}; ` +
      `${timing.totalSeconds.toFixed(1)} s`,
    "",
    formatTable(header, rows),
    "",
    ...notes.map((note) => `- ${note}`),
  ].join("\n");
}

function percent(ratio: number | null): string {
  return ratio === null ? "-" : `${(ratio * 100).toFixed(1)} %`;
}

function waited(report: PolicyReport): number {
  return report.restarts.waitedMinutesTotal + report.restarts.stillWaitingMinutes;
}
