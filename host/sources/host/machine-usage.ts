import { RESOURCE_COUNT } from "../../core/abi.js";
import type { MachineLoad } from "./machine.js";

/** Anything that can look at a machine: `Machine`, or a test's own. */
export interface LoadSource {
  load(): Promise<MachineLoad>;
}

/**
 * The usage of this machine as the pools see it: the allocator's `LoadReader`. `refresh` looks,
 * `nodeUsage` answers at once with what was seen last, so that a tick never waits for the system.
 */
export class MachineUsage {
  readonly #nodeId: string;
  readonly #source: LoadSource;
  #last: MachineLoad | undefined;
  #usage: readonly number[] | undefined;

  constructor(nodeId: string, source: LoadSource) {
    this.#nodeId = nodeId;
    this.#source = source;
  }

  /** @throws ERR_SAMPLE_UNAVAILABLE; then the last answer stays */
  async refresh(): Promise<void> {
    const load = await this.#source.load();
    this.#usage = usageBetween(this.#last, load);
    this.#last = load;
  }

  /**
   * Cores, GiB, Mbps and MB/s in use, one value a resource; NaN where it is not known, which for
   * rates is so until the second look. Undefined before the first look and for other nodes.
   */
  nodeUsage(nodeId: string): readonly number[] | undefined {
    return nodeId === this.#nodeId ? this.#usage : undefined;
  }

  /** A look at the machine tells nothing about who uses it. */
  instanceUsage(): undefined {
    return undefined;
  }
}

function usageBetween(before: MachineLoad | undefined, now: MachineLoad): readonly number[] {
  const usage = new Array<number>(RESOURCE_COUNT).fill(Number.NaN);
  const seconds = before === undefined ? Number.NaN : (now.timeMs - before.timeMs) / 1000;
  usage[0] = now.usageCores;
  usage[1] = now.usageMemoryBytes / 2 ** 30;
  usage[2] = (rate(before?.networkTotalBytes, now.networkTotalBytes, seconds) * 8) / 1e6;
  usage[3] = rate(before?.diskTotalBytes, now.diskTotalBytes, seconds) / 1e6;
  return usage;
}

/** Bytes a second; NaN when a total is missing, time stood still or a counter started anew. */
function rate(before: number | undefined, now: number | undefined, seconds: number): number {
  if (before === undefined || now === undefined || now < before || !(seconds > 0)) {
    return Number.NaN;
  }
  return (now - before) / seconds;
}
