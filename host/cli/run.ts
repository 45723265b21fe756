/** `reprise run`: a command as a managed instance, in a group of its own, inside its limits. */
import { Command, InvalidArgumentError } from "commander";
import { launchManaged } from "../engines/cgroup/launch.js";
import type { ManagedRecord } from "../sources/host/managed.js";
import { findCgroupRoot } from "../sources/host/mounts.js";
import { errorJson, printNote } from "./output.js";

const EXAMPLES = `
Examples:
  $ reprise run --id web-1 --group web --type web --priority 100 -- node server.js
  $ reprise run --id job --cpu 2 --memory 4 -- python3 train.py    limits hold from the start
  $ reprise run --id job -- python3 train.py                       later: limits as they were granted

The exit code is the command's; 128 and the signal's number when a signal ended it.`;

const FOLDER = "/run/reprise";
const BASE = "reprise";
/** Numbers of the signals that end most processes, for the exit code. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** The code that the command line ends with although nothing of ours failed. */
export class CommandExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`the command ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

interface RunOptions {
  readonly id?: string;
  readonly group: string;
  readonly type?: string;
  readonly priority: number;
  readonly pinned?: boolean;
  readonly cpu?: number;
  readonly memory?: number;
  readonly folder: string;
  readonly base: string;
  readonly tree?: boolean;
  readonly json?: boolean;
}

export function runCommand(): Command {
  return new Command("run")
    .description("start a command as a managed instance in its own cgroup, inside its limits")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--id <name>", "job identity; the same at each start (default: the command's name)")
    .option("--group <name>", "group", "default")
    .option("--type <name>", "job type: restarts of one type are learnt together")
    .option("--priority <number>", "higher is protected longer", number, 0)
    .option("--pinned", "not to be interrupted")
    .option("--cpu <cores>", "limit before the start; what was granted when absent", number)
    .option("--memory <GiB>", "limit before the start; what was granted when absent", number)
    .option("--folder <folder>", "records of managed instances", FOLDER)
    .option("--base <group>", "cgroup under which each instance has its own", BASE)
    .option("--tree", "no cgroup: a plain process tree")
    .option("--json", "warnings and errors as JSON, one object a line, on standard error")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(command: string[], options: RunOptions): Promise<void> {
  const { cpu, memory, folder, base } = options;
  const { child, notes } = await launchManaged({
    record: recordOf(command, options),
    command,
    folder,
    base,
    cgroupRoot: options.tree === true ? undefined : findCgroupRoot(),
    ...(cpu === undefined && memory === undefined
      ? {}
      : { limits: [cpu ?? Number.NaN, memory ?? Number.NaN] }),
  });
  for (const note of notes) {
    printNote(options.json === true ? errorJson({ warning: note }) : `warning: ${note}`);
  }
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  const forwarded = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const signal of forwarded) process.on(signal, forward);
  try {
    const exitCode = await new Promise<number>((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? ""] ?? 0)));
    });
    if (exitCode !== 0) throw new CommandExit(exitCode);
  } finally {
    for (const signal of forwarded) process.off(signal, forward);
  }
}

function recordOf(command: readonly string[], options: RunOptions): ManagedRecord {
  const { id = command[0] ?? "", group, type, priority, pinned, cpu, memory } = options;
  const limits = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
  return {
    instanceId: id,
    groupId: group,
    priority,
    interruptible: pinned !== true,
    ...(type === undefined ? {} : { jobType: type }),
    ...(cpu === undefined && memory === undefined ? {} : { limits }),
  };
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new InvalidArgumentError("expected a number");
  }
  return value;
}
