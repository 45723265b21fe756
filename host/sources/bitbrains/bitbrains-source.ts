import { checkObject } from "../../lib/assert.js";
import type { InstanceRegistration, Sample, SampleSource, SourceEvent } from "../sample.js";
import { TableParser } from "../text/table-parser.js";
import { traceName } from "../text/table-source.js";
import { type ByteChunks, inflateTrace, openTraceBytes } from "../text/trace-bytes.js";
import { BITBRAINS_COLUMNS, type BitbrainsRow, readBitbrainsRow } from "./row.js";

export interface BitbrainsOptions {
  readonly instanceId: string;
  /** Lines up to this time are passed over: only their time is looked at. */
  readonly afterMs?: number;
  /** What the trace does not know of the instance; limits come from the trace. */
  readonly registration?: Partial<Omit<InstanceRegistration, "instanceId" | "limits">>;
}

/** A sample describes the interval before it, so a restart lies at most this far back. */
const INTERVAL_MS = 300_000;

/** Reads one VM of the Bitbrains trace (GWA-T-12), plain or gzip. @throws ERR_ARGUMENT */
export function readBitbrains(file: string, options: BitbrainsOptions): BitbrainsSource {
  return new BitbrainsSource(file, () => openTraceBytes(file), options);
}

/** The same for bytes at hand; `file` is the name that errors carry. */
export function readBitbrainsBytes(
  chunks: ByteChunks,
  options: BitbrainsOptions & { readonly file: string },
): BitbrainsSource {
  return new BitbrainsSource(options.file, () => inflateTrace(chunks, options.file), options);
}

/**
 * One VM's series. Iterating it yields events in time order; `rows()` yields the same samples in
 * batches without an event each, for those who read millions. Either starts at the file's start.
 */
export class BitbrainsSource implements SampleSource {
  readonly name: string;
  readonly dropped = new Map<string, number>();
  #rowCount = 0;
  readonly #open: () => AsyncIterable<Uint8Array>;
  readonly #options: BitbrainsOptions;

  /** @throws ERR_ARGUMENT */
  constructor(name: string, open: () => AsyncIterable<Uint8Array>, options: BitbrainsOptions) {
    this.name = traceName(name);
    checkObject("options", options, "{ instanceId }");
    this.#open = open;
    this.#options = options;
  }

  /** Usable rows read so far, those of a VM that is off too. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** Rows in time order, one array a chunk of the file. @throws ERR_TRACE_FORMAT */
  async *rows(): AsyncGenerator<readonly BitbrainsRow[]> {
    this.dropped.clear();
    this.#rowCount = 0;
    let batch: BitbrainsRow[] = [];
    let lastMs = Number.NaN;
    const afterSeconds = (this.#options.afterMs ?? Number.NEGATIVE_INFINITY) / 1000;
    const parser = new TableParser(
      { file: this.name, separator: ";", columns: BITBRAINS_COLUMNS },
      (line) => {
        if (line.number(0) <= afterSeconds) return;
        const row = readBitbrainsRow(line, lastMs);
        if (typeof row === "string") this.dropped.set(row, (this.dropped.get(row) ?? 0) + 1);
        else {
          lastMs = row.timeMs;
          this.#rowCount++;
          batch.push(row);
        }
      },
    );
    for await (const chunk of this.#open()) {
      parser.push(chunk);
      if (batch.length > 0) yield batch;
      batch = [];
    }
    parser.end();
    if (batch.length > 0) yield batch;
  }

  /**
   * A VM without capacity is off: `stopped` and `restarted` mark a power cycle, and the lines
   * between yield no samples, because nothing ran that could be observed. `registered` comes before
   * the first sample whose cores are known, and again when the cores or the largest memory granted
   * so far change.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<SourceEvent> {
    const { instanceId } = this.#options;
    let before: BitbrainsRow | undefined;
    let cores = 0;
    let memory = 0;
    for await (const batch of this.rows()) {
      for (const row of batch) {
        if (row.on) {
          const powered = before?.on === false;
          const since = powered ? Math.max(before?.timeMs ?? 0, row.timeMs - INTERVAL_MS) : null;
          if (row.cores > 0 && (row.cores !== cores || row.memoryCapacityGiB > memory)) {
            cores = row.cores;
            memory = Math.max(memory, row.memoryCapacityGiB || 0);
            yield this.#registered(since ?? row.timeMs, cores, memory);
          }
          if (since !== null) yield { kind: "restarted", instanceId, timeMs: since };
          yield { kind: "sample", sample: toSample(instanceId, row) };
        } else if (before?.on === true) {
          yield { kind: "stopped", instanceId, timeMs: row.timeMs, cause: "unknown" };
        }
        before = row;
      }
    }
  }

  #registered(timeMs: number, cores: number, memory: number): SourceEvent {
    const registration: InstanceRegistration = {
      groupId: "bitbrains",
      nodeId: "unplaced",
      priority: 0,
      interruptible: true,
      ...this.#options.registration,
      instanceId: this.#options.instanceId,
      limits: memory > 0 ? { cpu: cores, memory } : { cpu: cores },
    };
    return { kind: "registered", registration, timeMs };
  }
}

/** A row as a sample; what the row has not is absent. */
export function toSample(instanceId: string, row: BitbrainsRow): Sample {
  return {
    instanceId,
    timeMs: row.timeMs,
    ...(Number.isNaN(row.cpuCores) ? {} : { cpuCores: row.cpuCores }),
    ...(Number.isNaN(row.memoryGiB) ? {} : { memoryGiB: row.memoryGiB }),
    ...(Number.isNaN(row.networkMbps) ? {} : { networkMbps: row.networkMbps }),
    ...(Number.isNaN(row.diskMBps) ? {} : { disk: row.diskMBps }),
  };
}
