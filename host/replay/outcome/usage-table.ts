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
  readonly instanceId: string;
  readonly file: string;
  /** step x resource; NaN where the trace has no sample. Step s ends at `fromMs + (s + 1) STEP`. */
  readonly seen: Float32Array;
  /** The same without holes: zero where it is off, the last value where a sample is missing. */
  readonly used: Float32Array;
  /** Provisioned at the end of the span; undefined where the trace says nothing. */
  readonly cores: number | undefined;
  readonly memoryGiB: number | undefined;
}

export interface UsageSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Reads one VM's span onto the grid. @throws ERR_TRACE_FORMAT */
export async function readUsage(
  vm: { readonly instanceId: string; readonly file: string },
  span: UsageSpan,
): Promise<VmUsage> {
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
  return { ...vm, seen, used: withoutHoles(seen, off), cores, memoryGiB };
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
export function surveyUsage(vm: VmUsage, steps: number): VmSurvey {
  const columns: number[][] = Array.from({ length: RESOURCE_COUNT }, () => []);
  let sampleCount = 0;
  for (let step = 0; step < steps; step++) {
    const row = vm.seen.subarray(step * RESOURCE_COUNT, (step + 1) * RESOURCE_COUNT);
    if (!row.every(Number.isNaN)) sampleCount++;
    row.forEach((value, resource) => {
      if (!Number.isNaN(value)) columns[resource]?.push(value);
    });
  }
  for (const column of columns) column.sort((a, b) => a - b);
  const { instanceId, file, cores, memoryGiB } = vm;
  return {
    instanceId,
    file,
    sampleCount,
    p95: columns.map((column) => quantile(column, 0.95)),
    max: columns.map((column) => column.at(-1) ?? 0),
    cores,
    memoryGiB,
  };
}
