import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const folder = fileURLToPath(new URL("../bench/", import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".bench.js"))
  .map((file) => file.slice(0, -".bench.js".length))
  .sort();

interface Report {
  readonly name: string;
  readonly smoke: boolean;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly cases: readonly {
    readonly rival: string;
    readonly variants: readonly {
      readonly name: string;
      readonly p50Ns: number;
      readonly p99Ns: number;
      readonly ratioToRival: number;
      readonly outputHash: string;
    }[];
  }[];
}

function run(words: readonly string[]) {
  const done = spawnSync(process.execPath, [join(folder, "run.js"), ...words], {
    encoding: "utf8",
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

test("there are benches", () => {
  assert.ok(names.length > 0);
});

for (const name of names) {
  test(`bench ${name} runs, agrees with its rival and reports`, () => {
    const { code, stdout, stderr } = run([name, "--smoke", "--json"]);
    assert.is(code, 0, stderr);
    const [report] = JSON.parse(stdout) as Report[];
    assert.is(report?.smoke, true);
    assert.is(report?.machine.node, process.versions.node);
    assert.ok((report?.cases.length ?? 0) > 0);
    for (const { rival, variants } of report?.cases ?? []) {
      assert.ok(variants.some((variant) => variant.name === rival));
      for (const variant of variants) {
        assert.ok(variant.p50Ns > 0 && variant.p99Ns >= variant.p50Ns, variant.name);
        assert.ok(variant.ratioToRival > 0);
        assert.match(variant.outputHash, /^[0-9a-f]{12}$/);
      }
    }
  });
}

test("tables go to the output, the report to the file that is named", () => {
  const file = join(tmpdir(), `reprise-bench-${process.pid}.json`);
  const words = ["gru", "--smoke", "--filter", "H=4 B=1", "--json", file];
  try {
    const { code, stdout } = run(words);
    assert.is(code, 0);
    assert.match(stdout, /^# gru: /);
    assert.match(stdout, /plain JavaScript .*\(the rival\)/);
    const [report] = JSON.parse(readFileSync(file, "utf8")) as Report[];
    assert.is(report?.name, "gru");
  } finally {
    rmSync(file, { force: true });
  }
});

test("an unknown bench and an unknown option fail and say so", () => {
  assert.match(run(["nothing"]).stderr, /no bench called nothing/);
  assert.is(run(["nothing"]).code, 1);
  assert.match(run(["--nothing"]).stderr, /option --nothing/);
});

test.run();
