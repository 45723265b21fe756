import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LoadReader } from "../../host/allocator/load.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { sumDiskBytes, sumNetworkBytes } from "../../host/sources/host/devices.js";
import {
  Machine,
  type MachineLoad,
  type MachineMonitors,
} from "../../host/sources/host/machine.js";
import { MachineUsage } from "../../host/sources/host/machine-usage.js";

const bytes = (count: number) => ({ bytes: count });
const answer = (data: unknown) => () =>
  Promise.resolve({ success: true, data, timestamp: 5_000, cached: false, platform: "linux" });
const failure = () =>
  Promise.resolve({ success: false, error: new Error("gone"), timestamp: 0, platform: "linux" });

/** Monitors that answer what they are told; the cast stands for fields nobody reads here. */
function monitors(change: Record<string, unknown> = {}): MachineMonitors {
  const parts: Record<string, unknown> = {
    cpuInfo: answer({ model: "Test CPU", threads: 8 }),
    cpuUsage: answer(25),
    loadAverage: answer({ load1: 1.5 }),
    memory: answer({ total: bytes(16e9), used: bytes(4e9) }),
    network: answer([
      { interface: "lo", rxBytes: bytes(1e9), txBytes: bytes(1e9) },
      { interface: "eth0", rxBytes: bytes(300), txBytes: bytes(200) },
    ]),
    disk: answer([
      { device: "vda", readBytes: bytes(10), writeBytes: bytes(5) },
      { device: "vda1", readBytes: bytes(9), writeBytes: bytes(4) },
    ]),
    ...change,
  };
  return {
    cpu: { info: parts.cpuInfo, usage: parts.cpuUsage, loadAverage: parts.loadAverage },
    memory: { info: parts.memory },
    network: { statsAsync: parts.network },
    disk: { stats: parts.disk },
  } as unknown as MachineMonitors;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isRepriseError(error) ? error.code : String(error);
  }
  return "nothing thrown";
}

test("percent and data sizes become ratios and bytes", async () => {
  const machine = new Machine(monitors());
  assert.equal(await machine.capacity(), { model: "Test CPU", cores: 8, memoryBytes: 16e9 });
  assert.equal(await machine.load(), {
    timeMs: 5_000,
    cpuUsageRatio: 0.25,
    usageCores: 2,
    usageMemoryBytes: 4e9,
    loadAverage: 1.5,
    networkTotalBytes: 500,
    diskTotalBytes: 15,
  });
});

test("network and disk may be missing, which is not zero", async () => {
  const load = await new Machine(monitors({ network: failure, disk: failure })).load();
  assert.not("networkTotalBytes" in load);
  assert.not("diskTotalBytes" in load);
});

test("a machine without CPU or memory figures is an error, not a zero", async () => {
  for (const part of ["cpuInfo", "cpuUsage", "loadAverage", "memory"]) {
    const machine = new Machine(monitors({ [part]: failure }));
    assert.is(await codeOf(machine.load()), "ERR_SAMPLE_UNAVAILABLE", part);
  }
  const absurd = new Machine(monitors({ cpuUsage: answer(Number.NaN) }));
  assert.is(await codeOf(absurd.load()), "ERR_SAMPLE_UNAVAILABLE");
});

test("the real machine answers twice with totals that do not fall", async () => {
  const machine = new Machine();
  const { cores, memoryBytes } = await machine.capacity();
  const first = await machine.load();
  const second = await machine.load();
  assert.ok(Number.isInteger(cores) && cores >= 1);
  assert.ok(first.usageMemoryBytes > 0 && first.usageMemoryBytes < memoryBytes);
  assert.ok(second.timeMs > first.timeMs);
  assert.ok((second.networkTotalBytes ?? 0) >= (first.networkTotalBytes ?? 0));
  assert.ok((second.diskTotalBytes ?? 0) >= (first.diskTotalBytes ?? 0));
});

test("loopback carries no traffic of the machine", () => {
  const each = (name: string) => ({ interface: name, rxBytes: bytes(1), txBytes: bytes(2) });
  assert.is(sumNetworkBytes(["lo", "lo0", "eth0", "wlan0"].map(each)), 6);
  assert.is(sumNetworkBytes([]), 0);
});

test("every disk counts once", () => {
  const each = (device: string) => ({ device, readBytes: bytes(1), writeBytes: bytes(0) });
  const linux = ["sda", "sda1", "sda2", "nvme0n1", "nvme0n1p1", "loop0", "dm-0", "md0", "mmcblk0"];
  assert.is(sumDiskBytes([...linux, "mmcblk0p1"].map(each)), 3);
  // A partition without its disk is all that is known of it.
  assert.is(sumDiskBytes(["xvda1"].map(each)), 1);
});

test("usage has rates from the second look on", async () => {
  const look = (timeMs: number, network: number, disk: number): MachineLoad => ({
    timeMs,
    cpuUsageRatio: 0.5,
    usageCores: 2,
    usageMemoryBytes: 3 * 2 ** 30,
    loadAverage: 1,
    networkTotalBytes: network,
    diskTotalBytes: disk,
  });
  const looks = [look(1_000, 0, 0), look(3_000, 1e6, 4e6), look(4_000, 10, 4e6)];
  const usage = new MachineUsage("here", {
    load: () => Promise.resolve(looks.shift() as MachineLoad),
  });
  assert.is(usage.nodeUsage("here"), undefined);
  await usage.refresh();
  assert.equal(usage.nodeUsage("here"), [2, 3, Number.NaN, Number.NaN]);
  await usage.refresh();
  assert.equal(usage.nodeUsage("here"), [2, 3, 4, 2]);
  assert.is(usage.nodeUsage("elsewhere"), undefined);
  const reader: LoadReader = usage;
  assert.is(reader.instanceUsage("an instance"), undefined);
  await usage.refresh();
  assert.equal(usage.nodeUsage("here"), [2, 3, Number.NaN, 0], "a counter that fell started anew");
});

test("a look that fails leaves the last usage", async () => {
  let broken = false;
  const load = await new Machine(monitors()).load();
  const source = {
    load: () => (broken ? Promise.reject(new Error("gone")) : Promise.resolve(load)),
  };
  const usage = new MachineUsage("here", source);
  await usage.refresh();
  const before = usage.nodeUsage("here");
  broken = true;
  assert.match(await codeOf(usage.refresh()), "gone");
  assert.is(usage.nodeUsage("here"), before);
});

test.run();
