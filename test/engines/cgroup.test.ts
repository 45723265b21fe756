import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CgroupEngine } from "../../host/engines/cgroup/cgroup-engine.js";
import { launchManaged } from "../../host/engines/cgroup/launch.js";
import type { Act, ActOutcome } from "../../host/engines/engine.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { KernelFiles } from "../../host/sources/host/files.js";
import { ManagedRecords } from "../../host/sources/host/managed.js";
import { runReprise } from "../support/command-line.js";
import { eventually, FakeCgroups, realGroup, removeGroup } from "../support/fake-cgroup.js";

const GIB = 2 ** 30;
/** Says in the file that it is named how far it is: a signal before the trap would end it. */
const STUBBORN = 'trap "" TERM; : > "$0"; while :; do sleep 0.05; done';

interface Bed {
  readonly folder: string;
  readonly records: ManagedRecords;
  readonly fake: FakeCgroups;
  readonly clock: VirtualClock;
  readonly engine: CgroupEngine;
  reopen(): CgroupEngine;
  text(path: string, file: string): string;
  close(): void;
}

function openBed(): Bed {
  const folder = mkdtempSync(join(tmpdir(), "reprise-engine-"));
  const fake = new FakeCgroups();
  const clock = new VirtualClock(1_000_000);
  const reopen = () => new CgroupEngine({ folder, cgroupRoot: fake.root, clock, graceMs: 1_000 });
  return {
    folder,
    records: new ManagedRecords(folder, new KernelFiles()),
    fake,
    clock,
    engine: reopen(),
    reopen,
    text: (path, file) => readFileSync(join(fake.root, path, file), "utf8").trim(),
    close: () => {
      fake.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const base = (actId: string, fencingToken = 1) => ({
  actId,
  planId: "p",
  fencingToken,
  instanceId: "app",
  nodeId: "n",
});

async function one(engine: CgroupEngine, act: Act): Promise<ActOutcome | undefined> {
  const outcomes = await engine.act([act]);
  assert.ok(outcomes.length <= 1);
  return outcomes[0];
}

test("a shrink sets cpu.max, cpu.weight, memory.high, never memory.max; give-back undoes it", async () => {
  const bed = openBed();
  try {
    bed.fake.write("app", { anon: GIB });
    const shrink: Act = { kind: "shrink", ...base("a"), target: [0.5, 2, 9, 9] };
    const held = [0.5, 2, Number.NaN, Number.NaN];
    assert.equal(await one(bed.engine, shrink), { actId: "a", status: "confirmed", held });
    assert.is(bed.text("app", "cpu.max"), "50000 100000");
    assert.is(bed.text("app", "cpu.weight"), "50");
    assert.is(bed.text("app", "memory.high"), String(2 * GIB));
    assert.is(bed.text("app", "memory.max"), "max");
    const back: Act = { kind: "give-back", ...base("b"), target: [1.5, 3, 9, 9] };
    assert.is((await one(bed.engine, back))?.status, "confirmed");
    assert.is(bed.text("app", "cpu.max"), "150000 100000");
    assert.is(bed.text("app", "memory.high"), String(3 * GIB));
  } finally {
    bed.close();
  }
});

test("a shrink below what is in use is refused and changes nothing; a grant is raised to it", async () => {
  const bed = openBed();
  try {
    bed.fake.write("app", { anon: 2 * GIB });
    const outcome = await one(bed.engine, {
      kind: "shrink",
      ...base("a"),
      target: [0.5, 1, 0, 0],
    });
    assert.is(outcome?.status, "refused");
    assert.match(outcome?.status === "refused" ? outcome.reason : "", /2147483648 bytes in use/);
    assert.is(bed.text("app", "cpu.max"), "200000 100000");
    assert.is(bed.text("app", "memory.high"), "max");
    const amounts = [1, 2, 1, 0.5, 1, 0.5, 0, 0, 0, 0, 0, 0];
    assert.is(
      (await one(bed.engine, { kind: "grant", ...base("g"), amounts }))?.status,
      "confirmed",
    );
    assert.is(bed.text("app", "cpu.max"), "200000 100000");
    assert.is(bed.text("app", "memory.high"), String(2 * GIB));
  } finally {
    bed.close();
  }
});

test("what cannot be written is refused, and what was written before is put back", async () => {
  const bed = openBed();
  try {
    bed.fake.write("app", { anon: 0 });
    rmSync(join(bed.fake.root, "app", "cpu.weight"));
    mkdirSync(join(bed.fake.root, "app", "cpu.weight"));
    const outcome = await one(bed.engine, { kind: "shrink", ...base("a"), target: [0.5, 1, 0, 0] });
    assert.is(outcome?.status, "refused");
    assert.match(outcome?.status === "refused" ? outcome.reason : "", /cpu\.weight/);
    assert.is(bed.text("app", "cpu.max"), "200000 100000");
    assert.is(bed.text("app", "memory.high"), "max");
  } finally {
    bed.close();
  }
});

test("tokens outlive the engine, acts are carried out once, strangers are refused", async () => {
  const bed = openBed();
  try {
    bed.fake.write("app", {});
    const act: Act = { kind: "shrink", ...base("a", 7), target: [1, 1, 0, 0] };
    assert.is((await one(bed.engine, act))?.status, "confirmed");
    bed.fake.write("app", {});
    const again = await one(bed.engine, act);
    assert.is(again?.status, "confirmed");
    assert.is(bed.text("app", "cpu.max"), "200000 100000", "not a second time");
    assert.equal(
      again?.status === "confirmed" ? again.held?.[0] : 0,
      2,
      "what it is held to now, not what was written once",
    );
    const late: Act = { kind: "shrink", ...base("b", 6), target: [1, 1, 0, 0] };
    assert.equal(await one(bed.reopen(), late), {
      actId: "b",
      status: "refused",
      reason: "stale fencing token 6: app has seen 7",
      final: true,
    });
    const stranger = await one(bed.engine, { ...act, actId: "c", instanceId: "../etc" });
    assert.is(stranger?.status, "refused");
    await bed.engine.close();
    assert.match(
      await bed.engine.act([]).then(
        () => "",
        (error: Error) => error.message,
      ),
      /closed/,
    );
  } finally {
    bed.close();
  }
});

async function exited(child: ChildProcess): Promise<NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.signalCode;
  return new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
}

test("an interruption asks, waits for its grace without blocking, then kills", async () => {
  const bed = openBed();
  const launched = await launchManaged({
    record: { instanceId: "app", groupId: "g", priority: 1, interruptible: true },
    command: ["/bin/sh", "-c", STUBBORN, join(bed.folder, "ready")],
    folder: bed.folder,
    cgroupRoot: undefined,
    base: "x",
    stdio: "ignore",
  });
  try {
    assert.match(launched.notes.join(), /cgroup v2 is not mounted/);
    assert.match(bed.engine.describe("app"), /process tree/);
    const act: Act = { kind: "interrupt", ...base("i") };
    assert.ok(await eventually(() => existsSync(join(bed.folder, "ready"))));
    assert.is(await one(bed.engine, act), undefined);
    bed.clock.advanceTo(1_000_900);
    assert.is(await one(bed.engine, act), undefined);
    assert.is(launched.child.signalCode, null, "it is within its grace");
    bed.clock.advanceTo(1_001_000);
    assert.is(await one(bed.engine, act), undefined);
    assert.is(await exited(launched.child), "SIGKILL");
    assert.equal(await one(bed.engine, act), { actId: "i", status: "confirmed" });
  } finally {
    launched.child.kill("SIGKILL");
    bed.close();
  }
});

test("granted limits hold before the process starts", async () => {
  const bed = openBed();
  const record = { instanceId: "app", groupId: "g", priority: 1, interruptible: true };
  try {
    bed.fake.write("reprise/app", {});
    bed.records.put({ ...record, cgroup: "reprise/app" });
    const amounts = [0.25, 0.75, 0.5, 1, 1, 1, 0, 0, 0, 0, 0, 0];
    const grant: Act = { kind: "grant", ...base("g"), amounts };
    assert.is((await one(bed.engine, grant))?.status, "confirmed");
    bed.fake.write("reprise/app", {});
    const seen = join(bed.folder, "seen");
    const launched = await launchManaged({
      record,
      command: ["/bin/sh", "-c", `cp ${join(bed.fake.root, "reprise/app/cpu.max")} ${seen}`],
      folder: bed.folder,
      cgroupRoot: bed.fake.root,
      base: "reprise",
      stdio: "ignore",
    });
    await exited(launched.child);
    assert.equal(launched.notes, []);
    assert.is(readFileSync(seen, "utf8").trim(), "75000 100000");
    assert.match(bed.text("reprise/app", "cgroup.procs"), new RegExp(`${launched.record.pid}`));
    assert.is(bed.records.get("app")?.cgroup, "reprise/app");
    assert.match(bed.engine.describe("app"), /cpu\.max, memory\.high/);
  } finally {
    bed.close();
  }
});

test("real cgroup v2: started inside its group, ended through it", async () => {
  const group = realGroup("reprise-engine-test");
  if (typeof group === "string") {
    process.stdout.write(`skipped: ${group}\n`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "reprise-engine-"));
  const path = join(group.path, "app");
  const launched = await launchManaged({
    record: { instanceId: "app", groupId: "g", priority: 1, interruptible: true },
    command: ["/bin/sh", "-c", STUBBORN, join(folder, "ready")],
    folder,
    cgroupRoot: group.root,
    base: group.path,
    stdio: "ignore",
  });
  try {
    assert.is(launched.record.cgroup, path);
    const procs = () => readFileSync(join(group.root, path, "cgroup.procs"), "utf8").trim();
    assert.ok(procs().split("\n").includes(String(launched.record.pid)));
    assert.ok(await eventually(() => existsSync(join(folder, "ready"))));
    const clock = new VirtualClock(1_000_000);
    const engine = new CgroupEngine({ folder, cgroupRoot: group.root, clock, graceMs: 0 });
    const act: Act = { kind: "interrupt", ...base("i") };
    assert.ok(
      await eventually(async () => {
        clock.advanceTo(clock.nowMs() + 10);
        return (await one(engine, act))?.status === "confirmed";
      }),
    );
    assert.is(await exited(launched.child), "SIGKILL");
    assert.is(procs(), "");
  } finally {
    launched.child.kill("SIGKILL");
    await removeGroup(join(group.root, path));
    await removeGroup(join(group.root, group.path));
    rmSync(folder, { recursive: true });
  }
});

test("reprise run: the command's own exit code, a record, and what does not hold is said", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-run-"));
  try {
    const words = ["run", "--tree", "--folder", folder, "--id", "job", "--type", "t", "--priority"];
    const ran = await runReprise([...words, "7", "--cpu", "1", "--", "/bin/sh", "-c", "exit 3"]);
    assert.is(ran.code, 3);
    assert.match(ran.stderr, /warning: .*process tree/);
    const record = new ManagedRecords(folder, new KernelFiles()).get("job");
    assert.is(record?.jobType, "t");
    assert.is(record?.priority, 7);
    assert.equal(record?.limits, { cpu: 1 });
    const missing = await runReprise([...words, "1", "--", "./no-such-command"]);
    assert.is(missing.code, 1);
    assert.match(missing.stderr, /ERR_CONFIG.*no-such-command/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a child that was never ours is left alone", async () => {
  const bed = openBed();
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    const record = { instanceId: "app", groupId: "g", priority: 1, interruptible: true };
    // The number is its, the start is another's.
    bed.records.put({ ...record, pid: child.pid ?? 0, startTicks: 1 });
    const outcome = await one(bed.engine, { kind: "interrupt", ...base("i") });
    assert.is(outcome?.status, "confirmed", "the instance is down");
    assert.is(child.signalCode, null);
    writeFileSync(join(bed.folder, "broken.json"), "{");
    assert.is(bed.records.all().length, 1);
  } finally {
    child.kill("SIGKILL");
    bed.close();
  }
});

test.run();
