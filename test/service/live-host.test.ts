/** `source: host` and `engine: cgroup`: real processes, started by `reprise run`. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RepriseError } from "../../host/lib/errors.js";
import { LiveHost } from "../../host/service/live-host.js";
import type { ServiceRuntime } from "../../host/service/runtime.js";
import { Machine } from "../../host/sources/host/machine.js";
import { MAIN_FILE } from "../support/command-line.js";
import { eventually } from "../support/fake-cgroup.js";
import { rejectedBy, thrownBy } from "../support/thrown.js";
import { AMOUNTS, configOf, registration, withFolder, withService } from "./support.js";

const WORKER = "setInterval(() => { const end = Date.now() + 10; while (Date.now() < end); }, 50)";

const yaml = (folder: string) => `
source: host
engine: cgroup
host: { nodeId: here, intervalSeconds: 1, folder: ${folder}/run, graceSeconds: 1 }
ledger: { folder: ${folder}/ledger }
profiler: { instancesMax: 64, workers: 0, tickSeconds: 0.1 }
coordinator: { tickSeconds: 0.1, policy: { minRunMinutes: 0 } }
modes: { default: enforce }
log: { level: silent }
`;

function startJob(folder: string): ChildProcess {
  const args = ["run", "--tree", "--id", "job", "--group", "web", "--type", "web", "--cpu", "1"];
  const where = ["--memory", "1", "--folder", join(folder, "run")];
  const command = ["--", process.execPath, "-e", WORKER];
  return spawn(process.execPath, [MAIN_FILE, ...args, ...where, ...command], { stdio: "ignore" });
}

/** Of 50 ms each. */
const TRIES = 300;

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

test("a real process is watched, interrupted, and granted its room when it is back", () =>
  withFolder((folder) =>
    withService(yaml(folder), async (call, { runtime }) => {
      const { profiler, allocator, ledger } = runtime;
      assert.equal(allocator.nodeIds(), ["here"]);
      const children = [startJob(folder)];
      try {
        assert.ok(await eventually(() => allocator.allocationOf("job") !== undefined, TRIES));
        assert.equal(allocator.allocationOf("job")?.amounts.slice(0, 2), [1, 1], "its limits");
        assert.ok(await eventually(() => profiler.profile("job").predictedCpuCores > 0, TRIES));
        const asked = await call("POST", "/v1/interruptions", { instanceId: "job" });
        assert.is(asked.body.kind, "proceed", JSON.stringify(asked.body));
        assert.ok(await eventually(() => children.every(ended), TRIES), "the engine ended it");
        assert.ok(await eventually(() => !profiler.isRunning("job"), TRIES));
        assert.is(profiler.incarnation("job").interruptionsMs.length, 1, "it was asked for");
        assert.is(ledger.get("incarnation", "job")?.interruptionsMs.length, 1, "counted once");
        children.push(startJob(folder));
        assert.ok(await eventually(() => profiler.isRunning("job"), TRIES));
        assert.ok(await eventually(() => allocator.allocationOf("job") !== undefined));
        assert.is(profiler.incarnation("job").incarnation, 2);
        for (const child of children) child.kill("SIGTERM");
        assert.ok(await eventually(() => !profiler.isRunning("job"), TRIES));
        assert.is(profiler.incarnation("job").interruptionsMs.length, 1, "nobody asked for this");
      } finally {
        for (const child of children) child.kill("SIGTERM");
      }
    }),
  ));

test("other rules, intervals and sizes of the machine are taken up while it runs", () =>
  withFolder((folder) =>
    withService(yaml(folder), async (_call, service) => {
      const { profiler, allocator } = service.runtime;
      const cores = () => allocator.pool("node", "here").allocatable[0] ?? 0;
      const before = cores();
      const mark = `marked-${process.pid}`;
      const child = spawn(process.execPath, ["-e", WORKER, mark], { stdio: "ignore" });
      const job = startJob(folder);
      try {
        assert.ok(await eventually(() => profiler.has("job"), TRIES));
        const rules = `[{ kind: tree, name: "seen", command: "${mark}$", groupId: g }]`;
        const text = (more: string) => configOf(yaml(folder).replace("graceSeconds: 1", more));
        const other = text(`graceSeconds: 1, reservedCores: 0.5, rules: ${rules}`);
        const changes = await service.reload(other);
        assert.equal(changes, { live: ["host"], needsRestart: [] });
        assert.is(cores(), before - 0.5);
        assert.ok(await eventually(() => profiler.instanceCount === 2, TRIES));
        const [seen = ""] = [...profiler.instanceIds()].filter((id) => id !== "job");
        assert.ok(await eventually(() => profiler.profile(seen).predictedCpuCores > 0, TRIES));
        // What it is known by waits, and with it all of the section.
        const fixed = await service.reload(text("graceSeconds: 2, reservedCores: 1"));
        assert.equal(fixed, { live: [], needsRestart: ["host"] });
        assert.is(cores(), before - 0.5);
      } finally {
        child.kill("SIGKILL");
        job.kill("SIGTERM");
      }
    }),
  ));

test("whoever ended before other rules were taken up is known to have ended", () =>
  withFolder(async (folder) => {
    const mark = `ended-${process.pid}`;
    const child = spawn(process.execPath, ["-e", WORKER, mark], { stdio: "ignore" });
    const rules = `rules: [{ kind: tree, name: seen, command: "${mark}$", groupId: g }]`;
    const slow = yaml(folder).replace("intervalSeconds: 1", `intervalSeconds: 60, ${rules}`);
    try {
      await withService(slow, async (_call, service) => {
        const { profiler } = service.runtime;
        assert.ok(await eventually(() => profiler.has("seen"), TRIES));
        child.kill("SIGKILL");
        assert.ok(await eventually(() => ended(child), TRIES));
        assert.ok(profiler.isRunning("seen"), "nobody looked since");
        await service.reload(configOf(slow.replace("intervalSeconds: 60", "intervalSeconds: 59")));
        assert.not(profiler.isRunning("seen"));
      });
    } finally {
      child.kill("SIGKILL");
    }
  }));

test("a machine that cannot be measured leaves the watch as it is, and no thread behind", () =>
  withFolder(async (folder) => {
    const { host } = configOf(yaml(folder));
    const machine = new Machine();
    const capacity = () => Promise.reject(new RepriseError("ERR_SAMPLE_UNAVAILABLE", "none"));
    const live = new LiveHost(host, () => {}, Object.assign(machine, { capacity }));
    const threads = () => readdirSync("/proc/self/task").length;
    const runtime = {} as ServiceRuntime;
    try {
      const before = threads();
      for (let turn = 0; turn < 3; turn++) {
        const error = await rejectedBy(() => live.reconfigure(runtime, host));
        assert.is(error.code, "ERR_SAMPLE_UNAVAILABLE");
      }
      assert.ok(await eventually(() => threads() <= before), `${threads()} after ${before}`);
    } finally {
      await live.close();
    }
  }));

test("what cannot be saved at the end keeps nothing else from being closed", () =>
  withFolder(async (folder) => {
    const own = yaml(folder).replace("source: host", "source: api").replace("cgroup", "dry-run");
    const errors: string[] = [];
    await withService(own, async (_call, service) => {
      service.log.error = ((told: { err: Error }) => {
        errors.push(told.err.message);
      }) as typeof service.log.error;
      mkdirSync(join(folder, "learnt.bin"));
      await service.close();
    });
    assert.is(errors.length, 1, errors.join());
    assert.ok(existsSync(join(folder, "views.json")));
  }));

test("what was learnt outlives the service; what other weights learnt is put aside", () =>
  withFolder(async (folder) => {
    const own = yaml(folder).replace("source: host", "source: api").replace("cgroup", "dry-run");
    const file = join(folder, "learnt.bin");
    let before = new Uint8Array();
    await withService(own, async (call, { runtime }) => {
      await call("PUT", "/v1/nodes", { nodeId: "n1", allocatable: AMOUNTS });
      await call("PUT", "/v1/instances", registration("a"));
      for (let restart = 1; restart <= 3; restart++) {
        const { envelope, rung } = runtime.profiler.profile("a");
        const peaks = Array.from({ length: 12 }, () => 2);
        const predicted = [...envelope];
        const restartedMs = restart * 3_600_000;
        runtime.profiler.outcome({ instanceId: "a", restartedMs, peaks, predicted, rung });
      }
      before = Uint8Array.from(runtime.profiler.snapshotLearnt());
    });
    assert.ok(existsSync(file));
    await withService(own, async (_call, { runtime }) => {
      assert.equal(Uint8Array.from(runtime.profiler.snapshotLearnt()), before);
    });
    writeFileSync(file, "of something else");
    await withService(own, async () => {});
    assert.ok(existsSync(`${file}.refused`));
    assert.ok(existsSync(file));
  }));

test("when the port is taken nothing is left open, so that the process ends", () =>
  withFolder((folder) =>
    withService("log: { level: silent }", async (_call, { address }) => {
      const file = join(folder, "reprise.yaml");
      writeFileSync(file, `${yaml(folder)}listen: { port: ${new URL(address).port} }`);
      const args = [MAIN_FILE, "serve", "--config", file];
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      try {
        assert.ok(await eventually(() => ended(child), TRIES));
        assert.is(child.signalCode, null);
        assert.is.not(child.exitCode, 0);
      } finally {
        child.kill("SIGKILL");
      }
    }),
  ));

test("a rule that cannot be used is refused by the check of the file", () => {
  const bad = 'host: { rules: [{ kind: tree, name: web, command: "(" }] }';
  assert.is(thrownBy(() => configOf(bad)).code, "ERR_CONFIG");
  const unknown = "host: { rules: [{ kind: managed, folder: /run, colour: red }] }";
  assert.is(thrownBy(() => configOf(unknown)).code, "ERR_CONFIG");
});

test.run();
