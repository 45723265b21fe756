import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import { KernelFiles } from "../../sources/host/files.js";
import { parseProcessStat } from "../../sources/host/kernel-text.js";
import { type ManagedRecord, ManagedRecords } from "../../sources/host/managed.js";
import { Controls } from "./controls.js";

export interface LaunchOptions {
  /** Who it is; `cgroup`, `pid` and `startTicks` are filled in. */
  readonly record: Omit<ManagedRecord, "cgroup" | "pid" | "startTicks">;
  readonly command: readonly string[];
  /** Records of managed instances. */
  readonly folder: string;
  /** Where cgroup v2 is mounted; undefined starts a plain process tree. */
  readonly cgroupRoot: string | undefined;
  /** The group under which each instance gets one of its own. */
  readonly base: string;
  /** Limits before the start, cores and GiB; those that were granted when absent. */
  readonly limits?: readonly number[];
  readonly stdio?: StdioOptions;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly record: ManagedRecord;
  /** Why it runs without a group or without a limit; empty when everything holds. */
  readonly notes: readonly string[];
}

/** Enters the group, then becomes the command: it never runs outside of its limits. */
const ENTER = 'echo $$ > "$0" && exec "$@"';
const ENTER_STEP_MS = 2;
const ENTER_TRIES = 1_000;
const CONTROLLERS = ["cpu", "memory", "io"];

/**
 * Starts a command as a managed instance. Its limits are in place before it is: in a group of its
 * own where that can be made, else as a process tree, and then `notes` says so.
 *
 * @throws ERR_CONFIG when it cannot be started or its record not be written
 */
export async function launchManaged(options: LaunchOptions): Promise<Launched> {
  const { record, cgroupRoot, base, folder } = options;
  const files = new KernelFiles();
  const records = new ManagedRecords(folder, files);
  const granted = records.get(record.instanceId)?.granted;
  const path = join(base, encodeURIComponent(record.instanceId));
  const controls = new Controls(cgroupRoot);
  const notes: string[] = [];
  const hasGroup = prepareGroup(controls, { base, path }, notes);
  const limits = options.limits ?? granted;
  if (hasGroup && limits !== undefined) {
    const place = { kind: "group", path } as const;
    const applied = controls.limit(place, limits, { raiseToUse: true });
    if (!applied.ok) notes.push(`limits do not hold: ${applied.reason}`);
    const { cpu, memory } = controls.bounded(place);
    if (!cpu) notes.push("the CPU controller is off here: CPU is not bounded");
    if (!memory) notes.push("the memory controller is off here: memory is not bounded");
  }
  const procs = hasGroup ? join(cgroupRoot ?? "", path, "cgroup.procs") : undefined;
  const child = start(options, procs);
  const pid = await started(child, options.command[0] ?? "");
  if (procs !== undefined) await entered(child, () => files.text(procs));
  const stat = parseProcessStat(files.text(`/proc/${pid}/stat`) ?? "");
  const full: ManagedRecord = {
    ...record,
    ...(granted === undefined ? {} : { granted }),
    ...(hasGroup ? { cgroup: path } : {}),
    pid,
    ...(stat === undefined ? {} : { startTicks: stat.startTicks }),
  };
  try {
    records.put(full);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return { child, record: full, notes };
}

function prepareGroup(
  controls: Controls,
  where: { readonly base: string; readonly path: string },
  notes: string[],
): boolean {
  if (controls.root === undefined) {
    notes.push("cgroup v2 is not mounted: it runs as a process tree, its limits do not hold");
    return false;
  }
  const base = controls.ensureGroup(where.base);
  if (base === undefined) {
    for (const folder of [controls.root, join(controls.root, where.base)]) enable(folder);
  }
  const reason = base ?? controls.ensureGroup(where.path);
  if (reason === undefined) return true;
  notes.push(`no group can be made (${reason}): it runs as a process tree, its limits do not hold`);
  return false;
}

/** One by one: a controller that is not there must not keep the others away. */
function enable(folder: string): void {
  for (const controller of CONTROLLERS) {
    try {
      writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`, { flag: "r+" });
    } catch (error) {
      // Seen again, and said, where the controller's files are missing.
      if (typeof (error as NodeJS.ErrnoException).code !== "string") throw error;
    }
  }
}

function start(options: LaunchOptions, procs: string | undefined): ChildProcess {
  const [command = "", ...words] = options.command;
  const rest = { stdio: options.stdio ?? "inherit" } as const;
  if (procs === undefined) return spawn(command, words, rest);
  return spawn("/bin/sh", ["-c", ENTER, procs, command, ...words], rest);
}

function started(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const what = "the command cannot be started";
      reject(new RepriseError("ERR_CONFIG", what, { field: "command", got: command }, cause));
    });
    child.once("spawn", () => resolve(child.pid ?? 0));
  });
}

/** Until it is in its group it would be counted with us, and a signal to the group would miss it. */
async function entered(child: ChildProcess, procs: () => string | undefined): Promise<void> {
  const line = String(child.pid);
  for (let tries = 0; tries < ENTER_TRIES; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (procs()?.split("\n").includes(line) === true) return;
    await sleep(ENTER_STEP_MS);
  }
}
