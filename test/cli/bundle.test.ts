/** The package's bundles do what the modules do that they are made of. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as modules from "../../host/index.js";
import { MAIN_FILE, runReprise } from "../support/command-line.js";
import { FLEET_START_MS, registrationOf, sampleOf } from "../support/fleet.js";

const ROOT = new URL("../../../../", import.meta.url);
const fileOf = (path: string) => fileURLToPath(new URL(path, ROOT));

interface Package {
  readonly bin: { readonly reprise: string };
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const { bin, exports } = JSON.parse(readFileSync(fileOf("package.json"), "utf8")) as Package;

test("every entry that the package names is there", () => {
  for (const entry of Object.values(exports)) {
    const path = typeof entry === "string" ? entry : entry.default;
    assert.ok(existsSync(fileOf(path)), path);
  }
  assert.not(fileOf(bin.reprise) === MAIN_FILE);
});

test("the bundled command line says what the modules' says", async () => {
  for (const words of [["--help"], ["predict", "--format", "none"]]) {
    const bundled = spawnSync(process.execPath, [fileOf(bin.reprise), ...words], {
      encoding: "utf8",
    });
    const plain = await runReprise(words);
    assert.is(bundled.status, plain.code, words[0]);
    assert.is(bundled.stderr, plain.stderr);
    assert.is(bundled.stdout, plain.stdout);
  }
});

test("the bundled library finds weights, binary and workers, and gives the same bits", async () => {
  const bundled = (await import(new URL("build/bundle/index.js", ROOT).href)) as typeof modules;
  const answers = [];
  for (const { Profiler, VirtualClock, readWeights, shippedWeightsFile } of [modules, bundled]) {
    const profiler = Profiler.open({
      maxInstances: 8,
      weights: readWeights(shippedWeightsFile() ?? ""),
      workers: 1,
      clock: new VirtualClock(FLEET_START_MS + 86_400_000),
    });
    profiler.register(registrationOf(1));
    for (let step = 0; step < 8; step++) {
      profiler.offer(sampleOf(1, step));
      await profiler.tick();
    }
    answers.push([profiler.stateDigest("i1"), profiler.profile("i1")]);
    await profiler.close();
  }
  assert.equal(answers[1], answers[0]);
});

test("bundles share what they have in common", async () => {
  const index = await import(new URL("build/bundle/index.js", ROOT).href);
  const core = await import(new URL("build/bundle/core.js", ROOT).href);
  assert.is(core.RESOURCES, index.RESOURCES);
});

test.run();
