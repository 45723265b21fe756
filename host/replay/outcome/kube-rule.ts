/**
 * kube-scheduler's preemption. A loss is a crowd of preempting pods, one a node of the zone, each
 * of which has to fit on one node: `SelectVictimsOnNode` with its reprieve, then
 * `pickOneNodeForPreemption` with its criteria in their order. Disruption budgets, its first
 * criterion, bind nowhere in this world and always tie.
 */
import { addAmounts, fits } from "../capacity.js";
import type { Holder } from "../cluster-book.js";
import { compare } from "../layout.js";
import type { Amounts } from "../scenario.js";
import type { VictimRule } from "../victim-rule.js";

/** A pod that fits on no node is split in two, so often at most. */
const SPLITS_MAX = 3;

interface NodeView {
  readonly nodeId: string;
  room: Amounts;
  holders: readonly Holder[];
}

interface Dry {
  readonly node: NodeView;
  readonly victims: readonly Holder[];
}

export const kubeRule: VictimRule = ({ request, owed, holders, book }) => {
  const nodes = book.rooms(request.nodeIds).map(
    ({ nodeId, room }): NodeView => ({
      nodeId,
      room,
      holders: holders.filter((holder) => holder.nodeId === nodeId),
    }),
  );
  const pod = owed.map((amount) => amount / nodes.length);
  return nodes.flatMap(() => preempt(nodes, pod, SPLITS_MAX));
};

/** Takes the pod's room on one node; who goes for it. */
function preempt(nodes: readonly NodeView[], pod: Amounts, splits: number): readonly Holder[] {
  const free = nodes.find(({ room }) => fits(pod, room));
  if (free !== undefined) {
    free.room = addAmounts(free.room, pod, -1);
    return [];
  }
  const dry = nodes.flatMap((node) => selectVictimsOnNode(node, pod) ?? []);
  const [picked] = [...dry].sort(pickOrder);
  if (picked === undefined) {
    if (splits === 0) return [];
    const half = pod.map((amount) => amount / 2);
    return [0, 1].flatMap(() => preempt(nodes, half, splits - 1));
  }
  const { node, victims } = picked;
  for (const { held } of victims) node.room = addAmounts(node.room, held);
  node.room = addAmounts(node.room, pod, -1);
  node.holders = node.holders.filter((holder) => !victims.includes(holder));
  return victims;
}

/** All go; the most important are put back first while the pod still fits. */
function selectVictimsOnNode(node: NodeView, pod: Amounts): Dry | undefined {
  let room = node.holders.reduce((sum, { held }) => addAmounts(sum, held), node.room);
  if (!fits(pod, room)) return undefined;
  const victims: Holder[] = [];
  for (const holder of [...node.holders].sort(moreImportant)) {
    const without = addAmounts(room, holder.held, -1);
    if (fits(pod, without)) room = without;
    else victims.push(holder);
  }
  return { node, victims };
}

/** Higher priority, then the one that ran longer. */
function moreImportant(a: Holder, b: Holder): number {
  return (
    b.instance.priority - a.instance.priority ||
    a.sinceMs - b.sinceMs ||
    compare(a.instance.instanceId, b.instance.instanceId)
  );
}

/** kube-scheduler adds this to each priority, so that more victims never look cheaper. */
const OFFSET = 2 ** 31;

/** Lowest highest priority, smallest sum, fewest, latest earliest start among the highest, first. */
function pickOrder(a: Dry, b: Dry): number {
  return (
    top(a) - top(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliestOfTop(b) - earliestOfTop(a) ||
    compare(a.node.nodeId, b.node.nodeId)
  );
}

function top({ victims }: Dry): number {
  return Math.max(...victims.map(({ instance }) => instance.priority));
}

function sum({ victims }: Dry): number {
  return victims.reduce((total, { instance }) => total + instance.priority + OFFSET, 0);
}

function earliestOfTop(dry: Dry): number {
  const highest = top(dry);
  const own = dry.victims.filter(({ instance }) => instance.priority === highest);
  return Math.min(...own.map(({ sinceMs }) => sinceMs));
}
