import { mkdirSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { KernelFiles } from "../../sources/host/files.js";
import { keyedNumber, parseProcessStat, singleNumber } from "../../sources/host/kernel-text.js";

/** Where an instance is on this machine. */
export type Place =
  | { readonly kind: "group"; readonly path: string }
  | { readonly kind: "tree"; readonly pid: number; readonly startTicks: number };

/** Whether it holds, and if not why. */
export type Applied = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface LimitOptions {
  /** Raise a memory limit to what is in use instead of refusing it. */
  readonly raiseToUse: boolean;
}

const OK: Applied = { ok: true };
const PERIOD_USEC = 100_000;
/** The kernel takes no shorter quota. */
const QUOTA_USEC_MIN = 1_000;
const WEIGHT_MAX = 10_000;
const PAGE_BYTES = 4096;
const GIB = 2 ** 30;
/** Without a CPU controller a donor steps back by this. */
const NICE_SHRUNK = 10;

/** One text of a file that is changed, and how to see that the kernel took it. */
interface Change {
  readonly file: string;
  readonly text: string;
  readonly holds: (read: string) => boolean;
}

/** Reads and writes what bounds an instance; every write is confirmed by reading it back. */
export class Controls {
  readonly root: string | undefined;
  readonly procRoot: string;
  readonly #files = new KernelFiles();

  constructor(root: string | undefined, procRoot = "/proc") {
    this.root = root;
    this.procRoot = procRoot;
  }

  hasGroup(path: string): boolean {
    if (this.root === undefined || path.split("/").includes("..")) return false;
    return this.#text(path, "cgroup.procs") !== undefined;
  }

  /** Makes the group if it is not there. @returns why it cannot be */
  ensureGroup(path: string): string | undefined {
    try {
      mkdirSync(this.#folder(path), { recursive: true });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Resources that the kernel bounds for this place; the others are only accounted for. */
  bounded(place: Place): { readonly cpu: boolean; readonly memory: boolean } {
    if (place.kind === "tree") return { cpu: false, memory: false };
    const has = (name: string) => this.#text(place.path, name) !== undefined;
    return { cpu: has("cpu.max"), memory: has("memory.high") };
  }

  /**
   * Sets `cpu.max`, `cpu.weight` and `memory.high`, each where its controller is on; without the CPU
   * controller the processes' nice value says whether it was shrunk. `memory.max` is never touched.
   * All of it holds afterwards, or nothing was changed.
   *
   * @param amounts cores, GiB, then what no group bounds
   */
  limit(place: Place, amounts: readonly number[], options: LimitOptions): Applied {
    const [cores = Number.NaN, memoryGiB = Number.NaN] = amounts;
    if (place.kind === "tree") return this.#nice(place, options);
    const bounded = this.bounded(place);
    const changes: Change[] = [];
    if (bounded.memory && memoryGiB >= 0) {
      const used = this.#memoryInUse(place.path);
      const wanted = Math.floor((memoryGiB * GIB) / PAGE_BYTES) * PAGE_BYTES;
      if (wanted < used && !options.raiseToUse) {
        return no(`memory.high ${wanted} would be below the ${used} bytes in use`);
      }
      changes.push(memoryHigh(Math.max(wanted, Math.ceil(used / PAGE_BYTES) * PAGE_BYTES)));
    }
    if (bounded.cpu && cores >= 0) changes.push(cpuMax(cores), cpuWeight(cores));
    const applied = this.#writeAll(place.path, changes);
    return applied.ok && !bounded.cpu ? this.#nice(place, options) : applied;
  }

  /** What bounds the place now: cores, GiB, then NaN for what no group bounds. Infinity: unlimited. */
  held(place: Place): number[] {
    const bounded = this.bounded(place);
    const path = place.kind === "group" ? place.path : "";
    const [quota = "", period = ""] = (this.#text(path, "cpu.max") ?? "").trim().split(" ");
    const cores = quota === "max" ? Infinity : Number(quota) / Number(period);
    const high = this.#text(path, "memory.high")?.trim();
    const memoryGiB = high === "max" ? Infinity : singleNumber(high ?? "") / GIB;
    return [
      bounded.cpu ? cores : Number.NaN,
      bounded.memory ? memoryGiB : Number.NaN,
      Number.NaN,
      Number.NaN,
    ];
  }

  /** Processes there now; none when it is over. */
  pids(place: Place): number[] {
    if (place.kind === "group") return this.#pidsBelow(this.#folder(place.path));
    const all = this.#files.names(this.procRoot) ?? [];
    const stats = all.flatMap((name) =>
      /^\d+$/.test(name) ? (this.#stat(Number(name)) ?? []) : [],
    );
    const root = stats.find(({ pid }) => pid === place.pid);
    if (root?.startTicks !== place.startTicks) return [];
    const found = new Set([root.pid]);
    // Parents first, until nobody new turns up.
    for (let before = 0; before < found.size; ) {
      before = found.size;
      for (const { pid, parentPid } of stats) if (found.has(parentPid)) found.add(pid);
    }
    return [...found];
  }

  /** @returns how many were reached */
  signal(place: Place, signal: "SIGTERM" | "SIGKILL"): number {
    if (place.kind === "group" && signal === "SIGKILL" && this.#kill(place.path)) return 1;
    const pids = this.pids(place);
    // A tree's root knows its own and ends them in its order.
    const told = place.kind === "tree" && signal === "SIGTERM" ? pids.slice(0, 1) : pids;
    return told.filter((pid) => reach(pid, signal)).length;
  }

  /** Anonymous and shared memory: what reclaim cannot take without swap. NaN counts as none. */
  #memoryInUse(path: string): number {
    const stat = this.#text(path, "memory.stat");
    const used = keyedNumber(stat, "anon") + keyedNumber(stat, "shmem");
    return Number.isNaN(used) ? 0 : used;
  }

  #writeAll(path: string, changes: readonly Change[]): Applied {
    const undo: Change[] = [];
    for (const change of changes) {
      const before = this.#text(path, change.file);
      const reason = this.#write(path, change);
      if (reason !== undefined) {
        for (const back of undo.reverse()) this.#write(path, back);
        return no(reason);
      }
      if (before !== undefined) undo.push({ ...change, text: before.trim(), holds: () => true });
    }
    return OK;
  }

  #write(path: string, { file, text, holds }: Change): string | undefined {
    try {
      writeFileSync(join(this.#folder(path), file), text);
    } catch (error) {
      return `${file} cannot be written: ${(error as Error).message}`;
    }
    const read = this.#text(path, file)?.trim() ?? "";
    return holds(read) ? undefined : `${file} was written as ${text} and reads ${read}`;
  }

  #nice(place: Place, { raiseToUse }: LimitOptions): Applied {
    try {
      for (const pid of this.pids(place)) setPriority(pid, raiseToUse ? 0 : NICE_SHRUNK);
      return OK;
    } catch (error) {
      return no(`the nice value cannot be set: ${(error as Error).message}`);
    }
  }

  #kill(path: string): boolean {
    try {
      writeFileSync(join(this.#folder(path), "cgroup.kill"), "1", { flag: "r+" });
      return true;
    } catch {
      // Linux before 5.14 has no such file: the processes are told one by one.
      return false;
    }
  }

  #pidsBelow(folder: string): number[] {
    const own = (this.#files.text(join(folder, "cgroup.procs")) ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map(Number)
      .filter((pid) => this.#stat(pid) !== undefined);
    const below = (this.#files.folders(folder) ?? []).flatMap((name) =>
      this.#pidsBelow(join(folder, name)),
    );
    return [...own, ...below];
  }

  #stat(pid: number) {
    const stat = parseProcessStat(this.#files.text(`${this.procRoot}/${pid}/stat`) ?? "");
    return stat === undefined || stat.state === "Z" ? undefined : stat;
  }

  #text(path: string, name: string): string | undefined {
    return this.#files.text(join(this.#folder(path), name));
  }

  #folder(path: string): string {
    return join(this.root ?? "", path);
  }
}

function cpuMax(cores: number): Change {
  const quota = Math.max(QUOTA_USEC_MIN, Math.round(cores * PERIOD_USEC));
  const text = `${quota} ${PERIOD_USEC}`;
  return { file: "cpu.max", text, holds: (read) => read === text };
}

function cpuWeight(cores: number): Change {
  const weight = String(Math.min(WEIGHT_MAX, Math.max(1, Math.round(cores * 100))));
  return { file: "cpu.weight", text: weight, holds: (read) => read === weight };
}

function memoryHigh(bytes: number): Change {
  const near = (read: string) => Math.abs(singleNumber(read) - bytes) < PAGE_BYTES;
  return { file: "memory.high", text: String(bytes), holds: near };
}

function reach(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // It ended by itself a moment ago.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function no(reason: string): Applied {
  return { ok: false, reason };
}
