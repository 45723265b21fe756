import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import { runReprise } from "../support/command-line.js";
import { writeTraceFolder } from "../train/trace-folder.js";

const test = suite("reprise evaluate");

const folder = mkdtempSync(join(tmpdir(), "reprise-evaluate-"));
const traces = join(folder, "bitbrains_rnd", "series");

test.after(() => rmSync(folder, { recursive: true }));

const run = (report: string, ...words: string[]) =>
  runReprise([
    "evaluate",
    "--data",
    folder,
    "--report",
    join(folder, report),
    "--no-streams",
    ...words,
  ]);

interface Report {
  readonly sets: readonly {
    readonly set: string;
    readonly instances: number;
    readonly events: number;
    readonly resources: readonly {
      readonly network: { readonly aPin95: number; readonly all: { readonly crps: number } };
      readonly baselines: readonly {
        readonly crps: number;
        readonly phases: readonly { calibration: string }[];
      }[];
      readonly ablations: readonly {
        readonly name: string;
        readonly aPin95: number;
        readonly crps: number;
      }[];
      readonly seeds?: { readonly aPin95: { readonly mean: number; readonly max: number } };
    }[];
  }[];
  readonly withoutHistory: Record<string, number>;
}

function writeRestarts(vm: string): void {
  const at = (day: number) => TRACE_START_SECONDS + 4 + day * 86_400;
  const line = (kind: string, day: number) => `${vm},${kind},${at(day)},300,1,0,0,0,0,0,0`;
  const header =
    "vm,kind,event_ts,off_s,granted_ratio,pre_cpu_pct_med2h,pre_mem_kb_med2h," +
    "pre_disk_read_med2h,post_cpu_pct_max15m,post_mem_kb_max15m,post_disk_read_max15m";
  const lines = [header, line("power_on", 30), line("cold", 65), line("first_power_on", 0)];
  writeFileSync(join(folder, "bitbrains_rnd", "events.csv"), `${lines.join("\n")}\n`);
}

test("reports cuts and restarts apart, the same for any number of workers", async () => {
  mkdirSync(traces, { recursive: true });
  writeTraceFolder(traces);
  const names = readdirSync(traces);
  writeRestarts((names[0] ?? "").replace(".csv", ""));
  const { code, stdout, stderr } = await run(
    "one",
    "--cuts",
    "6",
    "--workers",
    "1",
    "--no-linear",
    "--json",
  );
  assert.is(code, 0, stderr);
  const report = JSON.parse(stdout) as Report;
  const of = (name: string) => report.sets.find(({ set }) => set === name);
  assert.is(of("virtual cuts, seen instances")?.instances, 2);
  assert.is(of("virtual cuts, unseen instances")?.instances, 1);
  assert.is(of("restarts selected blind, all")?.events, 1);
  assert.is(of("restarts selected by their burst, held out")?.events, 1);
  assert.equal(report.withoutHistory, { first_power_on: 1 });
  const forms = report.sets.flatMap(({ resources }) =>
    resources.flatMap(({ baselines }) => baselines.flatMap(({ phases }) => phases)),
  );
  assert.ok(forms.every(({ calibration }) => /^(raw|added|multiplied)$/.test(calibration)));
  const files = readdirSync(join(folder, "one"));
  for (const name of ["report.json", "report.md", "events.csv", "predicted-against-real.svg"]) {
    assert.ok(files.includes(name), `${name} is missing of ${files}`);
  }
  for (const name of files.filter((file) => file.endsWith(".svg"))) {
    const svg = readFileSync(join(folder, "one", name), "utf8");
    assert.ok(svg.startsWith("<svg") && svg.endsWith("</svg>\n"), name);
    assert.not.match(svg, /NaN|Infinity|undefined/);
  }
  const list = readFileSync(join(folder, "one", "events.csv"), "utf8")
    .trim()
    .split("\n");
  const cuts = list.filter((line) => line.startsWith("test,cut,"));
  const scored = report.sets.filter(({ set }) => /^virtual cuts, (un)?seen instances$/.test(set));
  assert.is(
    cuts.length,
    scored.reduce((sum, { events }) => sum + events, 0),
  );
  assert.ok(cuts.length > 6);
  const again = await run("two", "--cuts", "6", "--workers", "2", "--no-linear", "--json");
  assert.equal((JSON.parse(again.stdout) as Report).sets, report.sets);
});

test("weights are scored side by side: other seeds as a spread, ablations as contenders", async () => {
  const weights = present(shippedWeightsFile(), "shipped weights");
  const words = ["--weights", weights, "--weights", weights, "--ablation", `twin=${weights}`];
  const { code, stdout, stderr } = await run("seeds", "--cuts", "6", "--json", ...words);
  assert.is(code, 0, stderr);
  const { sets } = JSON.parse(stdout) as Report;
  for (const { set, resources } of sets) {
    for (const { network, baselines, ablations, seeds } of resources) {
      assert.equal(
        ablations.map(({ name }) => name),
        ["linear quantile regression", "twin"],
      );
      // The same weights twice have no spread; as a contender they may only be helped.
      assert.is(seeds?.aPin95.mean, network.aPin95, set);
      assert.is(seeds?.aPin95.max, network.aPin95, set);
      const twin = present(ablations[1], "twin");
      assert.ok(twin.aPin95 <= network.aPin95, set);
      assert.ok(twin.crps <= network.all.crps + 1e-12, set);
      assert.ok(twin.aPin95 > 0 && baselines.every(({ crps }) => crps > 0), set);
    }
  }
  const wrong = await run("seeds", "--ablation", weights, "--json");
  assert.is(wrong.code, 2);
});

test("bad usage exits 2, a folder without series 1", async () => {
  assert.is((await runReprise(["evaluate", "--data", folder])).code, 2);
  assert.is((await run("three", "--cuts", "0")).code, 2);
  const nothing = await runReprise([
    "evaluate",
    "--data",
    join(folder, "nothing"),
    "--report",
    join(folder, "four"),
    "--json",
  ]);
  assert.is(nothing.code, 1);
  assert.is(JSON.parse(nothing.stderr).error.code, "ERR_CONFIG");
});

test.run();
