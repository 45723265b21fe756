import { readFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { Command } from "commander";
import { ABI_VERSION } from "../core/abi.js";
import { type BinaryName, readBinary, supportsRelaxed } from "../core/binary.js";
import { RepriseError } from "../lib/errors.js";
import { shippedWeightsFile } from "../model/shipped-weights.js";
import { readWeights } from "../model/weights.js";
import { Machine, type MachineCapacity, type MachineLoad } from "../sources/host/machine.js";
import { printJson, printLine } from "./output.js";

/** From build/js/host/cli to the package's folder. */
const PACKAGE_FILE = new URL("../../../../package.json", import.meta.url);
const BINARIES: readonly BinaryName[] = ["release", "shared", "relaxed"];

const EXAMPLES = `
Examples:
  $ reprise version          what is installed and on what machine
  $ reprise version --json   the same for machines`;

export interface VersionReport {
  readonly version: string;
  readonly abiVersion: number;
  readonly binaryBytes: Readonly<Record<string, number>>;
  readonly relaxedSimd: boolean;
  /** Of the weights that come with the package; null when none do. */
  readonly modelVersion: string | null;
  readonly node: string;
  readonly v8: string;
  readonly system: string;
  readonly capacity: MachineCapacity;
  readonly load: MachineLoad;
}

export function versionCommand(): Command {
  return new Command("version")
    .description("print versions, the core's binaries and this machine's capacity and load")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (options: { json?: boolean }) => {
      const report = await collectVersions(new Machine());
      if (options.json === true) printJson(report);
      else printLine(formatReport(report));
    });
}

/** @throws ERR_CONFIG when the package's own description cannot be read */
export function readPackageVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, "utf8")) as { version?: unknown };
  if (typeof version === "string") return version;
  throw new RepriseError("ERR_CONFIG", "the package has no version", {
    file: PACKAGE_FILE.pathname,
    field: "version",
    got: version,
    expected: "a string",
  });
}

export async function collectVersions(machine: Machine): Promise<VersionReport> {
  const weightsFile = shippedWeightsFile();
  return {
    version: readPackageVersion(),
    abiVersion: ABI_VERSION,
    binaryBytes: Object.fromEntries(BINARIES.map((name) => [name, readBinary(name).byteLength])),
    relaxedSimd: supportsRelaxed(),
    modelVersion: weightsFile === undefined ? null : readWeights(weightsFile).version,
    node: process.versions.node,
    v8: process.versions.v8,
    system: `${platform()} ${arch()}`,
    capacity: await machine.capacity(),
    load: await machine.load(),
  };
}

function formatReport(report: VersionReport): string {
  const { capacity, load } = report;
  const sizes = Object.entries(report.binaryBytes).map(([name, bytes]) => `${name} ${bytes}`);
  const usedGiB = load.usageMemoryBytes / 2 ** 30;
  const lines = [
    ["reprise", report.version],
    ["core ABI", report.abiVersion],
    ["core binaries", `${sizes.join(", ")} bytes`],
    ["model", report.modelVersion ?? "none comes with this package"],
    ["relaxed SIMD", report.relaxedSimd ? "accepted by this engine" : "not in this engine"],
    ["node", `${report.node} (V8 ${report.v8})`],
    ["machine", `${report.system}, ${capacity.model}`],
    ["capacity", `${capacity.cores} cores, ${(capacity.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ["in use", `${load.usageCores.toFixed(2)} cores, ${usedGiB.toFixed(1)} GiB`],
  ];
  return lines.map(([name, value]) => `${String(name).padEnd(14)} ${value}`).join("\n");
}
