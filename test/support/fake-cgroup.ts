import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "../../host/lib/clock.js";
import { findCgroupRoot } from "../../host/sources/host/mounts.js";

/** Texts of a group's files, in the shapes of the kernel's documentation. */
export interface FakeGroup {
  readonly usageUsec?: number;
  readonly pids?: readonly number[];
  readonly anon?: number;
  readonly inactiveFile?: number;
  readonly current?: number;
  readonly oomKills?: number;
  readonly diskBytes?: number;
  readonly stallUsec?: number;
}

/** A folder that looks like cgroup v2 with every controller. */
export class FakeCgroups {
  readonly root = mkdtempSync(join(tmpdir(), "reprise-cgroup-"));

  constructor() {
    writeFileSync(join(this.root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    writeFileSync(join(this.root, "cgroup.subtree_control"), "");
    writeFileSync(join(this.root, "cgroup.procs"), "");
  }

  write(path: string, group: FakeGroup): void {
    const folder = join(this.root, path);
    mkdirSync(folder, { recursive: true });
    const { usageUsec = 0, pids = [], anon = 0, inactiveFile = 0, oomKills = 0 } = group;
    const { current = anon + inactiveFile, diskBytes = 0, stallUsec = 0 } = group;
    const stall = `avg10=0.00 avg60=0.00 avg300=0.00 total=${stallUsec}`;
    const files: Readonly<Record<string, string>> = {
      "cpu.stat": `usage_usec ${usageUsec}\nuser_usec ${usageUsec}\nsystem_usec 0\nnr_periods 0\n`,
      "cgroup.procs": pids.map((pid) => `${pid}\n`).join(""),
      "cgroup.events": `populated ${pids.length > 0 ? 1 : 0}\nfrozen 0\n`,
      "memory.current": `${current}\n`,
      "memory.stat": `anon ${anon}\nfile ${inactiveFile}\nshmem 0\ninactive_file ${inactiveFile}\n`,
      "memory.events": `low 0\nhigh 0\nmax 0\noom ${oomKills}\noom_kill ${oomKills}\n`,
      "memory.pressure": `some ${stall}\nfull ${stall}\n`,
      "cpu.pressure": `some ${stall}\nfull ${stall}\n`,
      "io.pressure": `some ${stall}\nfull ${stall}\n`,
      "io.stat": `8:0 rbytes=${diskBytes} wbytes=0 rios=3 wios=4 dbytes=0 dios=0\n`,
      "cpu.max": "200000 100000\n",
      "cpu.weight": "100\n",
      "memory.max": "max\n",
      "memory.high": "max\n",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A new group in the real cgroup v2, or why there is none. */
export function realGroup(name: string): { readonly root: string; readonly path: string } | string {
  const root = findCgroupRoot();
  if (root === undefined) return "cgroup v2 is not mounted here";
  const path = `${name}-${process.pid}`;
  try {
    mkdirSync(join(root, path));
  } catch (error) {
    return `cgroup v2 at ${root} cannot be written: ${(error as Error).message}`;
  }
  return { root, path };
}

/** A group can be removed once its processes are collected, a moment after their end. */
export async function removeGroup(folder: string): Promise<void> {
  await eventually(() => {
    try {
      rmdirSync(folder);
      return true;
    } catch {
      return false;
    }
  });
}

/** Tries until it holds; false when it never does. */
export async function eventually(holds: () => boolean | Promise<boolean>, tries = 100) {
  for (let count = 0; count < tries; count++) {
    if (await holds()) return true;
    await sleep(50);
  }
  return false;
}
