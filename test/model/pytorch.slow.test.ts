import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PHASE_COUNT, QUANTILES, RESOURCE_COUNT } from "../../host/core/abi.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { HEAD_ROWS, readWeights, WEIGHT_NAMES } from "../../host/model/weights.js";
import { GOLDEN_SIZES } from "../support/golden.js";

const path = (from: string) => fileURLToPath(new URL(`../../../../${from}`, import.meta.url));
const EXAMPLE = path("examples/pytorch");
/** What is asked of every implementation of the golden vectors. */
const TOLERANCE = 2e-6;
/** A version manager may put an interpreter without Debian's packages in front of the system's. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

const folder = mkdtempSync(join(tmpdir(), "reprise-pytorch-"));
const test = suite("pytorch example");
test.after(() => rmSync(folder, { recursive: true }));

function python(interpreter: string, words: readonly string[]) {
  return spawnSync(interpreter, ["-B", ...words], { cwd: EXAMPLE, encoding: "utf8" });
}

const interpreter = INTERPRETERS.find((name) => python(name, ["-c", "import torch"]).status === 0);
const check = interpreter === undefined ? test.skip : test;
if (interpreter === undefined) {
  process.stdout.write("skipped: no python3 here finds torch (on Debian: python3-torch)\n");
}

test("the example has the head and the levels of the core", () => {
  const text = readFileSync(join(EXAMPLE, "reprise_net.py"), "utf8");
  assert.ok(text.includes(`HEAD_SIZES = (${HEAD_ROWS.join(", ")})`));
  assert.ok(text.includes(`LEVELS = (${QUANTILES.join(", ")})`));
  assert.ok(text.includes(`NEEDS = (${RESOURCE_COUNT}, ${PHASE_COUNT}, len(LEVELS))`));
});

function run(words: readonly string[]): string {
  const { status, stdout, stderr } = python(interpreter ?? "", words);
  assert.is(status, 0, stderr);
  return stdout;
}

for (const size of GOLDEN_SIZES) {
  check(
    `hidden ${size}: PyTorch agrees with the golden vectors, and Reprise reads what it saves`,
    () => {
      const golden = path(`test/golden/gru_h${size}.safetensors`);
      const copy = join(folder, `h${size}.safetensors`);
      const found = JSON.parse(run(["check_golden.py", golden, copy])) as Record<string, number>;
      assert.equal(Object.keys(found), ["output", "h_n", "raw", "quantiles", "loss"]);
      for (const [name, difference] of Object.entries(found)) {
        assert.ok(difference <= TOLERANCE, `${name}: off by ${difference}`);
      }
      const weights = readWeights(copy);
      assert.is(weights.hiddenSize, size);
      assert.match(weights.version, /^golden@[0-9a-f]{12}$/);
    },
  );
}

check("the shipped weights survive the way through PyTorch, bit for bit", () => {
  const shipped = shippedWeightsFile();
  assert.ok(shipped);
  const copy = join(folder, "copy.safetensors");
  run([
    "-c",
    `import reprise_net as r; r.save(r.load(${JSON.stringify(shipped)}), ${JSON.stringify(copy)}, "copy")`,
  ]);
  const [before, after] = [readWeights(shipped), readWeights(copy)];
  for (const name of WEIGHT_NAMES) assert.equal(after.tensors[name], before.tensors[name], name);
});

test.run();
