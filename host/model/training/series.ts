import { RESOURCE_COUNT } from "../../core/abi.js";
import { RepriseError } from "../../lib/errors.js";
import { busiestCore } from "../../sources/busiest-core.js";
import type { Sample, SourceEvent } from "../../sources/sample.js";

/** One instance's whole history in columns, what training and evaluation read at random. */
export interface Series {
  readonly name: string;
  /** Seconds since 1970, rising. */
  readonly times: Float64Array;
  /** f32[sample][4], NaN = missing. */
  readonly values: Float32Array;
  /** f32[sample][3]: cpu peak, busiest core, connections, NaN = missing; absent when all are. */
  readonly extras?: Float32Array;
  readonly jobType?: string;
  /** 1 where a sample is the first of an incarnation. */
  readonly launches: Uint8Array;
  /** Caps in force from a sample on, in time order. */
  readonly caps: readonly CapChange[];
}

/** Values of a sample in `Series.extras`. */
export const EXTRAS = 3;

export interface CapChange {
  readonly sample: number;
  /** cpu, memory, network, disk; NaN = none known. */
  readonly values: readonly number[];
}

/**
 * Reads a stream of one instance's events into columns.
 *
 * @throws ERR_TRACE_FORMAT when the stream holds no sample
 */
export async function readSeries(
  name: string,
  events: AsyncIterable<SourceEvent>,
): Promise<Series> {
  const builder = new SeriesBuilder(name);
  for await (const event of events) builder.add(event);
  return builder.build();
}

/** The same for a stream of many instances' events, by name. */
export async function readAllSeries(events: AsyncIterable<SourceEvent>): Promise<Series[]> {
  const builders = new Map<string, SeriesBuilder>();
  for await (const event of events) {
    const name = instanceOf(event);
    let builder = builders.get(name);
    if (builder === undefined) {
      builder = new SeriesBuilder(name);
      builders.set(name, builder);
    }
    builder.add(event);
  }
  const names = [...builders.keys()].sort();
  return names.flatMap((name) => builders.get(name)?.build() ?? []);
}

function instanceOf(event: SourceEvent): string {
  if (event.kind === "sample") return event.sample.instanceId;
  return event.kind === "registered" ? event.registration.instanceId : event.instanceId;
}

const FIRST_CAPACITY = 4_096;

class SeriesBuilder {
  readonly #name: string;
  readonly #caps: CapChange[] = [];
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float32Array(FIRST_CAPACITY * RESOURCE_COUNT);
  #launches = new Uint8Array(FIRST_CAPACITY);
  #count = 0;
  #launched = true;
  #extras: Float32Array | undefined;
  #jobType: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  add(event: SourceEvent): void {
    if (event.kind === "sample") this.#sample(event.sample);
    else if (event.kind === "restarted") this.#launched = true;
    else if (event.kind === "registered") {
      const { cpu, memory, network, disk } = event.registration.limits ?? {};
      const values = [cpu, memory, network, disk].map((cap) => cap ?? Number.NaN);
      this.#jobType = event.registration.jobType ?? this.#jobType;
      this.#caps.push({ sample: this.#count, values });
    }
  }

  #sample(sample: Sample): void {
    if (this.#count === this.#times.length) this.#grow();
    const at = this.#count++;
    this.#times[at] = sample.timeMs / 1000;
    const row = [sample.cpuCores, sample.memoryGiB, sample.networkMbps, sample.disk];
    this.#values.set(
      row.map((value) => value ?? Number.NaN),
      at * RESOURCE_COUNT,
    );
    this.#extra(sample, at);
    this.#launches[at] = this.#launched ? 1 : 0;
    this.#launched = false;
  }

  #extra({ cpuPeakCores, perCoreCores, connections }: Sample, at: number): void {
    const values = [cpuPeakCores, busiestCore(perCoreCores), connections];
    if (this.#extras === undefined && values.every((value) => value === undefined)) return;
    this.#extras ??= new Float32Array(this.#times.length * EXTRAS).fill(Number.NaN);
    this.#extras.set(
      values.map((value) => value ?? Number.NaN),
      at * EXTRAS,
    );
  }

  #grow(): void {
    const size = this.#times.length * 2;
    const times = new Float64Array(size);
    const values = new Float32Array(size * RESOURCE_COUNT);
    const launches = new Uint8Array(size);
    times.set(this.#times);
    if (this.#extras !== undefined) {
      const extras = new Float32Array(size * EXTRAS).fill(Number.NaN);
      extras.set(this.#extras);
      this.#extras = extras;
    }
    values.set(this.#values);
    launches.set(this.#launches);
    this.#times = times;
    this.#values = values;
    this.#launches = launches;
  }

  build(): Series {
    if (this.#count === 0) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the series holds no sample", {
        file: this.#name,
      });
    }
    return {
      name: this.#name,
      times: this.#times.slice(0, this.#count),
      values: this.#values.slice(0, this.#count * RESOURCE_COUNT),
      launches: this.#launches.slice(0, this.#count),
      caps: this.#caps,
      ...(this.#jobType === undefined ? {} : { jobType: this.#jobType }),
      ...(this.#extras === undefined
        ? {}
        : { extras: this.#extras.slice(0, this.#count * EXTRAS) }),
    };
  }
}

/** First index whose time is greater than `seconds`. */
export function firstAfter(times: Float64Array, seconds: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) > seconds) high = middle;
    else low = middle + 1;
  }
  return low;
}
