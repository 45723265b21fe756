/** Looks ahead: at which of the known coming times would the same request succeed? */
import { isCandidate, judge } from "./candidates.js";
import type { LeaseEndInput, NodeInput, PlanInputs, PlanningInputs } from "./inputs.js";
import { leaseEndsOf } from "./lease-ends.js";
import { hourEndsMs } from "./losses.js";
import { propose } from "./planner.js";
import { Rooms } from "./rooms.js";

/** Times tried; each costs one plan. */
const TIMES_MAX = 8;

type EndInputs = PlanInputs & Required<Pick<PlanInputs, "leaseEnds">>;

/**
 * The earliest time, among the ends of leases, of minimum run times, of cool-downs and the
 * expected restarts of group members that are down, at which a plan is feasible with the room and
 * the candidates of then. Neighbours' shrinking cannot be forecast and is left out, as is that
 * restarts may wait for each other.
 */
export function earliestSuccessMs(asked: PlanningInputs): number | undefined {
  const { ahead: _ahead, ends: _ends, ...known } = asked;
  const fromMs = restsUntilMs(known) ?? known.nowMs;
  const inputs = { ...known, leaseEnds: leaseEndsOf(asked, { fromMs, timesMax: TIMES_MAX }) };
  const deadlineMs = inputs.request.deadlineMs ?? Number.POSITIVE_INFINITY;
  const times = [...new Set(comingTimes(inputs))]
    .filter((timeMs) => timeMs > inputs.nowMs && timeMs >= fromMs && timeMs < deadlineMs)
    .sort((a, b) => a - b)
    .slice(0, TIMES_MAX);
  return times.find((timeMs) => propose(inputsAt(inputs, timeMs), () => [], false).feasible);
}

/**
 * Until when the instance that is named may not be interrupted, whatever room there is; undefined
 * when it may. Decisions recorded before this counted know it not.
 */
export function restsUntilMs(inputs: PlanInputs): number | undefined {
  const { request, policy } = inputs;
  const [input] = inputs.instances;
  if (request.kind !== "interrupt" || input === undefined) return undefined;
  if (policy.singleDropRounds === undefined) return undefined;
  const judged = judge(input, inputs, new Rooms([]));
  return isCandidate(judged) ? undefined : judged.untilMs;
}

function comingTimes(inputs: EndInputs): number[] {
  const rooms = new Rooms([]);
  const limits = inputs.instances.flatMap((input) => {
    const judged = judge(input, inputs, rooms);
    return isCandidate(judged) || judged.untilMs === undefined ? [] : [judged.untilMs];
  });
  const leases = inputs.leaseEnds.map(({ timeMs }) => timeMs);
  const restarts = inputs.down.map(({ expectedRestartMs }) => expectedRestartMs);
  return [...limits, ...leases, ...restarts, ...hourEndsMs(inputs)];
}

function inputsAt(inputs: EndInputs, timeMs: number): PlanInputs {
  const ended = inputs.leaseEnds.filter((lease) => lease.timeMs <= timeMs);
  return {
    ...inputs,
    nowMs: timeMs,
    nodes: inputs.nodes.map((node) => roomWith(node, ended)),
    down: inputs.down.filter(({ expectedRestartMs }) => expectedRestartMs > timeMs),
  };
}

function roomWith(node: NodeInput, ended: readonly LeaseEndInput[]): NodeInput {
  const room = [...node.room];
  for (const { nodeId, amounts } of ended) {
    if (nodeId !== node.nodeId) continue;
    amounts.forEach((amount, column) => {
      room[column] = (room[column] ?? 0) + amount;
    });
  }
  return { ...node, room };
}
