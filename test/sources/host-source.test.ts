/** The live source against real processes, a fake cgroup tree, and the real one where it can be. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { KernelFiles } from "../../host/sources/host/files.js";
import { HostSource } from "../../host/sources/host/host-source.js";
import { allocatableOf, HostUsage } from "../../host/sources/host/host-usage.js";
import { ManagedRecords } from "../../host/sources/host/managed.js";
import type { HostRule } from "../../host/sources/host/rules.js";
import { Scanner } from "../../host/sources/host/scanner.js";
import type { Sample, SourceEvent } from "../../host/sources/sample.js";
import { eventually, FakeCgroups, realGroup, removeGroup } from "../support/fake-cgroup.js";
import { rejectedBy, thrownBy } from "../support/thrown.js";

/** Half of the time it works, half it sleeps; holds 64 MB. */
const WORKER = `
const held = Buffer.alloc(64 * 1024 * 1024, 1);
setInterval(() => { const end = Date.now() + 25; while (Date.now() < end); held[0]++; }, 50);
`;

function start(mark: string, program = WORKER): ChildProcess {
  return spawn(process.execPath, ["-e", program, mark], { stdio: "ignore" });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await over;
}

function scanner(rules: readonly HostRule[], cgroupRoot = ""): Scanner {
  const rest = { diskUnit: "MB/s", procRoot: "/proc", forgetMs: 1e9 } as const;
  return new Scanner({ nodeId: "here", rules, cgroupRoot, ...rest });
}

const kinds = (events: readonly SourceEvent[]) => events.map(({ kind }) => kind);
const samples = (events: readonly SourceEvent[]): Sample[] =>
  events.flatMap((event) => (event.kind === "sample" ? [event.sample] : []));

test("a real process is chosen by its command line, sampled, and known again after a restart", async () => {
  const mark = `mark-tree-${process.pid}`;
  const rule: HostRule = { kind: "tree", name: "web", command: `${mark}$`, jobType: "web" };
  const source = new HostSource({ nodeId: "here", rules: [rule], intervalSeconds: 1 });
  let child = start(mark);
  try {
    assert.ok(await eventually(async () => kinds(await source.look()).includes("sample")));
    await sleep(1_000);
    const [sample] = samples(await source.look());
    assert.is(sample?.instanceId, "web");
    assert.ok(
      (sample?.cpuCores ?? 0) > 0.02 && (sample?.cpuCores ?? 9) < 1.3,
      `${sample?.cpuCores}`,
    );
    assert.ok((sample?.memoryGiB ?? 0) > 0.06 && (sample?.memoryGiB ?? 9) < 0.5);
    assert.ok((sample?.sinceLaunchSeconds ?? 0) >= 1);
    assert.not("networkMbps" in (sample ?? {}), "it shares the machine's network");
    await end(child);
    assert.equal(kinds(await source.look()), ["stopped"]);
    child = start(mark);
    const events: SourceEvent[] = [];
    await eventually(async () => {
      events.push(...(await source.look()));
      return events.length > 0;
    });
    assert.equal(kinds(events).slice(0, 2), ["restarted", "sample"]);
    assert.is(samples(events)[0]?.instanceId, "web");
    assert.is(source.instanceCount, 1);
  } finally {
    await end(child);
    await source.close();
  }
});

test("it streams by itself, and closing ends the stream", async () => {
  const mark = `mark-stream-${process.pid}`;
  let looks = 0;
  const source = new HostSource({
    nodeId: "here",
    rules: [{ kind: "tree", name: "streamed", command: `${mark}$` }],
    intervalSeconds: 1,
    onLook: async () => void looks++,
  });
  const child = start(mark);
  const seen: Sample[] = [];
  try {
    for await (const event of source) {
      if (event.kind === "sample") seen.push(event.sample);
      // Past the age from which its command line is taken as known.
      if (seen.length === 4) break;
    }
  } finally {
    await end(child);
    await source.close();
  }
  const [, second, third] = seen;
  assert.ok((third?.timeMs ?? 0) - (second?.timeMs ?? 0) >= 900);
  assert.ok((third?.cpuPeakCores ?? 0) >= (third?.cpuCores ?? 1));
  assert.ok(looks >= 3);
  assert.is((await rejectedBy(() => source.look())).code, "ERR_SHUTTING_DOWN");
});

test("children belong to the tree, and two of one kind have two names", async () => {
  const mark = `mark-family-${process.pid}`;
  const program = `require("child_process").spawn(process.execPath,
    ["-e", "setInterval(() => {}, 1000)", "inner"], { stdio: "ignore" }); setInterval(() => {}, 1e3)`;
  const looker = scanner([{ kind: "tree", name: "pair", command: `${mark}$` }]);
  const one = start(mark, program);
  const two = start(mark, program);
  try {
    const names = new Set<string>();
    let timeMs = 1_000_000;
    assert.ok(
      await eventually(() => {
        timeMs += 1_000;
        for (const { instanceId } of samples(looker.look(timeMs).events)) names.add(instanceId);
        return names.size === 2;
      }),
    );
    assert.equal([...names].sort(), ["pair", "pair#2"]);
  } finally {
    await end(one);
    await end(two);
  }
});

test("a fake group tree: every figure from the documented files", async () => {
  const fake = new FakeCgroups();
  const child = start("fake", "setInterval(() => {}, 1000)");
  try {
    const pids = [child.pid ?? 0];
    fake.write("system.slice/web.service", { pids, usageUsec: 9e8, anon: 2 ** 30 });
    fake.write("system.slice/empty.service", {});
    fake.write("user.slice", { pids: [] });
    const looker = scanner(
      [{ kind: "cgroup", name: "services", path: "system.slice/*.service", instance: "$1" }],
      fake.root,
    );
    const first = looker.look(1_000_000);
    assert.is(first.instanceCount, 2);
    const registered = first.events.flatMap((event) =>
      event.kind === "registered" ? [event.registration] : [],
    );
    assert.equal(
      registered.map(({ instanceId }) => instanceId),
      ["empty", "web"],
    );
    assert.equal(registered[1]?.limits, { cpu: 2 });
    fake.write("system.slice/web.service", {
      pids,
      usageUsec: 9e8 + 5e6,
      anon: 2 ** 30,
      inactiveFile: 2 ** 29,
      current: 2 ** 31,
      diskBytes: 1e8,
      stallUsec: 2e6,
      oomKills: 1,
    });
    const { events } = looker.look(1_010_000);
    const [sample] = samples(events);
    assert.is(events.length, 1);
    assert.equal(
      { ...sample, sinceLaunchSeconds: 0 },
      {
        instanceId: "web",
        timeMs: 1_010_000,
        cpuCores: 0.5,
        cpuPeakCores: 0.5,
        memoryGiB: 1,
        footprintGiB: 1.5,
        connections: 0,
        disk: 10,
        sinceLaunchSeconds: 0,
        cpuPressure: 0.2,
        memoryPressure: 0.2,
        ioPressure: 0.2,
        oomKills: 1,
      },
    );
    fake.write("system.slice/web.service", { usageUsec: 9e8 + 6e6, oomKills: 2 });
    assert.equal(looker.look(1_020_000).events, [
      { kind: "stopped", instanceId: "web", timeMs: 1_020_000, cause: "failed" },
    ]);
  } finally {
    await end(child);
    fake.close();
  }
});

test("jobs whose group has a new name each time are one job", async () => {
  const fake = new FakeCgroups();
  try {
    const rule: HostRule = {
      kind: "cgroup",
      name: "cron",
      path: "run-*.scope",
      instance: "backup",
    };
    const looker = scanner([rule], fake.root);
    fake.write("run-1.scope", { pids: [process.pid], usageUsec: 1e6 });
    assert.equal(kinds(looker.look(1_000_000).events), ["registered", "sample"]);
    rmSync(join(fake.root, "run-1.scope"), { recursive: true });
    assert.equal(kinds(looker.look(1_010_000).events), ["stopped"]);
    fake.write("run-2.scope", { pids: [process.pid], usageUsec: 1e6 });
    const events = looker.look(1_020_000).events;
    assert.equal(kinds(events), ["restarted", "sample"]);
    assert.is(samples(events)[0]?.instanceId, "backup");
  } finally {
    fake.close();
  }
});

test("a real group: its own counters, and processes where a controller is missing", async () => {
  const group = realGroup("reprise-source-test");
  if (typeof group === "string") {
    process.stdout.write(`skipped: ${group}\n`);
    return;
  }
  const child = start("real-group");
  const folder = join(group.root, group.path);
  try {
    writeFileSync(join(folder, "cgroup.procs"), String(child.pid));
    const rule: HostRule = { kind: "cgroup", name: "real", path: group.path };
    const source = new HostSource({ nodeId: "here", rules: [rule], intervalSeconds: 1 });
    try {
      assert.equal(kinds(await source.look()), ["registered", "sample"]);
      await sleep(1_000);
      const [sample] = samples(await source.look());
      assert.is(sample?.instanceId, group.path);
      assert.ok((sample?.cpuCores ?? 0) > 0.02 && (sample?.cpuCores ?? 9) < 1.3);
      assert.ok((sample?.memoryGiB ?? 0) > 0.06);
      await end(child);
      assert.equal(kinds(await source.look()), ["stopped"]);
    } finally {
      await source.close();
    }
  } finally {
    await end(child);
    await removeGroup(folder);
  }
});

test("managed instances are found by their records", () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-managed-"));
  try {
    const files = new KernelFiles();
    const startTicks = Number(files.text("/proc/self/stat")?.split(") ")[1]?.split(" ")[19]);
    const records = new ManagedRecords(folder, files);
    const who = { groupId: "g", jobType: "web", priority: 5, interruptible: true };
    records.put({ ...who, instanceId: "a/b", pid: process.pid, startTicks });
    writeFileSync(join(folder, "half.json"), "{");
    const looker = scanner([{ kind: "managed", folder }]);
    const { events } = looker.look(1_000_000);
    assert.equal(kinds(events), ["registered", "sample"]);
    assert.equal(events[0], {
      kind: "registered",
      registration: { ...who, instanceId: "a/b", nodeId: "here", limits: {} },
      timeMs: 1_000_000,
    });
    assert.is(records.get("a/b")?.priority, 5);
    // Another process by the same number is not the instance.
    records.put({ ...who, instanceId: "a/b", pid: process.pid, startTicks: startTicks + 1 });
    assert.equal(kinds(looker.look(1_010_000).events), ["stopped"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("pace and missing cgroup are refused by name", () => {
  const rules: HostRule[] = [{ kind: "tree", name: "x", command: "x" }];
  for (const intervalSeconds of [0.5, 61, Number.NaN]) {
    const error = thrownBy(() => new HostSource({ nodeId: "here", rules, intervalSeconds }));
    assert.is(error.code, "ERR_CONFIG");
  }
});

test("usage of the machine and of its instances, as pools read it", async () => {
  const usage = new HostUsage("here", {
    load: async () => ({
      timeMs: 1,
      cpuUsageRatio: 0.5,
      usageCores: 2,
      usageMemoryBytes: 2 ** 30,
      loadAverage: 1,
    }),
  });
  await usage.refresh();
  assert.equal(usage.nodeUsage("here"), [2, 1, Number.NaN, Number.NaN]);
  const sample = { instanceId: "i", timeMs: 1, cpuCores: 1, memoryGiB: 2, footprintGiB: 3 };
  usage.note({ kind: "sample", sample });
  assert.equal(usage.instanceUsage("i"), [1, 3, Number.NaN, Number.NaN]);
  usage.note({ kind: "stopped", instanceId: "i", timeMs: 2, cause: "unknown" });
  assert.is(usage.instanceUsage("i"), undefined);
  const machine = { model: "m", cores: 4, memoryBytes: 8 * 2 ** 30 };
  const share = { reservedCores: 1, reservedGiB: 2, networkMbps: 100, disk: 50 };
  assert.equal(allocatableOf(machine, share), [3, 6, 100, 50]);
});

test.run();
