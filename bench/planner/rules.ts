/**
 * How others pick victims, on the same problem: who shrinks is settled before, and each rule gets to
 * see only what its scheduler looks at.
 */
import { type Candidate, GroupBudgets } from "../../host/coordinator/candidates.js";
import { selectVictims } from "../../host/coordinator/cover.js";
import { Prng } from "../../host/lib/prng.js";
import type { CaseInstance, PlannerCase } from "./cases.js";

export type Rule = (problem: PlannerCase) => readonly CaseInstance[];

export const RULES: ReadonlyMap<string, Rule> = new Map([
  ["Reprise", reprise],
  ["kube-scheduler", kubeScheduler],
  ["Slurm", (problem) => untilCovered(problem, bySlurm)],
  ["YARN", yarn],
  ["cheapest first", (problem) => untilCovered(problem, byCost)],
  ["random", random],
]);

function reprise(problem: PlannerCase): readonly CaseInstance[] {
  const byId = new Map(problem.instances.map((each) => [each.id, each] as const));
  const { victims } = selectVictims(questionOf(problem));
  return victims.flatMap(({ input }) => byId.get(input.instanceId) ?? []);
}

export function questionOf({
  instances,
  needed,
}: PlannerCase): Parameters<typeof selectVictims>[0] {
  const left = lessAll(
    needed,
    instances.map(({ given }) => given),
  );
  return { needed: left, candidates: instances.map(candidateOf), budgets: new GroupBudgets(1) };
}

/** Only what the cover looks at is real. */
function candidateOf({ id, priority, freed, given, cost, startedMs }: CaseInstance): Candidate {
  return {
    input: {
      instanceId: id,
      ownerId: id,
      groupId: id,
      nodeId: "n-1",
      freed: freed.map((amount, d) => amount - (given[d] ?? 0)),
      shrinkable: given,
      outageMinutes: 5,
      up: true,
      interruptible: true,
      priority,
      launchedMs: startedMs,
      interruptionsMs: [],
      envelope: null,
      keepCores: 0,
    },
    priority,
    cost,
    lostCoreHours: cost,
    need: [],
    spans: [],
    availability: 1,
  };
}

/**
 * `SelectVictimsOnNode`: all go, then they are put back one by one wherever the preemptor still
 * fits, higher priority first, then whoever has run longer.
 */
function kubeScheduler(problem: PlannerCase): readonly CaseInstance[] {
  const order = [...problem.instances].sort(
    (a, b) => b.priority - a.priority || a.startedMs - b.startedMs,
  );
  let victims: readonly CaseInstance[] = order;
  for (const each of order) {
    const others = victims.filter((other) => other !== each);
    if (isCovered(problem, others)) victims = others;
  }
  return victims;
}

/** `preempt/qos`: priority << 16 + node count, rising; one node each, so the smaller CPU first. */
function bySlurm(a: CaseInstance, b: CaseInstance): number {
  return a.priority - b.priority || (a.freed[0] ?? 0) - (b.freed[0] ?? 0);
}

function byCost(a: CaseInstance, b: CaseInstance): number {
  return a.priority - b.priority || a.cost - b.cost;
}

/**
 * The FIFO selector: the latest application first, in it the lower priority, then the latest
 * container; the first container of each application is its master and goes last of all.
 */
function yarn(problem: PlannerCase): readonly CaseInstance[] {
  const { instances } = problem;
  const masters = new Map<number, CaseInstance>();
  for (const each of instances) {
    const first = masters.get(each.applicationId);
    if (first === undefined || each.startedMs < first.startedMs) {
      masters.set(each.applicationId, each);
    }
  }
  const startedMs = (each: CaseInstance): number => masters.get(each.applicationId)?.startedMs ?? 0;
  const isMaster = (each: CaseInstance): number => Number(masters.get(each.applicationId) === each);
  return untilCovered(
    problem,
    (a, b) =>
      isMaster(a) - isMaster(b) ||
      startedMs(b) - startedMs(a) ||
      a.priority - b.priority ||
      b.startedMs - a.startedMs,
  );
}

function random(problem: PlannerCase): readonly CaseInstance[] {
  const prng = new Prng(problem.instances.length);
  const keys = new Map(problem.instances.map((each) => [each, prng.uniform()] as const));
  return untilCovered(problem, (a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
}

/** Stops as soon as it covers; nobody is put back. */
function untilCovered(
  problem: PlannerCase,
  compare: (a: CaseInstance, b: CaseInstance) => number,
): readonly CaseInstance[] {
  const victims: CaseInstance[] = [];
  for (const each of [...problem.instances].sort(compare)) {
    if (isCovered(problem, victims)) break;
    victims.push(each);
  }
  return victims;
}

/** With all others shrunk as far as they can. */
export function isCovered(
  { instances, needed }: PlannerCase,
  victims: readonly CaseInstance[],
): boolean {
  const gone = new Set(victims);
  const amounts = instances.map((each) => (gone.has(each) ? each.freed : each.given));
  return lessAll(needed, amounts).every((amount) => amount <= 0);
}

function lessAll(from: readonly number[], amounts: readonly (readonly number[])[]): number[] {
  return from.map((amount, d) => amounts.reduce((left, each) => left - (each[d] ?? 0), amount));
}
