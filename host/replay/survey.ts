import { RESOURCE_COUNT } from "../core/abi.js";
import type { Amounts } from "./scenario.js";
import { TraceCursor, usageOf } from "./trace-cursor.js";

/** What the warm-up tells of one VM. */
export interface VmSurvey {
  readonly instanceId: string;
  readonly file: string;
  readonly sampleCount: number;
  readonly p95: Amounts;
  readonly max: Amounts;
  /** Provisioned at its end; undefined where the trace says nothing. */
  readonly cores: number | undefined;
  readonly memoryGiB: number | undefined;
}

/** Reads a VM's warm-up and nothing after it. @throws ERR_TRACE_FORMAT */
export async function surveyVm(
  vm: { readonly instanceId: string; readonly file: string },
  fromMs: number,
  toMs: number,
): Promise<VmSurvey> {
  const cursor = new TraceCursor(vm.instanceId, vm.file, fromMs);
  const values: number[][] = Array.from({ length: RESOURCE_COUNT }, () => []);
  let sampleCount = 0;
  let cores: number | undefined;
  let memoryGiB: number | undefined;
  try {
    for (const row of await cursor.take(toMs)) {
      if (!row.on) continue;
      sampleCount++;
      if (row.cores > 0) cores = row.cores;
      if (row.memoryCapacityGiB > 0) memoryGiB = row.memoryCapacityGiB;
      usageOf(row).forEach((value, resource) => {
        if (!Number.isNaN(value)) values[resource]?.push(value);
      });
    }
  } finally {
    await cursor.close();
  }
  for (const column of values) column.sort((a, b) => a - b);
  return {
    ...vm,
    sampleCount,
    p95: values.map((column) => quantile(column, 0.95)),
    max: values.map((column) => column.at(-1) ?? 0),
    cores,
    memoryGiB,
  };
}

/** Smallest value that at least this share does not exceed; 0 of nothing. */
export function quantile(sorted: ArrayLike<number>, level: number): number {
  return sorted[Math.max(0, Math.ceil(level * sorted.length) - 1)] ?? 0;
}
