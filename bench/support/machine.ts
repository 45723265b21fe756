import { existsSync, readFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { type BinaryName, readBinary } from "../../host/core/binary.js";

const GOVERNOR_FILE = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

/** What a figure needs beside it to mean anything. */
export function describeMachine(): Record<string, string | number> {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    cpu: processors[0]?.model.trim() ?? "unknown",
    cpuCount: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    governor: existsSync(GOVERNOR_FILE) ? readFileSync(GOVERNOR_FILE, "utf8").trim() : "unknown",
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

export function describeBinaries(names: readonly BinaryName[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, readBinary(name).byteLength]));
}
