/** From the names of somebody else's metrics to instances and resources. */
import type { Sample } from "../sample.js";
import type { MetricPoint } from "./points.js";

export const PUSH_RESOURCES = [
  "cpu",
  "cpuPeak",
  "memory",
  "network",
  "disk",
  "connections",
] as const;
export type PushResource = (typeof PUSH_RESOURCES)[number];

export interface PushMapping {
  readonly metric: string;
  /** Labels that have to be so. */
  readonly match: Readonly<Record<string, string>>;
  /** `{namespace}/{pod}`: each name in braces is a label; without one of them it is nobody's. */
  readonly instance: string;
  readonly resource: PushResource;
  /** The metric's unit in that of the resource, as 2^-30 for bytes in GiB. */
  readonly scale: number;
  /** A counter's rise a second is what counts. */
  readonly kind: "gauge" | "counter";
}

/** Values of a sample that metrics may say. */
export type PushField = keyof Pick<
  Sample,
  "cpuCores" | "cpuPeakCores" | "memoryGiB" | "networkMbps" | "disk" | "connections"
>;

export const FIELDS: Readonly<Record<PushResource, PushField>> = {
  cpu: "cpuCores",
  cpuPeak: "cpuPeakCores",
  memory: "memoryGiB",
  network: "networkMbps",
  disk: "disk",
  connections: "connections",
};

export interface Mapped {
  readonly mapping: PushMapping;
  readonly instanceId: string;
}

export class MappingTable {
  readonly #byMetric = new Map<string, PushMapping[]>();

  constructor(mappings: readonly PushMapping[]) {
    for (const mapping of mappings) {
      const before = this.#byMetric.get(mapping.metric) ?? [];
      this.#byMetric.set(mapping.metric, [...before, mapping]);
    }
  }

  /** The first mapping that fits; undefined when none does. */
  find({ name, labels }: MetricPoint): Mapped | undefined {
    for (const mapping of this.#byMetric.get(name) ?? []) {
      const fits = Object.entries(mapping.match).every(([key, value]) => labels.get(key) === value);
      const instanceId = fits ? fill(mapping.instance, labels) : undefined;
      if (instanceId !== undefined) return { mapping, instanceId };
    }
    return undefined;
  }
}

function fill(template: string, labels: ReadonlyMap<string, string>): string | undefined {
  let isWhole = true;
  const text = template.replace(/\{([^{}]+)\}/g, (_, label: string) => {
    const value = labels.get(label);
    if (value === undefined || value === "") isWhole = false;
    return value ?? "";
  });
  return isWhole && text !== "" ? text : undefined;
}
