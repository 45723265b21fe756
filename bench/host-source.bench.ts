/**
 * What does it cost to watch the instances of this machine?
 *
 * Goals: one look (everything of every instance) and one glance (CPU alone), on the thread that does
 * them; at 10 s an interval is one look and nine glances. Real processes, one an instance, in real
 * cgroup v2 groups where these can be made, and as process trees. Non-goals: containers with many
 * processes each; what controllers add that this kernel has not given to cgroup v2.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../host/lib/clock.js";
import { findCgroupRoot } from "../host/sources/host/mounts.js";
import type { HostRule } from "../host/sources/host/rules.js";
import { Scanner } from "../host/sources/host/scanner.js";
import type { BenchCase } from "./support/definition.js";
import { benchMain } from "./support/harness.js";

const NAP = String(1_000_000 + process.pid);
const ROOT = findCgroupRoot();
const PARENT = `reprise-bench-${process.pid}`;

await benchMain({
  name: "host-source",
  question: "What does it cost to watch the instances of this machine?",
  binaries: [],
  cases: ({ smoke }) => {
    const count = smoke ? 5 : 1_000;
    return hasGroups() ? [groupCase(count), treeCase(count)] : [treeCase(count)];
  },
});

function hasGroups(): boolean {
  if (ROOT === undefined) return false;
  try {
    mkdirSync(join(ROOT, PARENT));
    rmdirSync(join(ROOT, PARENT));
    return true;
  } catch {
    return false;
  }
}

function groupCase(count: number): BenchCase {
  const folder = join(ROOT ?? "", PARENT);
  const rule: HostRule = { kind: "cgroup", name: "bench", path: `${PARENT}/*` };
  return watchCase(`${count} groups`, count, {
    rule,
    place: (child, index) => {
      mkdirSync(join(folder, `i${index}`), { recursive: true });
      writeFileSync(join(folder, `i${index}`, "cgroup.procs"), String(child.pid));
    },
    clear: () => {
      for (let index = 0; index < count; index++) rmdirSync(join(folder, `i${index}`));
      rmdirSync(folder);
    },
  });
}

function treeCase(count: number): BenchCase {
  const rule: HostRule = { kind: "tree", name: "bench", command: `^sleep ${NAP}$` };
  return watchCase(`${count} process trees`, count, { rule, place: () => {}, clear: () => {} });
}

interface Stage {
  readonly rule: HostRule;
  readonly place: (child: ChildProcess, index: number) => void;
  readonly clear: () => void;
}

function watchCase(name: string, count: number, stage: Stage): BenchCase {
  return {
    name,
    unit: "instances",
    unitsPerCall: count,
    rival: "glance",
    tolerance: 0,
    open: async () => {
      const children = Array.from({ length: count }, () =>
        spawn("sleep", [NAP], { stdio: "ignore" }),
      );
      children.forEach(stage.place);
      const scanner = new Scanner({
        nodeId: "here",
        rules: [stage.rule],
        diskUnit: "MB/s",
        cgroupRoot: ROOT ?? "",
        procRoot: "/proc",
        forgetMs: 1e9,
      });
      let timeMs = 1e12;
      let seen = scanner.look(timeMs).instanceCount;
      if (seen !== count) throw new Error(`${name}: ${seen} were seen`);
      const step = () => {
        timeMs += 1_000;
        return timeMs;
      };
      const look = () => {
        seen = scanner.look(step()).instanceCount;
      };
      const output = () => [seen];
      return {
        variants: [
          { name: "look", call: look, output },
          { name: "glance", call: () => scanner.glance(step()), output },
        ],
        close: async () => {
          for (const child of children) child.kill("SIGKILL");
          // A group is empty only once the kernel has collected its process.
          await sleep(500);
          stage.clear();
        },
      };
    },
  };
}
