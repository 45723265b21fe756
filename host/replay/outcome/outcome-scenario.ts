import { RepriseError } from "../../lib/errors.js";
import { scheduleCapacity } from "../capacity-schedule.js";
import { draw } from "../draw.js";
import { compare, layOut } from "../layout.js";
import { DAY_MS, WARM_UP_FROM_MS } from "../plan-scenario.js";
import type { PlannedInterruption, ReplayInstance, Scenario } from "../scenario.js";
import type { TraceFolder } from "../trace-folder.js";
import { EVICTIONS_A_DAY } from "./outage-law.js";
import { type Program, SurgeLaw } from "./surges.js";
import {
  type OutcomeSpan,
  readUsage,
  type SeenUsage,
  STEP_MS,
  type VmUsage,
} from "./usage-table.js";

export const OUTCOME_WARM_UP_DAYS = 7;
export const OUTCOME_DAYS_MAX = 28;
/** A VM with fewer samples of its warm-up tells too little to be placed. */
const WARM_UP_SHARE_MIN = 0.5;

/** One seed's world: a scenario, and what its instances really use. */
export interface OutcomeScenario extends Scenario {
  readonly usage: ReadonlyMap<string, VmUsage>;
  readonly programs: ReadonlyMap<string, Program>;
  readonly surges: SurgeLaw;
}

/**
 * The warm-up comes before the month that training never sees, so that all four weeks of it are
 * left; the bundled sample has only two weeks, of which the first warms up.
 */
export function outcomeSpan(folder: TraceFolder, days: number): OutcomeSpan {
  const daysMax = folder.bundled ? OUTCOME_WARM_UP_DAYS : OUTCOME_DAYS_MAX;
  if (!(days > 0 && days <= daysMax)) {
    throw new RepriseError("ERR_ARGUMENT", "the replay cannot be run so", {
      field: "days",
      got: days,
      expected: `more than 0, at most ${daysMax}`,
    });
  }
  const warmUpMs = OUTCOME_WARM_UP_DAYS * DAY_MS;
  const fromMs = folder.bundled ? WARM_UP_FROM_MS : WARM_UP_FROM_MS - warmUpMs;
  const noteFromMs = fromMs + warmUpMs;
  return { fromMs, noteFromMs, toMs: noteFromMs + Math.round(days * DAY_MS) };
}

/** Reads all VMs that have a warm-up. @throws ERR_TRACE_FORMAT, ERR_ARGUMENT */
export async function readAllUsage(
  folder: TraceFolder,
  span: OutcomeSpan,
  onVm: (done: number, all: number) => void = () => {},
): Promise<SeenUsage[]> {
  const warmUpSteps = (span.noteFromMs - span.fromMs) / STEP_MS;
  const found: SeenUsage[] = [];
  let done = 0;
  for (const vm of folder.vms) {
    const usage = await readUsage(vm, span);
    if (usage.survey.sampleCount >= WARM_UP_SHARE_MIN * warmUpSteps) found.push(usage);
    onVm(++done, folder.vms.length);
  }
  if (found.length > 0) return found;
  throw new RepriseError("ERR_ARGUMENT", "no VM has samples in the warm-up", {
    file: folder.folder,
  });
}

/**
 * Draws one seed's world.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT
 */
export async function planOutcome(
  folder: Pick<TraceFolder, "spotFiles">,
  usage: readonly VmUsage[],
  options: { readonly span: OutcomeSpan; readonly seed: number; readonly nodeCount: number },
): Promise<OutcomeScenario> {
  const { span, seed, nodeCount } = options;
  const zoneCount = Math.min(nodeCount, folder.spotFiles.length + 1);
  const layout = layOut(
    usage.map(({ survey }) => survey),
    { nodeCount, seed, spotFiles: [...folder.spotFiles], zoneCount },
  );
  const surges = new SurgeLaw(seed);
  const programs = new Map(
    usage.map(({ survey: { instanceId } }) => [instanceId, surges.programOf(instanceId)]),
  );
  const instances = layout.instances.map((instance) => ({
    ...instance,
    jobType: programs.get(instance.instanceId)?.jobType ?? "",
  }));
  const { noteFromMs: fromMs, toMs } = span;
  const capacityEvents = [];
  for (const { zoneId, spotFile } of layout.zones) {
    if (spotFile === null) continue;
    capacityEvents.push(...(await scheduleCapacity(spotFile, { zoneId, fromMs, toMs, seed })));
  }
  capacityEvents.sort((a, b) => a.noticeMs - b.noticeMs || a.timeMs - b.timeMs);
  return {
    ...layout,
    instances,
    seed,
    warmUpFromMs: span.fromMs,
    fromMs,
    toMs,
    capacityEvents,
    planned: planInterruptions(instances, { seed, fromMs, toMs }),
    usage: new Map(usage.map((vm) => [vm.survey.instanceId, vm])),
    programs,
    surges,
  };
}

/** At the rates of Google's cluster, by class. */
function planInterruptions(
  instances: readonly ReplayInstance[],
  span: { readonly seed: number; readonly fromMs: number; readonly toMs: number },
): PlannedInterruption[] {
  const { seed, fromMs, toMs } = span;
  const planned: PlannedInterruption[] = [];
  for (const { instanceId, interruptible, priority } of instances) {
    const rate = EVICTIONS_A_DAY[priority] ?? 0;
    if (!interruptible || rate === 0) continue;
    for (let dayMs = fromMs; dayMs < toMs; dayMs += DAY_MS) {
      // Whole ones for sure, the rest by chance.
      const count = Math.floor(rate + draw(seed, `count ${instanceId} ${dayMs}`));
      for (let index = 0; index < count; index++) {
        const share = draw(seed, `at ${instanceId} ${dayMs} ${index}`);
        const timeMs = dayMs + Math.floor(share * DAY_MS);
        if (timeMs < toMs) planned.push({ timeMs, instanceId });
      }
    }
  }
  return planned.sort((a, b) => a.timeMs - b.timeMs || compare(a.instanceId, b.instanceId));
}
