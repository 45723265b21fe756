/**
 * The texts that Linux writes, turned into numbers. NaN means that it is not there. Shapes after
 * the kernel's `admin-guide/cgroup-v2.rst`, `accounting/psi.rst` and `proc(5)`.
 */

export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** One letter; Z is a process that is over and waits to be collected. */
  readonly state: string;
  /** Its own CPU time and that of children it has waited for, clock ticks. */
  readonly cpuTicks: number;
  /** Clock ticks since the machine started. */
  readonly startTicks: number;
}

/** `/proc/PID/stat`; the name in brackets may hold anything, brackets too. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const pid = Number(text.slice(0, open));
  // The first field behind the name is the third of the page.
  const fields = text.slice(close + 2).split(" ");
  const at = (field: number) => Number(fields[field - 3]);
  const cpuTicks = at(14) + at(15) + at(16) + at(17);
  const startTicks = at(22);
  if (!Number.isFinite(cpuTicks + startTicks + pid)) return undefined;
  return { pid, parentPid: at(4), state: fields[0] ?? "", cpuTicks, startTicks };
}

/** One value of a flat keyed file (`cpu.stat`, `memory.stat`, `memory.events`, `/proc/PID/io`). */
export function keyedNumber(text: string | undefined, key: string): number {
  if (text === undefined) return Number.NaN;
  const from = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`) + 1;
  if (from === 0 && !text.startsWith(key)) return Number.NaN;
  const match = /^:?[ \t]+(\d+)/.exec(text.slice(from + key.length, from + key.length + 32));
  return match === null ? Number.NaN : Number(match[1]);
}

/** A file with one number; `max` is infinite. */
export function singleNumber(text: string | undefined): number {
  const word = text?.trim();
  if (word === undefined || word === "") return Number.NaN;
  return word === "max" ? Number.POSITIVE_INFINITY : Number(word);
}

/** `cpu.max`, in cores. */
export function parseCpuMax(text: string | undefined): number {
  const [quota, period] = text?.trim().split(/\s+/) ?? [];
  return quota === "max" ? Number.POSITIVE_INFINITY : Number(quota) / Number(period ?? 100_000);
}

/** Seconds in which at least one task stood still for want of it: `some` of a pressure file. */
export function parsePressureSeconds(text: string | undefined): number {
  const match = /^some .*\btotal=(\d+)/m.exec(text ?? "");
  return match === null ? Number.NaN : Number(match[1]) / 1e6;
}

export interface DiskCounters {
  readonly bytes: number;
  readonly operations: number;
}

/** `io.stat`, read and written over all devices. An empty file is a group that did nothing yet. */
export function parseIoStat(text: string | undefined): DiskCounters {
  if (text === undefined) return { bytes: Number.NaN, operations: Number.NaN };
  let bytes = 0;
  let operations = 0;
  for (const [, key, value] of text.matchAll(/\b([rw](?:bytes|ios))=(\d+)/g)) {
    if (key?.endsWith("bytes") === true) bytes += Number(value);
    else operations += Number(value);
  }
  return { bytes, operations };
}

/** `/proc/PID/net/dev`: received and sent over all interfaces but loopback. */
export function parseNetworkBytes(text: string | undefined): number {
  if (text === undefined) return Number.NaN;
  let bytes = 0;
  for (const line of text.split("\n").slice(2)) {
    const [name, rest] = line.split(":");
    if (rest === undefined || /^\s*lo\d*$/.test(name ?? "")) continue;
    const fields = rest.trim().split(/\s+/);
    bytes += Number(fields[0]) + Number(fields[8]);
  }
  return bytes;
}

const ESTABLISHED = "01";

/** Socket inodes of established connections in `/proc/net/tcp` or `tcp6`. */
export function parseConnectionInodes(text: string | undefined): string[] {
  const inodes: string[] = [];
  for (const line of text?.split("\n").slice(1) ?? []) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === ESTABLISHED && fields[9] !== undefined) inodes.push(fields[9]);
  }
  return inodes;
}

/** `/proc/PID/statm` in pages: what is resident, and of that what belongs to files or is shared. */
export function parseResidentPages(text: string | undefined): {
  readonly resident: number;
  readonly shared: number;
} {
  const [, resident = Number.NaN, shared = Number.NaN] = (text ?? "").split(" ").map(Number);
  return { resident, shared };
}
