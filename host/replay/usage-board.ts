import type { LoadReader } from "../allocator/load.js";
import type { Sample } from "../sources/sample.js";
import { addAmounts } from "./capacity.js";
import type { Amounts } from "./scenario.js";

/** What instances used last, as the allocator's measured load. */
export class UsageBoard implements LoadReader {
  readonly #usage = new Map<string, Amounts>();
  readonly #nodeOf: (instanceId: string) => string | undefined;
  readonly #byNode = new Map<string, Amounts>();
  #stale = true;

  /** @param nodeOf where an instance holds room now; undefined while it is down */
  constructor(nodeOf: (instanceId: string) => string | undefined) {
    this.#nodeOf = nodeOf;
  }

  note(sample: Sample): void {
    const { cpuCores, memoryGiB, networkMbps, disk } = sample;
    const usage = [cpuCores ?? 0, memoryGiB ?? 0, networkMbps ?? 0, disk ?? 0];
    this.#usage.set(sample.instanceId, usage);
    this.#stale = true;
  }

  forget(instanceId: string): void {
    this.#usage.delete(instanceId);
    this.#stale = true;
  }

  /** Somebody moved. */
  refresh(): void {
    this.#stale = true;
  }

  instanceUsage(instanceId: string): Amounts | undefined {
    return this.#usage.get(instanceId);
  }

  nodeUsage(nodeId: string): Amounts | undefined {
    if (this.#stale) this.#addUp();
    return this.#byNode.get(nodeId);
  }

  #addUp(): void {
    this.#byNode.clear();
    for (const [instanceId, usage] of this.#usage) {
      const nodeId = this.#nodeOf(instanceId);
      if (nodeId === undefined) continue;
      const sum = this.#byNode.get(nodeId);
      this.#byNode.set(nodeId, sum === undefined ? usage : addAmounts(sum, usage));
    }
    this.#stale = false;
  }
}
