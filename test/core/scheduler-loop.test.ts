/** The worked example of a scheduler's loop, in short. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const script = fileURLToPath(
  new URL("../../../../examples/scheduler-loop/loop.mjs", import.meta.url),
);

test("the loop decides, counts every decision once and prints its histogram", () => {
  const words = ["--calls", "3000", "--nodes", "400", "--instances", "120"];
  const done = spawnSync(process.execPath, [script, ...words], { encoding: "utf8" });
  assert.is(done.status, 0, done.stderr);
  const [, proceed = 0, defer = 0, unknown = 0] = (
    /^proceed (\d+), defer (\d+), unknown (\d+)/m.exec(done.stdout) ?? []
  ).map(Number);
  assert.is(proceed + defer + unknown, 3_000);
  assert.ok(proceed > 0 && defer > 0, done.stdout);
  const bands = [...done.stdout.matchAll(/^<= +([\d.]+) us +(\d+) #+$/gm)];
  const counted = bands.reduce((sum, match) => sum + Number(match[2]), 0);
  assert.is(counted, 3_000);
  const levels = [...done.stdout.matchAll(/^p[\d.]+ +([\d.]+) us$/gm)].map(([, us]) => Number(us));
  assert.is(levels.length, 5);
  assert.equal(
    levels,
    [...levels].sort((left, right) => left - right),
  );
});

test.run();
