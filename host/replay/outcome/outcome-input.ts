import { RepriseError } from "../../lib/errors.js";
import { shippedWeightsFile } from "../../model/shipped-weights.js";
import { type NetworkWeights, readWeights } from "../../model/weights.js";
import type { OnProgress } from "../run-replay.js";
import type { VmSurvey } from "../survey.js";
import {
  type CapacitySource,
  openTraceFolder,
  type TraceFolder,
  withCapacityOf,
} from "../trace-folder.js";
import { readForecasts, writeForecasts } from "./forecast-cache.js";
import { outcomeSpan, readAllUsage } from "./outcome-scenario.js";
import { noteProfiles, type ProfileRows, ProfileTable } from "./profile-table.js";
import type { OutcomeSpan, VmUsage } from "./usage-table.js";

/**
 * What all seeds and policies have in common: real use, and what the profiler said of it. The big
 * arrays lie in shared memory, so it is posted to worker threads without a copy.
 */
export interface OutcomeInput {
  readonly span: OutcomeSpan;
  readonly spotFiles: readonly string[];
  readonly bundled: boolean;
  readonly surveys: readonly VmSurvey[];
  /** VM x step x resource, without holes. */
  readonly used: Float32Array;
  readonly profiles: ProfileRows;
}

export interface InputOptions {
  /** A folder in the layout of the whole traces; the bundled sample when absent. */
  readonly data?: string;
  readonly days: number;
  readonly capacity: CapacitySource;
  /** Weights of the network; those that ship when absent. */
  readonly model?: string;
  /** A folder in which forecasts are kept from one replay to the next. */
  readonly cache?: string;
}

/** @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_WEIGHTS_FORMAT */
export async function openInput(
  options: InputOptions,
  onProgress: OnProgress,
): Promise<OutcomeInput> {
  const folder = withCapacityOf(openTraceFolder(options.data), options.capacity);
  const span = outcomeSpan(folder, options.days);
  const weights = openWeights(options.model);
  const { spotFiles, bundled } = folder;
  const { cache } = options;
  const key = { modelVersion: weights.version, span, folder: folder.folder };
  const known = cache === undefined ? null : readForecasts(cache, key);
  if (known !== null) return { ...known, span, spotFiles, bundled };
  const forecasts = await forecast(folder, { span, weights }, onProgress);
  if (cache !== undefined) writeForecasts(cache, key, forecasts);
  return { ...forecasts, span, spotFiles, bundled };
}

/** The usage of each VM, over the shared array. */
export function usageOfInput({ surveys, used }: OutcomeInput): VmUsage[] {
  const length = used.length / Math.max(1, surveys.length);
  return surveys.map((survey, index) => ({
    survey,
    used: used.subarray(index * length, (index + 1) * length),
  }));
}

export function tableOfInput({ profiles }: OutcomeInput): ProfileTable {
  return new ProfileTable(profiles);
}

async function forecast(
  folder: TraceFolder,
  how: { readonly span: OutcomeSpan; readonly weights: NetworkWeights },
  onProgress: OnProgress,
): Promise<Pick<OutcomeInput, "surveys" | "used" | "profiles">> {
  const { span, weights } = how;
  const vms = await readAllUsage(folder, span, (done, all) => onProgress("traces", done / all));
  const { parts } = await noteProfiles(vms, span, {
    weights,
    onTime: (nowMs) => onProgress("profiles", (nowMs - span.fromMs) / (span.toMs - span.fromMs)),
  });
  const length = vms[0]?.used.length ?? 0;
  const bytes = vms.length * length * Float32Array.BYTES_PER_ELEMENT;
  const used = new Float32Array(new SharedArrayBuffer(bytes));
  vms.forEach((vm, index) => {
    used.set(vm.used, index * length);
  });
  return { surveys: vms.map(({ survey }) => survey), used, profiles: parts };
}

function openWeights(model: string | undefined): NetworkWeights {
  const file = model ?? shippedWeightsFile();
  if (file !== undefined) return readWeights(file);
  throw new RepriseError("ERR_ARGUMENT", "the outcome world needs weights", {
    field: "model",
    expected: "a file of weights",
  });
}
