import { statSync } from "node:fs";
import { type KernelFiles, missingOr } from "./files.js";
import {
  keyedNumber,
  type ProcessStat,
  parseConnectionInodes,
  parseNetworkBytes,
  parseProcessStat,
  parseResidentPages,
} from "./kernel-text.js";

/** `USER_HZ`: the same on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** A younger process may still be about to become another program. */
const SETTLED_TICKS = 2 * TICKS_PER_SECOND;
const OVER = new Set(["Z", "X", "x"]);

interface KnownCommand {
  readonly startTicks: number;
  readonly text: string;
}

export interface ProcessSums {
  readonly cpuSeconds: number;
  readonly anonBytes: number;
  readonly residentBytes: number;
  readonly diskBytes: number;
}

/** The processes of this machine during one look; `begin` starts the next. */
export class Processes {
  readonly root: string;
  readonly #files: KernelFiles;
  readonly #commands = new Map<number, KnownCommand>();
  #stats = new Map<number, ProcessStat | undefined>();
  #established: ReadonlySet<string> | undefined;
  #ownNamespace: string | undefined;
  #uptimeTicks = 0;

  constructor(root: string, files: KernelFiles) {
    this.root = root;
    this.#files = files;
    this.#ownNamespace = files.link(`${root}/self/ns/net`);
  }

  begin(): void {
    this.#stats = new Map();
    this.#established = undefined;
    this.#uptimeTicks = this.#readUptimeTicks();
  }

  /** How long ago something started, seconds. */
  ageSeconds(startTicks: number): number {
    return (this.#uptimeTicks - startTicks) / TICKS_PER_SECOND;
  }

  /** Undefined when it is over. */
  stat(pid: number): ProcessStat | undefined {
    if (this.#stats.has(pid)) return this.#stats.get(pid);
    const text = this.#files.text(`${this.root}/${pid}/stat`);
    const stat = text === undefined ? undefined : parseProcessStat(text);
    const live = stat !== undefined && !OVER.has(stat.state) ? stat : undefined;
    this.#stats.set(pid, live);
    return live;
  }

  /** CPU time now, not as of the look. */
  cpuSecondsNow(pids: Iterable<number>): number {
    let ticks = 0;
    for (const pid of pids) {
      const text = this.#files.text(`${this.root}/${pid}/stat`);
      ticks += (text === undefined ? undefined : parseProcessStat(text))?.cpuTicks ?? 0;
    }
    return ticks / TICKS_PER_SECOND;
  }

  /** Every process but this one. */
  all(): readonly ProcessStat[] {
    const names = this.#files.names(this.root) ?? [];
    const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
    const live = new Set(pids);
    for (const pid of this.#commands.keys()) if (!live.has(pid)) this.#commands.delete(pid);
    return pids.flatMap((pid) => (pid === process.pid ? [] : (this.stat(pid) ?? [])));
  }

  /** Its words, blanks between them. */
  command({ pid, startTicks }: ProcessStat): string {
    const known = this.#commands.get(pid);
    if (known?.startTicks === startTicks) return known.text;
    const text = (this.#files.text(`${this.root}/${pid}/cmdline`) ?? "")
      .replaceAll("\0", " ")
      .trimEnd();
    if (this.#uptimeTicks - startTicks > SETTLED_TICKS) {
      this.#commands.set(pid, { startTicks, text });
    }
    return text;
  }

  userId(pid: number): number | undefined {
    return missingOr(() => statSync(`${this.root}/${pid}`).uid);
  }

  sums(pids: Iterable<number>): ProcessSums {
    let [ticks, anonPages, residentPages, diskBytes] = [0, 0, 0, 0];
    for (const pid of pids) {
      ticks += this.stat(pid)?.cpuTicks ?? 0;
      const { resident, shared } = parseResidentPages(
        this.#files.text(`${this.root}/${pid}/statm`),
      );
      // A process that ended within this look has nothing any more.
      if (!Number.isNaN(resident)) {
        anonPages += resident - shared;
        residentPages += resident;
      }
      const io = this.#files.text(`${this.root}/${pid}/io`);
      diskBytes += keyedNumber(io, "read_bytes") + keyedNumber(io, "write_bytes");
    }
    return {
      cpuSeconds: ticks / TICKS_PER_SECOND,
      anonBytes: anonPages * PAGE_BYTES,
      residentBytes: residentPages * PAGE_BYTES,
      diskBytes,
    };
  }

  /** Its network namespace, where it has another one than this process. */
  namespace(pid: number): string | undefined {
    const name = this.#files.link(`${this.root}/${pid}/ns/net`);
    return name === this.#ownNamespace ? undefined : name;
  }

  networkBytes(pid: number): number {
    return parseNetworkBytes(this.#files.text(`${this.root}/${pid}/net/dev`));
  }

  /** Established connections; NaN when the handles of one process are hidden from us. */
  connections(pids: Iterable<number>): number {
    let count = 0;
    for (const pid of pids) {
      const own = this.namespace(pid) === undefined ? this.#ownConnections() : this.#inodes(pid);
      // Without any connection there is nothing to look for.
      if (own.size === 0) continue;
      const folder = `${this.root}/${pid}/fd`;
      const handles = this.#files.names(folder);
      if (handles === undefined && this.stat(pid) !== undefined) return Number.NaN;
      for (const handle of handles ?? []) {
        const inode = /^socket:\[(\d+)\]$/.exec(this.#files.link(`${folder}/${handle}`) ?? "");
        if (inode?.[1] !== undefined && own.has(inode[1])) count++;
      }
    }
    return count;
  }

  #ownConnections(): ReadonlySet<string> {
    this.#established ??= this.#inodes("self");
    return this.#established;
  }

  #inodes(pid: number | string): ReadonlySet<string> {
    const tables = ["tcp", "tcp6"].map((name) =>
      parseConnectionInodes(this.#files.text(`${this.root}/${pid}/net/${name}`)),
    );
    return new Set(tables.flat());
  }

  #readUptimeTicks(): number {
    const seconds = Number(this.#files.text(`${this.root}/uptime`)?.split(" ")[0]);
    return seconds * TICKS_PER_SECOND;
  }
}
