import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readWeights, WEIGHT_NAMES } from "../../host/model/weights.js";
import { runReprise } from "../support/command-line.js";
import { writeTraceFolder } from "./trace-folder.js";

const test = suite("training without recurrence");

const folder = mkdtempSync(join(tmpdir(), "reprise-memoryless-"));

test.after(() => rmSync(folder, { recursive: true }));

test("the recurrent weights stay zero and the head moves", async () => {
  writeTraceFolder(folder);
  const out = join(folder, "mlp-h16.safetensors");
  const words = ["train", "--data", folder, "--out", out, "--epochs", "3", "--events", "30"];
  words.push("--scored", "4", "--hidden", "16", "--workers", "1", "--memoryless", "--json");
  const { code, stderr } = await runReprise(words);
  assert.is(code, 0, stderr);
  const { tensors, metadata } = readWeights(out);
  for (const name of WEIGHT_NAMES.filter((one) => one.startsWith("gru."))) {
    assert.ok(
      tensors[name].every((value) => value === 0),
      name,
    );
  }
  // It starts at zero too.
  assert.ok(tensors["head.4.weight"].some((value) => value !== 0));
  assert.match(metadata.command ?? "", /--memoryless$/);
});

test.run();
