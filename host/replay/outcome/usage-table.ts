import { RESOURCE_COUNT } from "../../core/abi.js";
import type { VmSurvey } from "../survey.js";
import { quantile } from "../survey.js";
import { TraceCursor, usageOf } from "../trace-cursor.js";

/** The traces have a sample every five minutes, the mean of the interval before it. */
export const STEP_MS = 300_000;
/** A longer silence than this many steps is a hole that is not bridged. */
const BRIDGE_STEPS = 2;

/** One VM's use on a fixed grid. */
export interface VmUsage {
  /** What the warm-up tells of it; what is provisioned is that of the end of the span. */
  readonly survey: VmSurvey;
  /**
   * step x resource, without holes: zero where it is off, the last value where a sample is missing.
   * Step s ends at `fromMs + (s + 1) STEP`.
   */
  readonly used: Float32Array;
}

/** The same as the trace tells it. */
export interface SeenUsage extends VmUsage {
  /** step x resource; NaN where the trace has no sample. */
  readonly seen: Float32Array;
}

/** When a replay begins and ends; the same for all seeds. */
export interface OutcomeSpan {
  readonly fromMs: number;
  /** End of the warm-up. */
  readonly noteFromMs: number;
  readonly toMs: number;
}

/** Reads one VM's span onto the grid. @throws ERR_TRACE_FORMAT */
export async function readUsage(
  vm: { readonly instanceId: string; readonly file: string },
  span: OutcomeSpan,
): Promise<SeenUsage> {
  const steps = Math.ceil((span.toMs - span.fromMs) / STEP_MS);
  const seen = new Float32Array(steps * RESOURCE_COUNT).fill(Number.NaN);
  const off = new Uint8Array(steps);
  const cursor = new TraceCursor(vm.instanceId, vm.file, span.fromMs);
  let cores: number | undefined;
  let memoryGiB: number | undefined;
  try {
    for (const row of await cursor.take(span.toMs)) {
      const step = Math.ceil((row.timeMs - span.fromMs) / STEP_MS) - 1;
      if (!row.on) {
        off[step] = 1;
        continue;
      }
      seen.set(usageOf(row), step * RESOURCE_COUNT);
      if (row.cores > 0) cores = row.cores;
      if (row.memoryCapacityGiB > 0) memoryGiB = row.memoryCapacityGiB;
    }
  } finally {
    await cursor.close();
  }
  const warmUpSteps = (span.noteFromMs - span.fromMs) / STEP_MS;
  const survey = { ...vm, ...surveySteps(seen, warmUpSteps), cores, memoryGiB };
  return { survey, seen, used: withoutHoles(seen, off) };
}

function withoutHoles(seen: Float32Array, off: Uint8Array): Float32Array {
  const used = new Float32Array(seen.length);
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    let last = 0;
    let age = 0;
    for (let step = 0; step < off.length; step++) {
      const at = step * RESOURCE_COUNT + resource;
      const value = seen[at] ?? Number.NaN;
      age++;
      if (!Number.isNaN(value)) [last, age] = [value, 0];
      else if (off[step] === 1 || age > BRIDGE_STEPS) last = 0;
      used[at] = last;
    }
  }
  return used;
}

/** What the first `steps` steps tell of a VM, as `surveyVm` does from its file. */
export function surveySteps(
  seen: Float32Array,
  steps: number,
): Pick<VmSurvey, "sampleCount" | "p95" | "max"> {
  let sampleCount = 0;
  const columns = Array.from({ length: RESOURCE_COUNT }, () => new Float64Array(steps));
  const counts = new Uint32Array(RESOURCE_COUNT);
  for (let step = 0; step < steps; step++) {
    let isSeen = false;
    columns.forEach((column, resource) => {
      const value = seen[step * RESOURCE_COUNT + resource] ?? Number.NaN;
      if (Number.isNaN(value)) return;
      isSeen = true;
      const at = counts[resource] ?? 0;
      column[at] = value;
      counts[resource] = at + 1;
    });
    if (isSeen) sampleCount++;
  }
  const sorted = columns.map((column, resource) => column.subarray(0, counts[resource]).sort());
  return {
    sampleCount,
    p95: sorted.map((column) => quantile(column, 0.95)),
    max: sorted.map((column) => column.at(-1) ?? 0),
  };
}
