import { join } from "node:path";
import type { KernelFiles } from "./files.js";
import { globPattern, segmentPattern, segmentsOf } from "./glob.js";
import {
  keyedNumber,
  parseCpuMax,
  parseIoStat,
  parsePressureSeconds,
  singleNumber,
} from "./kernel-text.js";
import type { Processes, ProcessSums } from "./processes.js";
import type { Reading } from "./reading.js";

export interface FoundGroup {
  /** Below the root, without a leading slash. */
  readonly path: string;
  readonly match: readonly (string | undefined)[];
}

/** cgroup v2 groups, from their files; what a controller does not tell comes from the processes. */
export class Groups {
  readonly root: string;
  readonly #files: KernelFiles;
  readonly #processes: Processes;

  constructor(root: string, files: KernelFiles, processes: Processes) {
    this.root = root;
    this.#files = files;
    this.#processes = processes;
  }

  /** Groups whose path matches; only folders on the way are opened. */
  find(glob: string): FoundGroup[] {
    const pattern = globPattern(glob);
    const paths: string[] = [];
    this.#walk("", segmentsOf(glob), paths);
    return [...new Set(paths)].sort().flatMap((path) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ path, match }];
    });
  }

  /** Undefined when there is no such group. */
  read(path: string): Reading | undefined {
    const folder = join(this.root, path);
    const cpu = this.#files.text(`${folder}/cpu.stat`);
    if (cpu === undefined) return undefined;
    const processes = this.#processesOf(folder);
    const sums = this.#processes.sums(processes.keys());
    const text = (name: string) => this.#files.text(`${folder}/${name}`);
    const disk = parseIoStat(text("io.stat"));
    return {
      cpuSeconds: keyedNumber(cpu, "usage_usec") / 1e6,
      lifeCpuSeconds: sums.cpuSeconds,
      ...memoryOf(text("memory.current"), text("memory.stat"), sums),
      diskBytes: known(disk.bytes, sums.diskBytes),
      diskOperations: disk.operations,
      lifeDiskBytes: sums.diskBytes,
      networkBytes: Number.NaN,
      connections: this.#processes.connections(processes.keys()),
      cpuStallSeconds: parsePressureSeconds(text("cpu.pressure")),
      memoryStallSeconds: parsePressureSeconds(text("memory.pressure")),
      ioStallSeconds: parsePressureSeconds(text("io.pressure")),
      oomKills: keyedNumber(text("memory.events"), "oom_kill"),
      processes,
      limits: {
        cores: parseCpuMax(text("cpu.max")),
        memoryBytes: singleNumber(text("memory.max")),
      },
    };
  }

  cpuSecondsNow(path: string): number {
    return keyedNumber(this.#files.text(join(this.root, path, "cpu.stat")), "usage_usec") / 1e6;
  }

  /** Of the group and of those below it, which a container's own processes may have been moved to. */
  #processesOf(folder: string): Map<number, number> {
    const found = new Map<number, number>();
    for (const line of (this.#files.text(`${folder}/cgroup.procs`) ?? "").split("\n")) {
      if (line === "") continue;
      const stat = this.#processes.stat(Number(line));
      if (stat !== undefined) found.set(stat.pid, stat.startTicks);
    }
    if (found.size > 0) return found;
    if (keyedNumber(this.#files.text(`${folder}/cgroup.events`), "populated") !== 1) return found;
    for (const name of this.#files.folders(folder) ?? []) {
      for (const [pid, start] of this.#processesOf(`${folder}/${name}`)) found.set(pid, start);
    }
    return found;
  }

  #walk(path: string, segments: readonly string[], paths: string[]): void {
    const [segment, ...rest] = segments;
    if (segment === undefined) {
      if (path !== "") paths.push(path);
      return;
    }
    if (segment === "**") this.#walk(path, rest, paths);
    const pattern = segmentPattern(segment);
    for (const name of this.#files.folders(join(this.root, path)) ?? []) {
      const next = path === "" ? name : `${path}/${name}`;
      if (segment === "**") this.#walk(next, segments, paths);
      else if (pattern.test(name)) this.#walk(next, rest, paths);
    }
  }
}

function memoryOf(current: string | undefined, stat: string | undefined, sums: ProcessSums) {
  const anon = keyedNumber(stat, "anon") + keyedNumber(stat, "shmem");
  const idle = keyedNumber(stat, "inactive_file");
  return {
    anonBytes: known(anon, sums.anonBytes),
    footprintBytes: known(Math.max(0, singleNumber(current) - idle), sums.residentBytes),
  };
}

function known(value: number, other: number): number {
  return Number.isNaN(value) ? other : value;
}
