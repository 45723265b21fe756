import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

interface Report {
  readonly smoke: boolean;
  readonly groups: readonly {
    readonly rules: Readonly<
      Record<string, { readonly inversions: number; readonly topGap: { readonly mean: number } }>
    >;
    readonly bound: { readonly mean: number };
  }[];
}

test("the planner's bench runs, and ours has no inversion and is not below the optimum", () => {
  const file = fileURLToPath(new URL("../../bench/planner/main.js", import.meta.url));
  const done = spawnSync(process.execPath, [file, "--smoke", "--json"], { encoding: "utf8" });
  assert.is(done.status, 0, done.stderr);
  const report = JSON.parse(done.stdout) as Report;
  assert.is(report.smoke, true);
  const [group] = report.groups;
  const ours = group?.rules.Reprise;
  assert.is(ours?.inversions, 0);
  assert.ok((ours?.topGap.mean ?? -1) > -1e-9 && (group?.bound.mean ?? -1) > -1e-9);
  assert.ok((group?.rules.random?.inversions ?? 0) > 0, "random has some");
});

test.run();
