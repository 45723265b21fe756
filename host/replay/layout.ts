import { RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { Prng } from "../lib/prng.js";
import type { Amounts, ReplayInstance, ReplayNode, ReplayZone } from "./scenario.js";
import type { VmSurvey } from "./survey.js";

/**
 * Share of a node's capacity that the P95 of its VMs' usage fills. Links and disks are built for
 * bursts, hence the lower share.
 */
const FILL: Amounts = [0.9, 0.9, 0.5, 0.5];
/** A node without any use of a resource still has some of it. */
const CAPACITY_MIN: Amounts = [0.1, 0.1, 1, 1];
/** What an instance holds at least, so that its first samples do not count as overload. */
const ALLOCATION_MIN = 1 / 1024;

/** Priority classes, lowest first: share of the instances, minutes between checkpoints. */
const CLASSES = [
  { share: 0.1, checkpointMinutes: 0 },
  { share: 0.2, checkpointMinutes: 15 },
  { share: 0.3, checkpointMinutes: 60 },
  { share: 0.25, checkpointMinutes: 15 },
  { share: 0.15, checkpointMinutes: 60 },
] as const;
/** From this class on nobody is interrupted. */
export const PROTECTED_PRIORITY = 4;
const GROUP_SIZE = 4;
const VMS_A_NODE = 15;
const ZONES = 3;

export interface Layout {
  readonly nodes: readonly ReplayNode[];
  readonly zones: readonly ReplayZone[];
  readonly instances: readonly ReplayInstance[];
}

export interface LayoutOptions {
  readonly nodeCount: number;
  readonly seed: number;
  /** One a zone; the zones after these are stable. */
  readonly spotFiles: readonly string[];
  /** Three when absent. */
  readonly zoneCount?: number;
}

export function defaultNodeCount(vmCount: number): number {
  return Math.max(ZONES, Math.round(vmCount / VMS_A_NODE));
}

/**
 * Places VMs on nodes and sizes the nodes, by nothing but the warm-up: largest first, each on the
 * node that is least filled by then.
 *
 * @throws ERR_ARGUMENT when there are no VMs or no nodes
 */
export function layOut(surveys: readonly VmSurvey[], options: LayoutOptions): Layout {
  const { nodeCount, seed, spotFiles, zoneCount = ZONES } = options;
  if (surveys.length === 0) throw new RepriseError("ERR_ARGUMENT", "there are no VMs to replay");
  if (!(nodeCount >= 1 && Number.isInteger(nodeCount))) {
    throw new RepriseError("ERR_ARGUMENT", "there are no nodes", { got: nodeCount });
  }
  const placed = place(surveys, nodeCount);
  const priorities = drawPriorities(surveys, seed);
  const nodes = placed.map((vms, index) => ({
    nodeId: `node-${index}`,
    zoneId: zoneOf(index, zoneCount),
    capacity: capacityOf(vms),
  }));
  const instances = placed.flatMap((vms, index) =>
    vms.map((vm) => toInstance(vm, `node-${index}`, priorities.get(vm.instanceId) ?? 0)),
  );
  instances.sort((a, b) => compare(a.instanceId, b.instanceId));
  const grouped = instances.map((instance, index) => ({
    ...instance,
    groupId: `group-${Math.floor(index / GROUP_SIZE)}`,
  }));
  const zones = Array.from({ length: Math.min(zoneCount, nodeCount) }, (_, index) => ({
    zoneId: zoneOf(index, zoneCount),
    nodeIds: nodes
      .filter((node) => node.zoneId === zoneOf(index, zoneCount))
      .map((node) => node.nodeId),
    spotFile: spotFiles[index] ?? null,
  }));
  return { nodes, zones, instances: grouped };
}

function zoneOf(nodeIndex: number, zoneCount: number): string {
  return `zone-${nodeIndex % zoneCount}`;
}

function place(surveys: readonly VmSurvey[], nodeCount: number): VmSurvey[][] {
  const totals = sum(surveys.map((vm) => vm.p95));
  const weight = (amounts: Amounts): number =>
    share(amounts, totals, 0) + share(amounts, totals, 1);
  const order = [...surveys].sort(
    (a, b) => weight(b.p95) - weight(a.p95) || compare(a.instanceId, b.instanceId),
  );
  const placed: VmSurvey[][] = Array.from({ length: nodeCount }, () => []);
  const filled = new Float64Array(nodeCount);
  for (const vm of order) {
    const least = filled.indexOf(Math.min(...filled));
    placed[least]?.push(vm);
    filled[least] = (filled[least] ?? 0) + weight(vm.p95);
  }
  return placed;
}

function share(amounts: Amounts, totals: Amounts, resource: number): number {
  const total = totals[resource] ?? 0;
  return total > 0 ? (amounts[resource] ?? 0) / total : 0;
}

function capacityOf(vms: readonly VmSurvey[]): Amounts {
  return sum(vms.map((vm) => vm.p95)).map((amount, resource) =>
    Math.max(amount / (FILL[resource] ?? 1), CAPACITY_MIN[resource] ?? 0),
  );
}

function toInstance(vm: VmSurvey, nodeId: string, priority: number): ReplayInstance {
  return {
    instanceId: vm.instanceId,
    file: vm.file,
    groupId: "",
    nodeId,
    priority,
    interruptible: priority < PROTECTED_PRIORITY,
    checkpointMinutes: CLASSES[priority]?.checkpointMinutes ?? 0,
    allocation: vm.p95.map((amount) => Math.max(amount, ALLOCATION_MIN)),
    request: vm.max.map((amount) => Math.max(amount, ALLOCATION_MIN)),
    cores: vm.cores,
    memoryGiB: vm.memoryGiB,
  };
}

/** Exact shares rather than a die for each, so that a small replay has every class. */
function drawPriorities(surveys: readonly VmSurvey[], seed: number): Map<string, number> {
  const names = surveys.map((vm) => vm.instanceId).sort(compare);
  new Prng(seed).shuffle(names);
  const priorities = new Map<string, number>();
  let upTo = 0;
  let next = 0;
  CLASSES.forEach(({ share: part }, priority) => {
    upTo += part;
    const end = priority === CLASSES.length - 1 ? names.length : Math.round(upTo * names.length);
    for (; next < end; next++) priorities.set(names[next] ?? "", priority);
  });
  return priorities;
}

function sum(rows: readonly Amounts[]): number[] {
  const totals = new Array<number>(RESOURCE_COUNT).fill(0);
  for (const row of rows) {
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      totals[resource] = (totals[resource] ?? 0) + (row[resource] ?? 0);
    }
  }
  return totals;
}

/** Names in the order of their numbers: rnd_9 before rnd_10. */
export function compare(a: string, b: string): number {
  const difference = trailingNumber(a) - trailingNumber(b);
  if (difference !== 0) return difference;
  return a < b ? -1 : a > b ? 1 : 0;
}

function trailingNumber(name: string): number {
  const digits = /\d+$/.exec(name);
  return digits === null ? -1 : Number(digits[0]);
}
