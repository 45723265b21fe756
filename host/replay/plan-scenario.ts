import { RepriseError } from "../lib/errors.js";
import { Prng } from "../lib/prng.js";
import { scheduleCapacity } from "./capacity-schedule.js";
import { draw } from "./draw.js";
import { compare, defaultNodeCount, layOut } from "./layout.js";
import type { PlannedInterruption, ReplayInstance, Scenario } from "./scenario.js";
import { surveyVm, type VmSurvey } from "./survey.js";
import type { TraceFolder } from "./trace-folder.js";

export const DAY_MS = 86_400_000;
/** Day 63 of the Bitbrains trace: September 2013, which training never sees. */
export const WARM_UP_FROM_MS = 1_372_629_600_000 + 63 * DAY_MS;
export const WARM_UP_DAYS = 7;
/** The trace ends four weeks after that. */
export const DAYS_MAX = 21;
/** A VM with fewer warm-up samples tells too little to be placed: half of them. */
const WARM_UP_SAMPLES_MIN = (WARM_UP_DAYS * 288) / 2;
/** Times a day that an owner asks to interrupt an instance of his. */
const PLANNED_A_DAY = 0.2;

export interface ScenarioOptions {
  readonly seed: number;
  readonly days: number;
  readonly vmCount?: number;
  readonly nodeCount?: number;
}

/**
 * Lays a scenario out from a folder of traces: reads each VM's warm-up and the spot traces, nothing
 * of what comes after.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT
 */
export async function planScenario(
  folder: TraceFolder,
  options: ScenarioOptions,
  onVm: (done: number, all: number) => void = () => {},
): Promise<Scenario> {
  checkOptions(options);
  const { seed, days } = options;
  const fromMs = WARM_UP_FROM_MS + WARM_UP_DAYS * DAY_MS;
  const toMs = fromMs + Math.round(days * DAY_MS);
  const surveys = await survey(folder, options, onVm);
  const layout = layOut(surveys, {
    nodeCount: options.nodeCount ?? defaultNodeCount(surveys.length),
    seed,
    spotFiles: [...folder.spotFiles],
  });
  const capacityEvents = [];
  for (const { zoneId, spotFile } of layout.zones) {
    if (spotFile === null) continue;
    capacityEvents.push(...(await scheduleCapacity(spotFile, { zoneId, fromMs, toMs, seed })));
  }
  capacityEvents.sort((a, b) => a.noticeMs - b.noticeMs || a.timeMs - b.timeMs);
  return {
    ...layout,
    seed,
    warmUpFromMs: WARM_UP_FROM_MS,
    fromMs,
    toMs,
    capacityEvents,
    planned: planInterruptions(layout.instances, { seed, fromMs, toMs }),
  };
}

async function survey(
  folder: TraceFolder,
  options: ScenarioOptions,
  onVm: (done: number, all: number) => void,
): Promise<VmSurvey[]> {
  const chosen = choose(folder, options);
  const toMs = WARM_UP_FROM_MS + WARM_UP_DAYS * DAY_MS;
  const surveys: VmSurvey[] = [];
  let done = 0;
  for (const vm of chosen) {
    const found = await surveyVm(vm, WARM_UP_FROM_MS, toMs);
    if (found.sampleCount >= WARM_UP_SAMPLES_MIN) surveys.push(found);
    onVm(++done, chosen.length);
  }
  if (surveys.length === 0) {
    throw new RepriseError("ERR_ARGUMENT", "no VM has samples in the warm-up", {
      file: folder.folder,
    });
  }
  return surveys;
}

function choose(folder: TraceFolder, options: ScenarioOptions): TraceFolder["vms"] {
  const { vmCount, seed } = options;
  if (vmCount === undefined || vmCount >= folder.vms.length) return folder.vms;
  const mixed = new Prng(seed).shuffle([...folder.vms]).slice(0, vmCount);
  return mixed.sort((a, b) => compare(a.instanceId, b.instanceId));
}

function planInterruptions(
  instances: readonly ReplayInstance[],
  span: { readonly seed: number; readonly fromMs: number; readonly toMs: number },
): PlannedInterruption[] {
  const { seed, fromMs, toMs } = span;
  const planned: PlannedInterruption[] = [];
  for (let dayMs = fromMs; dayMs < toMs; dayMs += DAY_MS) {
    for (const { instanceId, interruptible } of instances) {
      const name = `planned ${instanceId} ${dayMs}`;
      if (!interruptible || draw(seed, name) >= PLANNED_A_DAY) continue;
      const timeMs = dayMs + Math.floor(draw(seed, `at ${name}`) * DAY_MS);
      if (timeMs < toMs) planned.push({ timeMs, instanceId });
    }
  }
  return planned.sort((a, b) => a.timeMs - b.timeMs || compare(a.instanceId, b.instanceId));
}

function checkOptions(options: ScenarioOptions): void {
  const { seed, days, vmCount, nodeCount } = options;
  check("seed", seed, Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32, "0 to 2^32 - 1");
  check("days", days, days > 0 && days <= DAYS_MAX, `more than 0, at most ${DAYS_MAX}`);
  check("vms", vmCount, isCount(vmCount), "a whole number from 1");
  check("nodes", nodeCount, isCount(nodeCount), "a whole number from 1");
}

function isCount(value: number | undefined): boolean {
  return value === undefined || (Number.isInteger(value) && value >= 1);
}

function check(field: string, got: unknown, right: boolean, expected: string): void {
  if (right) return;
  throw new RepriseError("ERR_ARGUMENT", "the replay cannot be run so", { field, got, expected });
}
