/** The restart lab, short: real programs, real interruptions, two restarts each. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const LAB = fileURLToPath(new URL("../../bench/restart-lab/run.js", import.meta.url));
const PROGRAMS = 6;

function run(folder: string, runs: number): { readonly lines: Record<string, unknown>[] } {
  const words = ["--out", folder, "--runs", String(runs), "--factor", "240", "--seed", "3"];
  const ran = spawnSync(process.execPath, [LAB, ...words], { encoding: "utf8" });
  assert.is(ran.status, 0, ran.stderr);
  const text = readFileSync(join(folder, "results.jsonl"), "utf8").trim();
  return { lines: text.split("\n").map((line) => JSON.parse(line)) };
}

test("each program comes back as often as asked for, is compared, and the lab goes on", () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-lab-"));
  try {
    const first = run(folder, 1).lines;
    assert.is(first.length, PROGRAMS);
    const { lines } = run(folder, 2);
    assert.equal(lines.slice(0, PROGRAMS), first, "what was done is not done again");
    assert.is(lines.length, 2 * PROGRAMS);
    for (const line of lines) {
      const [cpu, , , memory] = line.peaks as (number | null)[];
      assert.ok((cpu ?? 0) > 0.005 && (cpu ?? 9) < 2, `${line.program}: ${cpu} cores`);
      assert.ok((memory ?? 0) > 0.005 && (memory ?? 9) < 0.5, `${line.program}: ${memory} GiB`);
      assert.ok((line.predicted as number[]).some((value) => value > 0));
    }
    assert.match(readFileSync(join(folder, "report.md"), "utf8"), /\| cpu \| reprise \| 12 \|/);
    assert.match(readFileSync(join(folder, "restart-lab-cpu.svg"), "utf8"), /<circle/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
