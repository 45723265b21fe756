import { test } from "uvu";
import * as assert from "uvu/assert";
import { type VersionReport, versionCommand } from "../../host/cli/version.js";
import { ABI_VERSION } from "../../host/core/abi.js";
import { readBinary } from "../../host/core/binary.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import { runReprise } from "../support/command-line.js";

test("version --json says what is installed and on what", async () => {
  const { code, stdout, stderr } = await runReprise(["version", "--json"]);
  assert.is(stderr, "");
  assert.is(code, 0);
  const report = JSON.parse(stdout) as VersionReport;
  assert.match(report.version, /^\d+\.\d+\.\d+/);
  assert.is(report.abiVersion, ABI_VERSION);
  assert.is(report.node, process.versions.node);
  assert.is(report.binaryBytes.shared, readBinary("shared").byteLength);
  assert.is(report.binaryBytes.release, readBinary("release").byteLength);
  const weightsFile = shippedWeightsFile();
  const modelVersion = weightsFile === undefined ? null : readWeights(weightsFile).version;
  assert.is(report.modelVersion, modelVersion);
  assert.ok(report.capacity.cores >= 1);
  assert.ok(report.load.usageMemoryBytes <= report.capacity.memoryBytes);
  assert.ok(report.load.cpuUsageRatio >= 0 && report.load.cpuUsageRatio <= 1);
});

test("version for people has a line a fact", async () => {
  const { code, stdout } = await runReprise(["version"]);
  assert.is(code, 0);
  for (const name of [
    "reprise",
    "core ABI",
    "core binaries",
    "model",
    "node",
    "capacity",
    "in use",
  ]) {
    assert.match(stdout, new RegExp(`^${name} `, "m"));
  }
});

test("the command can be parsed on its own", () => {
  const command = versionCommand();
  assert.is(command.name(), "version");
  assert.equal(
    command.options.map((option) => option.long),
    ["--json"],
  );
});

test.run();
