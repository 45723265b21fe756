/** What `reprise top` shows, as text. */
import { PHASES, RESOURCES, type Resource } from "../core/abi.js";
import { formatTable } from "./output.js";

type Named<T> = Readonly<Record<Resource, T>>;

export interface TopPool {
  readonly allocatable: Named<number>;
  readonly allocated: Named<number>;
  readonly reserved: Named<readonly number[]>;
  readonly headroom: Named<readonly number[]>;
}

export interface TopInstance {
  readonly instanceId: string;
  readonly groupId: string;
  readonly nodeId: string;
  readonly priority: number;
  readonly running: boolean;
  readonly need: Named<number>;
  /** Need after a restart over the room its node would have for it; null on an unknown node. */
  readonly crowding: number | null;
}

export interface TopDecision {
  readonly kind: string;
  readonly decidedMs: number;
  readonly requestId: string;
  readonly victims: readonly string[];
  readonly retryAtMs?: number;
  readonly reasons: readonly { readonly code: string }[];
}

export interface TopReport {
  readonly address: string;
  readonly nowMs: number;
  readonly instanceCount: number;
  readonly downCount: number;
  readonly heldCount: number;
  readonly total: TopPool;
  /** Those whose restart fits worst, worst first. */
  readonly instances: readonly TopInstance[];
  /** Newest first. */
  readonly decisions: readonly TopDecision[];
}

const UNITS: Named<string> = { cpu: "cores", memory: "GiB", network: "Mbps", disk: "MB/s" };
const BAR_CELLS = 30;
const BOLD = "\u001b[1m";
const DIM = "\u001b[2m";
const PLAIN = "\u001b[0m";

/** @param colours whether control codes for bold and dim may be used */
export function formatTop(report: TopReport, colours: boolean): string {
  const bold = (text: string): string => (colours ? `${BOLD}${text}${PLAIN}` : text);
  const dim = (text: string): string => (colours ? `${DIM}${text}${PLAIN}` : text);
  const { address, nowMs, instanceCount, downCount, heldCount } = report;
  return [
    `${bold("reprise top")}  ${address}  ${timeText(nowMs)}`,
    `${instanceCount} instances, ${downCount} down, ${heldCount} rooms kept ready`,
    "",
    poolTable(report.total),
    dim("█ allocated  ▓ reserved  ░ free"),
    "",
    bold("fits worst after a restart"),
    instanceTable(report.instances),
    "",
    bold("last decisions"),
    report.decisions.length === 0 ? "none" : decisionTable(report.decisions),
  ].join("\n");
}

function poolTable(total: TopPool): string {
  const header = ["resource", "", "allocated", "of", ...PHASES.map((name) => `free ${name} min`)];
  const rows = RESOURCES.map((resource) => {
    const allocated = total.allocated[resource];
    const whole = total.allocatable[resource];
    const reserved = Math.max(0, ...total.reserved[resource]);
    return [
      resource,
      bar(allocated, reserved, whole),
      amount(allocated),
      `${amount(whole)} ${UNITS[resource]}`,
      ...total.headroom[resource].map(amount),
    ];
  });
  return formatTable(header, rows);
}

function bar(allocated: number, reserved: number, whole: number): string {
  const cells = (part: number): number =>
    whole > 0 ? Math.min(BAR_CELLS, Math.max(0, Math.round((part / whole) * BAR_CELLS))) : 0;
  const taken = cells(allocated);
  const kept = Math.min(BAR_CELLS - taken, cells(allocated + reserved) - taken);
  return "█".repeat(taken) + "▓".repeat(kept) + "░".repeat(BAR_CELLS - taken - kept);
}

function instanceTable(instances: readonly TopInstance[]): string {
  const header = ["instance", "group", "node", "class", "state", "need/room", "cores", "GiB"];
  const rows = instances.map((each) => [
    each.instanceId,
    each.groupId,
    each.nodeId,
    `${each.priority}`,
    each.running ? "up" : "down",
    each.crowding === null ? "-" : each.crowding.toFixed(2),
    amount(each.need.cpu),
    amount(each.need.memory),
  ]);
  return formatTable(header, rows);
}

function decisionTable(decisions: readonly TopDecision[]): string {
  const header = ["request", "at", "verdict", "reason", "interrupts", "by"];
  const rows = decisions.map((each) => [
    each.requestId,
    timeText(each.decidedMs).slice(5, 16),
    each.kind,
    each.reasons[0]?.code ?? "-",
    each.victims.length === 0 ? "-" : each.victims.join(","),
    each.retryAtMs === undefined ? "-" : timeText(each.retryAtMs).slice(5, 16),
  ]);
  return formatTable(header, rows);
}

function amount(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : 2);
}

function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
