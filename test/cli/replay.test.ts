import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runReprise } from "../support/command-line.js";

const test = suite("reprise replay");

test("plays the bundled sample and prints a table, no bar where nobody looks", async () => {
  const { code, stdout, stderr } = await runReprise(["replay", "--days", "0.1", "--vms", "8"]);
  assert.is(stderr, "");
  assert.is(code, 0);
  assert.match(stdout, /^8 VMs \(8 never trained on\) on 3 nodes/);
  assert.match(stdout, /reprise +priority-only-largest +priority-only-p95/);
  assert.match(stdout, /cpu: need covered/);
});

test("prints one JSON object", async () => {
  const words = ["replay", "--days", "0.1", "--vms", "8", "--workers", "0", "--json"];
  const { code, stdout, stderr } = await runReprise(words);
  assert.equal([code, stderr], [0, ""]);
  const report = JSON.parse(stdout) as { policies: { policy: string }[]; input: { vms: number } };
  assert.is(report.policies[0]?.policy, "reprise");
  assert.is(report.input.vms, 8);
});

test("bad usage is 2, a failure is 1, both say what was wrong", async () => {
  for (const words of [
    ["--days", "0"],
    ["--nodes", "1.5"],
    ["--workers", "1000"],
  ]) {
    const { code, stderr } = await runReprise(["replay", ...words]);
    assert.is(code, 2, words.join(" "));
    assert.match(stderr, /error/);
  }
  const { code, stdout, stderr } = await runReprise(["replay", "--data", "/nowhere", "--json"]);
  assert.equal([code, stdout], [1, ""]);
  const { error } = JSON.parse(stderr) as { error: { code: string } };
  assert.is(error.code, "ERR_ARGUMENT");
});

test.run();
