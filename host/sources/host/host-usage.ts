import type { SourceEvent } from "../sample.js";
import type { MachineCapacity } from "./machine.js";
import { type LoadSource, MachineUsage } from "./machine-usage.js";

/**
 * What is in use on this machine, as the pools see it: of the whole machine by a look at it, of an
 * instance by its last sample. The allocator's `LoadReader`.
 */
export class HostUsage {
  readonly #machine: MachineUsage;
  readonly #instances = new Map<string, readonly number[]>();

  constructor(nodeId: string, source: LoadSource) {
    this.#machine = new MachineUsage(nodeId, source);
  }

  /** @throws ERR_SAMPLE_UNAVAILABLE; then the last answer stays */
  refresh(): Promise<void> {
    return this.#machine.refresh();
  }

  note(event: SourceEvent): void {
    if (event.kind === "stopped") this.#instances.delete(event.instanceId);
    if (event.kind !== "sample") return;
    const { instanceId, cpuCores, footprintGiB, memoryGiB, networkMbps, disk } = event.sample;
    // The working set is what cannot be taken away, so a donor's floor is measured by it.
    const memory = footprintGiB ?? memoryGiB;
    const usage = [cpuCores, memory, networkMbps, disk].map((value) => value ?? Number.NaN);
    this.#instances.set(instanceId, usage);
  }

  nodeUsage(nodeId: string): readonly number[] | undefined {
    return this.#machine.nodeUsage(nodeId);
  }

  instanceUsage(instanceId: string): readonly number[] | undefined {
    return this.#instances.get(instanceId);
  }
}

export interface HostShare {
  /** Kept back for the system itself: cores and GiB. */
  readonly reservedCores: number;
  readonly reservedGiB: number;
  /** No machine tells these of itself. */
  readonly networkMbps: number;
  readonly disk: number;
}

/** What instances may have of this machine, one value a resource. */
export function allocatableOf(machine: MachineCapacity, share: HostShare): readonly number[] {
  return [
    Math.max(0, machine.cores - share.reservedCores),
    Math.max(0, machine.memoryBytes / 2 ** 30 - share.reservedGiB),
    share.networkMbps,
    share.disk,
  ];
}
