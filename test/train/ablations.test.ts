import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type NetworkWeights, readWeights, WEIGHT_NAMES } from "../../host/model/weights.js";
import { runReprise } from "../support/command-line.js";
import { writeTraceFolder } from "./trace-folder.js";

const test = suite("ablations");

const folder = mkdtempSync(join(tmpdir(), "reprise-ablations-"));
test.before(() => writeTraceFolder(folder));
test.after(() => rmSync(folder, { recursive: true }));

async function trained(option: string): Promise<NetworkWeights> {
  const out = join(folder, `${option}.safetensors`);
  const words = ["train", "--data", folder, "--out", out, "--epochs", "12", "--events", "80"];
  words.push(
    "--scored",
    "4",
    "--rate",
    "0.003",
    "--hidden",
    "16",
    "--workers",
    "1",
    option,
    "--json",
  );
  const { code, stderr } = await runReprise(words);
  assert.is(code, 0, stderr);
  const weights = readWeights(out);
  // It starts at zero.
  assert.ok(weights.tensors["head.4.weight"].some((value) => value !== 0));
  assert.match(weights.metadata.command ?? "", new RegExp(`${option}$`));
  return weights;
}

test("without recurrence the recurrent weights stay zero", async () => {
  const { tensors } = await trained("--memoryless");
  for (const name of WEIGHT_NAMES.filter((one) => one.startsWith("gru."))) {
    assert.ok(
      tensors[name].every((value) => value === 0),
      name,
    );
  }
});

test("without summaries the head hears no row of usage, and size and clock still", async () => {
  const { tensors, hiddenSize, summarySize } = await trained("--no-summary");
  assert.ok(tensors["gru.weight_hh_l0"].some((value) => value !== 0));
  const isHeard = (row: number) =>
    tensors["head.0.weight"].some(
      (value, at) => value !== 0 && at % (hiddenSize + summarySize) === hiddenSize + row,
    );
  const heard = Array.from({ length: summarySize }, (_, row) => row).filter(isHeard);
  assert.equal(
    heard,
    Array.from({ length: 16 }, (_, index) => 64 + index),
  );
});

test.run();
