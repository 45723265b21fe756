import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Prediction } from "../../host/cli/predict.js";
import { predictionSvg, readAround } from "../../host/cli/predict-picture.js";
import { PHASES, QUANTILES } from "../../host/core/abi.js";
import { runReprise } from "../support/command-line.js";

const INPUT = fileURLToPath(
  new URL("../../../../test/data/bitbrains_rnd/series/rnd_1.csv.gz", import.meta.url),
);
const AT = 1_372_629_804 + 5 * 86_400;
const BEFORE = "#6b7280";
const AFTER = "#c2410c";

const folder = mkdtempSync(join(tmpdir(), "reprise-picture-"));
const test = suite("prediction picture");
test.after(() => rmSync(folder, { recursive: true }));

const rows = (value: number) => PHASES.map(() => QUANTILES.map((level) => value * level));
const prediction = (instance: string): Prediction => ({
  instance,
  at: AT,
  outageMinutes: 30,
  rung: 0,
  modelVersion: "m@1",
  phases: PHASES,
  quantiles: QUANTILES,
  envelope: { cpu: rows(1), memory: rows(2), network: rows(3), disk: rows(4) },
});

const pointsOf = (svg: string, colour: string): number =>
  [...svg.matchAll(new RegExp(`<path d="([^"]*)" fill="none" stroke="${colour}"`, "g"))]
    .map(([, path = ""]) => path.split(/[ML]/).length - 1)
    .reduce((sum, count) => sum + count, 0);

test("samples around the cut only: three hours before, the outage and an hour after", async () => {
  const samples = await readAround(INPUT, prediction("vm"));
  const times = samples.map(({ timeMs }) => timeMs / 60_000 - AT / 60);
  assert.ok(Math.min(...times) > -181 && Math.min(...times) < -170);
  assert.ok(Math.max(...times) <= 90 && Math.max(...times) > 80);
});

test("what was seen and what came after are two lines, each sample once a resource", async () => {
  const samples = await readAround(INPUT, prediction("vm"));
  const svg = predictionSvg(prediction("vm"), samples);
  const before = samples.filter(({ timeMs }) => timeMs <= AT * 1_000).length;
  assert.ok(before > 0 && before < samples.length);
  assert.is(pointsOf(svg, BEFORE), 4 * before);
  assert.is(pointsOf(svg, AFTER), 4 * (samples.length - before));
});

test("a quantile's box is as high as its value: the P99 of .99 fills .99 / 1.05 of .99", () => {
  const svg = predictionSvg(prediction("vm"), []);
  const boxes = [...svg.matchAll(/height="([\d.]+)" fill="#d8e7f5"/g)].map(([, height]) => height);
  // Three phases in four panels, and the legend's mark.
  assert.is(boxes.length, 13);
  assert.is(boxes.filter((height) => height === (180 / 1.05).toFixed(1)).length, 12);
});

test("names are text, not markup; an all-zero series is drawn", () => {
  const svg = predictionSvg(
    { ...prediction("<a&b>"), envelope: { ...prediction("").envelope, cpu: rows(0) } },
    [],
  );
  assert.not.match(svg, /<a&b>/);
  assert.match(svg, /&#60;a&#38;b&#62;/);
  assert.not.match(svg, /NaN|Infinity/);
});

test("the command writes the first cut's picture and refuses when there is none", async () => {
  const cuts = join(folder, "cuts.json");
  const picture = join(folder, "cut.svg");
  writeFileSync(cuts, JSON.stringify([{ at: AT, outageMinutes: 10 }]));
  const base = ["predict", "--format", "bitbrains", "--input", INPUT, "--picture", picture];
  const drawn = await runReprise([...base, "--cuts", cuts, "--json"]);
  assert.is(drawn.code, 0, drawn.stderr);
  assert.match(readFileSync(picture, "utf8"), /^<svg [\s\S]*back after 10 min[\s\S]*<\/svg>\n$/);
  writeFileSync(cuts, "[]");
  const refused = await runReprise([...base, "--cuts", cuts]);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /ERR_ARGUMENT/);
});

test.run();
