import { availableParallelism } from "node:os";
import { ENVELOPE_ROWS, KEEP_ROWS, RESOURCE_COUNT } from "../../core/abi.js";
import { VirtualClock } from "../../lib/clock.js";
import { LIMITS } from "../../lib/limits.js";
import type { NetworkWeights } from "../../model/weights.js";
import { Profiler } from "../../profiler/profiler.js";
import { type OutcomeSpan, type SeenUsage, STEP_MS } from "./usage-table.js";

/** Answers are noted this often; between two the older one holds. */
const NOTE_MS = 900_000;
/** The outage that all noted answers assume. */
export const NOTED_OUTAGE_MINUTES = 15;
const AMOUNTS_AT = ENVELOPE_ROWS + KEEP_ROWS;
const SCALE_AT = AMOUNTS_AT + RESOURCE_COUNT;
const ROW = SCALE_AT + RESOURCE_COUNT;

/** What the profiler said of one instance at one time. */
export interface NotedAnswer {
  /** 48 and 16 quantiles, before anything restarts taught. */
  readonly envelope: Float64Array;
  readonly keepNeed: Float64Array;
  /** One value a resource, in which the answers move. */
  readonly scale: Float64Array;
  /** What Kubernetes' VPA would recommend, one value a resource. */
  readonly vpa: Float64Array;
}

/** What a table is made of; threads share the rows. */
export interface ProfileRows {
  readonly fromMs: number;
  readonly rows: Float32Array;
  readonly instanceIds: readonly string[];
  readonly modelVersion: string;
}

/**
 * The real profiler's answers over a span, computed once: they do not depend on who is interrupted,
 * except through what a restart shows, and that is added by `TableProfiler`.
 */
export class ProfileTable {
  readonly parts: ProfileRows;
  readonly #fromMs: number;
  readonly #rows: Float32Array;
  readonly #count: number;
  readonly #index: ReadonlyMap<string, number>;
  readonly modelVersion: string;
  /** Of each instance the newest that was read: readers ask for it again and again. */
  readonly #newest: { readonly note: number; readonly answer: NotedAnswer }[] = [];

  constructor(parts: ProfileRows) {
    this.parts = parts;
    this.#fromMs = parts.fromMs;
    this.#rows = parts.rows;
    this.#count = parts.instanceIds.length;
    this.#index = new Map(parts.instanceIds.map((id, index) => [id, index]));
    this.modelVersion = parts.modelVersion;
  }

  has(instanceId: string): boolean {
    return this.#index.has(instanceId);
  }

  /** The newest answer at this time, the first one before the span. */
  at(instanceId: string, timeMs: number): NotedAnswer {
    const notes = this.#rows.length / (ROW * this.#count);
    const note = Math.max(0, Math.min(notes - 1, Math.floor((timeMs - this.#fromMs) / NOTE_MS)));
    const index = this.#index.get(instanceId) ?? 0;
    const newest = this.#newest[index];
    if (newest?.note === note) return newest.answer;
    const answer = this.#read((note * this.#count + index) * ROW);
    this.#newest[index] = { note, answer };
    return answer;
  }

  #read(at: number): NotedAnswer {
    const part = (from: number, to: number): Float64Array =>
      Float64Array.from(this.#rows.subarray(at + from, at + to));
    return {
      envelope: part(0, ENVELOPE_ROWS),
      keepNeed: part(ENVELOPE_ROWS, AMOUNTS_AT),
      vpa: part(AMOUNTS_AT, SCALE_AT),
      scale: part(SCALE_AT, ROW),
    };
  }
}

/**
 * Runs the profiler over the grid and notes its answers from `fromMs` on.
 *
 * @throws ERR_ARGUMENT, ERR_LIMIT, ERR_SHAPE
 */
export async function noteProfiles(
  vms: readonly SeenUsage[],
  span: OutcomeSpan,
  how: { readonly weights: NetworkWeights; readonly onTime: (nowMs: number) => void },
): Promise<ProfileTable> {
  const clock = new VirtualClock(span.fromMs);
  const profiler = Profiler.open({
    maxInstances: vms.length,
    weights: how.weights,
    workers: Math.min(2, availableParallelism(), LIMITS.workersMax),
    clock,
    beside: ["vpa"],
  });
  const notes = Math.floor((span.toMs - span.noteFromMs) / NOTE_MS) + 1;
  // Shared, so that worker threads read the same bytes.
  const bytes = notes * vms.length * ROW * Float32Array.BYTES_PER_ELEMENT;
  const rows = new Float32Array(new SharedArrayBuffer(bytes));
  try {
    for (const vm of vms) register(profiler, vm);
    let note = 0;
    for (let nowMs = span.fromMs + NOTE_MS; nowMs <= span.toMs; nowMs += NOTE_MS) {
      clock.advanceTo(nowMs);
      offerAll(profiler, vms, { fromMs: span.fromMs, nowMs });
      await profiler.tick();
      how.onTime(nowMs);
      if (nowMs < span.noteFromMs) continue;
      vms.forEach((vm, index) => {
        writeRow(rows, (note * vms.length + index) * ROW, profiler, vm.survey.instanceId);
      });
      note++;
    }
  } finally {
    await profiler.close();
  }
  return new ProfileTable({
    fromMs: span.noteFromMs,
    rows,
    instanceIds: vms.map((vm) => vm.survey.instanceId),
    modelVersion: how.weights.version,
  });
}

function register(profiler: Profiler, { survey }: SeenUsage): void {
  const { instanceId, cores, memoryGiB } = survey;
  profiler.register({
    instanceId,
    groupId: "all",
    nodeId: "any",
    priority: 0,
    interruptible: true,
    limits: {
      ...(cores === undefined ? {} : { cpu: cores }),
      ...(memoryGiB === undefined ? {} : { memory: memoryGiB }),
    },
    typicalOutageMinutes: NOTED_OUTAGE_MINUTES,
  });
}

/** Samples of the last note's span, in time order for each VM. */
function offerAll(
  profiler: Profiler,
  vms: readonly SeenUsage[],
  at: { readonly fromMs: number; readonly nowMs: number },
): void {
  const last = Math.floor((at.nowMs - at.fromMs) / STEP_MS);
  for (const { survey, seen } of vms) {
    const { instanceId } = survey;
    for (let step = last - NOTE_MS / STEP_MS; step < last; step++) {
      const [cpuCores, memoryGiB, networkMbps, disk] = seen.subarray(
        step * RESOURCE_COUNT,
        (step + 1) * RESOURCE_COUNT,
      );
      const values = { cpuCores, memoryGiB, networkMbps, disk };
      const known = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
      if (known.length === 0) continue;
      const timeMs = at.fromMs + (step + 1) * STEP_MS;
      profiler.offer({ instanceId, timeMs, ...Object.fromEntries(known) });
    }
  }
}

function writeRow(rows: Float32Array, at: number, profiler: Profiler, instanceId: string): void {
  const answer = profiler.profile(instanceId, { beside: "vpa" });
  rows.set(answer.envelope, at);
  rows.set(answer.keepNeed, at + ENVELOPE_ROWS);
  const vpa = answer.beside?.envelope ?? answer.envelope;
  const quantiles = ENVELOPE_ROWS / RESOURCE_COUNT;
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    // The same in every phase and at every quantile.
    rows[at + AMOUNTS_AT + resource] = vpa[resource * quantiles] ?? 0;
  }
  rows.set(profiler.scale(instanceId), at + SCALE_AT);
}
