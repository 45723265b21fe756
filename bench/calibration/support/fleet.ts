import { readBitbrains } from "../../../host/sources/bitbrains/bitbrains-source.js";
import type { ResourceAmounts, Sample } from "../../../host/sources/sample.js";

const WIDTH = 4;

/** What an instance may use at most, from some moment on. */
export interface LimitChange {
  readonly atSeconds: number;
  readonly limits: ResourceAmounts;
}

/** One instance's samples in time order, packed: a month of a hundred fits in memory. */
export class PackedSeries {
  readonly id: string;
  readonly seconds: Float64Array;
  readonly limits: readonly LimitChange[];
  readonly #values: Float32Array;

  constructor(id: string, samples: readonly Sample[], limits: readonly LimitChange[]) {
    this.id = id;
    this.limits = limits;
    this.seconds = Float64Array.from(samples, ({ timeMs }) => timeMs / 1_000);
    this.#values = new Float32Array(samples.length * WIDTH);
    samples.forEach(({ cpuCores, memoryGiB, networkMbps, disk }, index) => {
      const row = [cpuCores, memoryGiB, networkMbps, disk];
      this.#values.set(
        row.map((value) => value ?? Number.NaN),
        index * WIDTH,
      );
    });
  }

  values(index: number): Float32Array {
    return this.#values.subarray(index * WIDTH, (index + 1) * WIDTH);
  }

  sample(index: number): Sample {
    const [cpu = Number.NaN, memory = Number.NaN, network = Number.NaN, disk = Number.NaN] =
      this.values(index);
    return {
      instanceId: this.id,
      timeMs: (this.seconds[index] ?? 0) * 1_000,
      ...(Number.isNaN(cpu) ? {} : { cpuCores: cpu }),
      ...(Number.isNaN(memory) ? {} : { memoryGiB: memory }),
      ...(Number.isNaN(network) ? {} : { networkMbps: network }),
      ...(Number.isNaN(disk) ? {} : { disk }),
    };
  }

  /** The limits that held at a time; those of the first sample before it. */
  limitsAt(seconds: number): ResourceAmounts {
    let found = this.limits[0]?.limits ?? {};
    for (const { atSeconds, limits } of this.limits) if (atSeconds <= seconds) found = limits;
    return found;
  }
}

/** A VM of the Bitbrains trace while it is on; its limits are cores and memory granted so far. */
export async function packVm(file: string, id: string): Promise<PackedSeries> {
  const samples: Sample[] = [];
  const limits: LimitChange[] = [];
  for await (const event of readBitbrains(file, { instanceId: id })) {
    if (event.kind === "sample") samples.push(event.sample);
    if (event.kind !== "registered") continue;
    limits.push({
      atSeconds: event.timeMs / 1_000,
      limits: event.registration.limits ?? {},
    });
  }
  return new PackedSeries(id, samples, limits);
}
