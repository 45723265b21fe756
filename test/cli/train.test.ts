import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readWeights } from "../../host/model/weights.js";
import { runReprise } from "../support/command-line.js";
import { writeTraceFolder } from "../train/trace-folder.js";

const test = suite("reprise train");

const folder = mkdtempSync(join(tmpdir(), "reprise-train-"));

test.after(() => rmSync(folder, { recursive: true }));

const run = (...words: string[]) => runReprise(["train", ...words]);

test("trains, writes weights that can be read back, and reports held-out figures", async () => {
  writeTraceFolder(folder);
  const out = join(folder, "small-h16.safetensors");
  const curve = join(folder, "curve.svg");
  const words = [
    "--data",
    folder,
    "--out",
    out,
    "--epochs",
    "2",
    "--events",
    "20",
    "--scored",
    "4",
  ];
  words.push(
    "--hidden",
    "16",
    "--workers",
    "1",
    "--date",
    "2026-01-31",
    "--curve",
    curve,
    "--json",
  );
  const { code, stdout, stderr } = await run(...words);
  assert.is(code, 0, stderr);
  const report = JSON.parse(stdout);
  const weights = readWeights(out);
  assert.is(report.version, weights.version);
  assert.match(weights.version, /^small-h16@[0-9a-f]{12}$/);
  assert.is(report.epochs.length, 2);
  assert.equal([weights.inputSize, weights.hiddenSize, weights.summarySize], [16, 16, 96]);
  assert.is(weights.metadata.date, "2026-01-31");
  assert.match(weights.metadata.data ?? "", /2 series, 1 held out/);
  assert.equal(
    report.figures.map(({ instances }: { instances: number }) => instances),
    [1, 1, 2, 2],
  );
  assert.match(readFileSync(curve, "utf8"), /^<svg/);
});

test("bad usage exits 2, a folder without series 1", async () => {
  assert.is((await run("--out", "x")).code, 2);
  assert.is((await run("--data", folder, "--out", "x", "--epochs", "0")).code, 2);
  assert.is((await run("--data", folder, "--out", "x", "--hidden", "33")).code, 2);
  const nothing = await run("--data", join(folder, "nothing"), "--out", "x", "--json");
  assert.is(nothing.code, 1);
  assert.is(JSON.parse(nothing.stderr).error.code, "ERR_CONFIG");
  const nowhere = await run("--data", folder, "--out", join(folder, "no", "x"), "--json");
  assert.is(nowhere.code, 1);
  assert.match(JSON.parse(nowhere.stderr).error.message, /cannot be written/);
});

test.run();
