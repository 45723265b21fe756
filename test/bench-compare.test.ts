import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Prng } from "../host/lib/prng.js";

const script = fileURLToPath(new URL("../bench/compare.js", import.meta.url));

/** A result of 9 rounds whose times are within a tenth of what is said. */
function report(seed: number, times: Readonly<Record<string, number>>) {
  const prng = new Prng(seed);
  const variants = Object.entries(times).map(([name, ns]) => {
    const roundsNs = Array.from({ length: 9 }, () => ns * (0.95 + 0.1 * prng.uniform()));
    return { name, p50Ns: ns, roundsNs };
  });
  return [{ name: "gru", cases: [{ name: "H=32", rival: "plain", variants }] }];
}

function compare(before: unknown, after: unknown) {
  const folder = mkdtempSync(join(tmpdir(), "reprise-compare-test-"));
  try {
    const files = [join(folder, "a.json"), join(folder, "b.json")];
    [before, after].forEach((each, index) => {
      writeFileSync(files[index] as string, JSON.stringify(each));
    });
    return spawnSync(process.execPath, [script, ...files], { encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("noise is no change, also when the whole machine was slower", () => {
  const done = compare(
    report(1, { core: 100, plain: 1_000 }),
    report(2, { core: 180, plain: 1_800 }),
  );
  assert.is(done.status, 0, done.stderr);
  assert.match(done.stdout, /^same .* gru \/ H=32 \/ core$/m);
  assert.match(done.stdout, /1 compared, 0 faster, 0 slower/);
});

test("what became slower than its rival says fails, what became faster does not", () => {
  const [fast, slow] = [
    report(3, { core: 100, plain: 1_000 }),
    report(4, { core: 125, plain: 1_000 }),
  ];
  const worse = compare(fast, slow);
  assert.is(worse.status, 1);
  assert.match(worse.stdout, /^slower {2}0\.8\d\dx/m);
  const better = compare(slow, fast);
  assert.is(better.status, 0);
  assert.match(better.stdout, /^faster {2}1\.2\d\dx/m);
});

test("a change beyond the noise but below 5 % is none", () => {
  const still = (ns: number) => [
    {
      name: "gru",
      cases: [
        {
          name: "H=32",
          rival: "plain",
          variants: [
            { name: "core", p50Ns: ns, roundsNs: [ns, ns * 1.001, ns] },
            { name: "plain", p50Ns: 1_000, roundsNs: [1_000, 1_000, 1_001] },
          ],
        },
      ],
    },
  ];
  assert.is(compare(still(100), still(104)).status, 0);
  assert.is(compare(still(100), still(107)).status, 1);
});

test("what only one side has is named, and nothing in common is an error", () => {
  const done = compare(
    report(5, { core: 100, plain: 1_000 }),
    report(6, { core: 100, relaxed: 50, plain: 1_000 }),
  );
  assert.match(done.stdout, /only in one: gru \/ H=32 \/ relaxed/);
  const nothing = compare(report(7, { core: 100, plain: 1_000 }), []);
  assert.is.not(nothing.status, 0);
  assert.match(nothing.stderr, /nothing to compare/);
});

test.run();
