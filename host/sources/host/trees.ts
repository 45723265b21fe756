import type { KernelFiles } from "./files.js";
import type { ProcessStat } from "./kernel-text.js";
import type { Processes } from "./processes.js";
import { NO_LIMITS, type Reading } from "./reading.js";
import type { TreeRule } from "./rules.js";

export interface FoundTree {
  readonly root: ProcessStat;
  readonly match: readonly (string | undefined)[];
}

/** Process trees: a root and all that descends from it while the chain of parents holds. */
export class Trees {
  readonly #files: KernelFiles;
  readonly #processes: Processes;
  #children: Map<number, ProcessStat[]> | undefined;
  #all: readonly ProcessStat[] = [];
  #userIds: Map<string, number> | undefined;

  constructor(files: KernelFiles, processes: Processes) {
    this.#files = files;
    this.#processes = processes;
  }

  begin(): void {
    this.#children = undefined;
  }

  /** Oldest first, so that names are given in the same order again. */
  find(rule: TreeRule): FoundTree[] {
    this.#survey();
    const pattern = new RegExp(rule.command ?? "");
    const userId = this.#userId(rule.user);
    const matching = new Map<number, FoundTree>();
    for (const stat of this.#all) {
      if (rule.user !== undefined && this.#processes.userId(stat.pid) !== userId) continue;
      const match = pattern.exec(this.#processes.command(stat));
      if (match !== null) matching.set(stat.pid, { root: stat, match });
    }
    return [...matching.values()]
      .filter(({ root }) => !this.#hasAncestorIn(root, matching))
      .sort((a, b) => a.root.startTicks - b.root.startTicks || a.root.pid - b.root.pid);
  }

  /** Undefined when it is over, or its number belongs to another process by now. */
  read(pid: number, startTicks: number): Reading | undefined {
    const root = this.#processes.stat(pid);
    if (root?.startTicks !== startTicks) return undefined;
    const processes = this.#descendants(root);
    const sums = this.#processes.sums(processes.keys());
    return {
      cpuSeconds: sums.cpuSeconds,
      lifeCpuSeconds: sums.cpuSeconds,
      anonBytes: sums.anonBytes,
      footprintBytes: sums.residentBytes,
      diskBytes: sums.diskBytes,
      diskOperations: Number.NaN,
      lifeDiskBytes: sums.diskBytes,
      networkBytes: Number.NaN,
      connections: this.#processes.connections(processes.keys()),
      cpuStallSeconds: Number.NaN,
      memoryStallSeconds: Number.NaN,
      ioStallSeconds: Number.NaN,
      oomKills: Number.NaN,
      processes,
      limits: NO_LIMITS,
    };
  }

  #descendants(root: ProcessStat): Map<number, number> {
    this.#survey();
    const found = new Map<number, number>();
    const waiting = [root];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (found.has(next.pid)) continue;
      found.set(next.pid, next.startTicks);
      waiting.push(...(this.#children?.get(next.pid) ?? []));
    }
    return found;
  }

  #hasAncestorIn(stat: ProcessStat, matching: ReadonlyMap<number, FoundTree>): boolean {
    const seen = new Set<number>();
    for (let pid = stat.parentPid; pid > 1 && !seen.has(pid); ) {
      if (matching.has(pid)) return true;
      seen.add(pid);
      pid = this.#processes.stat(pid)?.parentPid ?? 0;
    }
    return false;
  }

  #survey(): void {
    if (this.#children !== undefined) return;
    this.#all = this.#processes.all();
    this.#children = new Map();
    for (const stat of this.#all) {
      const siblings = this.#children.get(stat.parentPid);
      if (siblings === undefined) this.#children.set(stat.parentPid, [stat]);
      else siblings.push(stat);
    }
  }

  #userId(user: string | number | undefined): number | undefined {
    if (typeof user !== "string") return user;
    this.#userIds ??= new Map(
      (this.#files.text("/etc/passwd") ?? "").split("\n").map((line) => {
        const [name = "", , id] = line.split(":");
        return [name, Number(id)] as const;
      }),
    );
    return this.#userIds.get(user) ?? (/^\d+$/.test(user) ? Number(user) : -1);
  }
}
