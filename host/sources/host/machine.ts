import { OSUtils } from "node-os-utils";
import { RepriseError } from "../../lib/errors.js";
import { sumDiskBytes, sumNetworkBytes } from "./devices.js";

export interface MachineCapacity {
  readonly model: string;
  /** Logical processors. */
  readonly cores: number;
  readonly memoryBytes: number;
}

/** One look at the machine. Totals count since it started, so a rate needs two looks. */
export interface MachineLoad {
  /** When it was taken, ms since 1970 UTC. */
  readonly timeMs: number;
  /** Busy share of all processors, in [0, 1]. */
  readonly cpuUsageRatio: number;
  readonly usageCores: number;
  readonly usageMemoryBytes: number;
  /** Runnable tasks, mean over a minute. */
  readonly loadAverage: number;
  /** Received and sent over all interfaces but loopback; absent where the system hides them. */
  readonly networkTotalBytes?: number;
  /** Read and written over whole disks; absent where the system hides them. */
  readonly diskTotalBytes?: number;
}

/** What is used of node-os-utils; a test hands in its own. */
export interface MachineMonitors {
  readonly cpu: Pick<OSUtils["cpu"], "info" | "usage" | "loadAverage">;
  readonly memory: Pick<OSUtils["memory"], "info">;
  readonly network: Pick<OSUtils["network"], "statsAsync">;
  readonly disk: Pick<OSUtils["disk"], "stats">;
}

/** node-os-utils answers in an envelope and does not throw. */
type Envelope<T> =
  | { readonly success: true; readonly data: T; readonly timestamp: number }
  | { readonly success: false; readonly error: Error };

/**
 * This machine through node-os-utils. Its percentages and sizes become ratios and bytes here and
 * appear nowhere else. A look takes about 0.2 s, because the CPU share is measured over that time.
 */
export class Machine {
  readonly #monitors: MachineMonitors;

  constructor(monitors: MachineMonitors = openMonitors()) {
    this.#monitors = monitors;
  }

  /** @throws ERR_SAMPLE_UNAVAILABLE */
  async capacity(): Promise<MachineCapacity> {
    const cpu = required("CPU", await this.#monitors.cpu.info());
    const memory = required("memory", await this.#monitors.memory.info());
    return {
      model: cpu.data.model,
      cores: finite("CPU count", cpu.data.threads),
      memoryBytes: finite("memory size", memory.data.total.bytes),
    };
  }

  /** @throws ERR_SAMPLE_UNAVAILABLE when CPU or memory cannot be read */
  async load(): Promise<MachineLoad> {
    const { cpu, memory, network, disk } = this.#monitors;
    const { threads } = required("CPU", await cpu.info()).data;
    const percent = required("CPU usage", await cpu.usage());
    const average = required("load average", await cpu.loadAverage());
    const used = required("memory", await memory.info());
    const interfaces = await network.statsAsync();
    const disks = await disk.stats();
    const cpuUsageRatio = finite("CPU usage", percent.data) / 100;
    return {
      timeMs: used.timestamp,
      cpuUsageRatio,
      usageCores: cpuUsageRatio * finite("CPU count", threads),
      usageMemoryBytes: finite("memory in use", used.data.used.bytes),
      loadAverage: finite("load average", average.data.load1),
      ...(interfaces.success ? { networkTotalBytes: sumNetworkBytes(interfaces.data) } : {}),
      ...(disks.success ? { diskTotalBytes: sumDiskBytes(disks.data) } : {}),
    };
  }
}

function openMonitors(): MachineMonitors {
  // Answers from a cache would make two looks equal and every rate zero.
  return new OSUtils({ cacheEnabled: false, disk: { includeStats: true } });
}

function required<T>(what: string, answer: Envelope<T>): Extract<Envelope<T>, { success: true }> {
  if (answer.success) return answer;
  throw new RepriseError("ERR_SAMPLE_UNAVAILABLE", `${what} cannot be read`, {}, answer.error);
}

function finite(what: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new RepriseError("ERR_SAMPLE_UNAVAILABLE", `${what} makes no sense`, {
    got: value,
    expected: "a finite number, zero or more",
  });
}
