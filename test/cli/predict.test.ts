import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Prediction, predict } from "../../host/cli/predict.js";
import { RESOURCES } from "../../host/core/abi.js";
import { Prng } from "../../host/lib/prng.js";
import { runReprise } from "../support/command-line.js";

const SERIES = fileURLToPath(
  new URL("../../../../test/data/bitbrains_rnd/series/", import.meta.url),
);
const INPUT = join(SERIES, "rnd_1.csv.gz");
const START = 1_372_629_804;
const DAY = 86_400;

const folder = mkdtempSync(join(tmpdir(), "reprise-predict-"));
const test = suite("predict");
test.after(() => rmSync(folder, { recursive: true }));

interface Cut {
  readonly at: number;
  readonly outageMinutes: number;
}

let files = 0;
function write(text: string): string {
  const file = join(folder, `${files++}`);
  writeFileSync(file, text);
  return file;
}

const ask = (input: string, cuts: readonly Cut[], model?: string): Promise<Prediction[]> =>
  predict({
    format: "bitbrains",
    input,
    name: "vm",
    cuts: write(JSON.stringify(cuts)),
    ...(model === undefined ? {} : { model }),
  });

function randomCuts(count: number, seed: number): Cut[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => ({
    at: START - 600 + prng.uniform() * 9.9 * DAY,
    outageMinutes: prng.below(4) * 10,
  }));
}

/** The plain lines of a series, without the header. */
function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(join(SERIES, file)))
    .toString("utf8")
    .trimEnd()
    .split("\n");
}

test("an answer has the contract's shape, finite numbers and quantiles in order", async () => {
  const cuts = randomCuts(40, 1);
  const answers = await ask(INPUT, cuts);
  assert.is(answers.length, cuts.length);
  answers.forEach((answer, index) => {
    assert.equal(Object.keys(answer), [
      "instance",
      "at",
      "outageMinutes",
      "rung",
      "modelVersion",
      "phases",
      "quantiles",
      "envelope",
    ]);
    assert.is(answer.at, cuts[index]?.at);
    assert.is(answer.outageMinutes, cuts[index]?.outageMinutes);
    assert.equal(answer.phases, ["0-10", "10-30", "30-60"]);
    assert.equal(answer.quantiles, [0.5, 0.9, 0.95, 0.99]);
    assert.equal(Object.keys(answer.envelope), [...RESOURCES]);
    for (const rows of Object.values(answer.envelope)) {
      assert.is(rows.length, 3);
      for (const row of rows) {
        assert.is(row.length, 4);
        row.forEach((value, level) => {
          assert.ok(Number.isFinite(value) && value >= 0);
          assert.ok(level === 0 || value >= (row[level - 1] ?? 0));
        });
      }
    }
  });
  assert.ok(answers.some((answer) => answer.rung === 0));
  assert.match(answers[0]?.modelVersion ?? "", /^reprise-h32@[0-9a-f]{12}$/);
});

test("later samples never change an answer", async () => {
  const lines = linesOf("rnd_1.csv.gz");
  const [header = "", ...rows] = lines;
  const keep = 1_500;
  const until = Number(rows[keep - 1]?.split(";")[0]);
  const next = Number(rows[keep]?.split(";")[0]);
  const cuts = [...randomCuts(30, 2).filter((cut) => cut.at < until)];
  cuts.push({ at: until, outageMinutes: 10 }, { at: next - 0.001, outageMinutes: 0 });
  const whole = await ask(write(lines.join("\n")), cuts);
  const short = await ask(write([header, ...rows.slice(0, keep)].join("\n")), cuts);
  const wild = rows.slice(keep).map((row) => {
    const fields = row.split(";");
    // A later power cycle with other cores, memory and usage.
    for (let field = 1; field < fields.length; field++) fields[field] = `${(field * 7919) % 997}`;
    return fields.join(";");
  });
  const other = await ask(write([header, ...rows.slice(0, keep), ...wild].join("\n")), cuts);
  assert.equal(short, whole);
  assert.equal(other, whole);
});

test("a power cycle after a cut does not reach back to it", async () => {
  const lines = linesOf("rnd_82.csv.gz");
  const times = lines.slice(1).map((line) => Number(line.split(";")[0]));
  const rows = lines.slice(1);
  const on = rows.findIndex(
    (row, index) => row.split(";")[2] !== "0" && rows[index - 1]?.split(";")[2] === "0",
  );
  assert.ok(on > 0, "the excerpt holds a power cycle");
  const cuts = [{ at: (times[on] ?? 0) - 1, outageMinutes: 5 }];
  const whole = await ask(join(SERIES, "rnd_82.csv.gz"), cuts);
  const short = await ask(write(lines.slice(0, on + 1).join("\n")), cuts);
  assert.equal(short, whole);
});

test("a sample at the cut's very time counts", async () => {
  const row = linesOf("rnd_1.csv.gz")[500]?.split(";") ?? [];
  const at = Number(row[0]);
  const [before, exact] = await ask(INPUT, [
    { at: at - 0.001, outageMinutes: 10 },
    { at, outageMinutes: 10 },
  ]);
  assert.not.equal(before?.envelope, exact?.envelope);
});

test("cuts are independent of each other and of their order", async () => {
  const cuts = randomCuts(25, 3);
  const together = await ask(INPUT, cuts);
  const reversed = await ask(INPUT, [...cuts].reverse());
  assert.equal([...reversed].reverse(), together);
  const alone = await ask(INPUT, [cuts[7] as Cut]);
  assert.equal(alone[0], together[7]);
  const doubled = await ask(INPUT, [...cuts, ...cuts]);
  assert.equal(doubled.slice(0, 25), doubled.slice(25));
});

test("no answer is above the provisioned cores and memory", async () => {
  const answers = await ask(
    INPUT,
    randomCuts(60, 4).filter((cut) => cut.at > START),
  );
  const rows = linesOf("rnd_1.csv.gz")
    .slice(1)
    .map((line) => line.split(";").map(Number));
  for (const { at, envelope } of answers) {
    // The hypervisor grants memory as time goes on; what counts is the most granted so far.
    const before = rows.filter(([time = 0]) => time <= at);
    const cores = Math.max(...before.map((row) => row[1] ?? 0));
    const memoryKiB = Math.max(...before.map((row) => row[5] ?? 0));
    assert.ok(Math.max(...envelope.cpu.flat()) <= cores);
    assert.ok(Math.max(...envelope.memory.flat()) <= Math.fround(memoryKiB / 1_048_576));
  }
});

test("with little history or none other machines' first hours answer, never zeros", async () => {
  const [none, few, enough] = await ask(INPUT, [
    { at: START - 10_000, outageMinutes: 0 },
    { at: START + 600, outageMinutes: 0 },
    { at: START + 4_200, outageMinutes: 0 },
  ]);
  assert.is(none?.rung, 3);
  assert.match(none?.warning ?? "", "other machines");
  for (const phases of Object.values(none?.envelope ?? {})) {
    assert.ok(phases.flat().every((value) => value > 0));
  }
  assert.is(few?.rung, 3);
  assert.is(few?.warning, undefined);
  // A share of its two cores.
  assert.ok((few?.envelope.cpu[0]?.[3] ?? 0) > 0.5 && (few?.envelope.cpu[0]?.[3] ?? 9) < 2);
  assert.is(enough?.rung, 0);
});

test("a series without a sample is an error, a cut before the first sample is warned of", async () => {
  const [header = ""] = linesOf("rnd_1.csv.gz");
  const early = { at: START - 10_000, outageMinutes: 0 };
  const cuts = write(JSON.stringify([{ at: START + DAY, outageMinutes: 0 }, early]));
  const words = ["predict", "--format", "bitbrains", "--cuts", cuts, "--json", "--input"];
  const empty = await runReprise([...words, write(`${header}\n`)]);
  assert.is(empty.code, 1);
  assert.is(empty.stdout, "");
  assert.is(JSON.parse(empty.stderr).error.code, "ERR_TRACE_FORMAT");
  const { code, stdout, stderr } = await runReprise([...words, INPUT]);
  assert.is(code, 0);
  assert.match(stderr, /^warning: .*at cuts \[1\] at 2013-06-30T/);
  const [known, unknown] = stdout.split("\n").map((line) => (line === "" ? {} : JSON.parse(line)));
  assert.is(known.warning, undefined);
  assert.match(unknown.warning, /no sample up to this cut/);
});

test("the answers see a busier instance as busier", async () => {
  const [header = "", ...rows] = linesOf("rnd_1.csv.gz");
  const scaled = rows.map((row) => {
    const fields = row.split(";");
    fields[3] = `${Number(fields[3]) * 4}`;
    return fields.join(";");
  });
  const cuts = randomCuts(20, 5).filter((cut) => cut.at > START + DAY);
  const [plain, busy] = await Promise.all([
    ask(INPUT, cuts),
    ask(write([header, ...scaled].join("\n")), cuts),
  ]);
  plain.forEach((answer, index) => {
    const [median = 0] = answer.envelope.cpu[0] ?? [];
    const [busyMedian = 0] = busy[index]?.envelope.cpu[0] ?? [];
    assert.ok(busyMedian > median * 2, `${median} ${busyMedian}`);
  });
});

test("a thousand cuts of one instance are a thousand lines, in their order", async () => {
  const wanted = randomCuts(1_000, 6);
  const cuts = write(JSON.stringify(wanted));
  const words = ["predict", "--format", "bitbrains", "--input", INPUT, "--cuts", cuts, "--json"];
  const { code, stdout } = await runReprise(words);
  assert.is(code, 0);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Prediction);
  assert.equal(
    answers.map(({ at, outageMinutes }) => ({ at, outageMinutes })),
    wanted,
  );
  assert.is(answers[0]?.instance, "rnd_1");
});

test("without --json it prints a table a cut", async () => {
  const cuts = write(JSON.stringify([{ at: START + 2 * DAY, outageMinutes: 10 }]));
  const words = ["predict", "--format", "bitbrains", "--input", INPUT, "--cuts", cuts];
  const { code, stdout } = await runReprise(words);
  assert.is(code, 0);
  assert.match(stdout, /^rnd_1 at 2013-07-02T22:03:24.000Z, back after 10 min: rung 0, network /);
  assert.match(stdout, /^memory 30-60 min, GiB( +\d+\.\d{3}){4}$/m);
});

test("--predictor switches, --beside shows another one beside the answer", async () => {
  const cuts = write(JSON.stringify(randomCuts(10, 7).filter((cut) => cut.at > START + DAY)));
  const options = { format: "bitbrains", input: INPUT, cuts };
  const plain = await predict(options);
  const chosen = await predict({ ...options, predictor: "nsigma" });
  const shown = await predict({ ...options, beside: "nsigma" });
  shown.forEach(({ beside, ...rest }, index) => {
    assert.equal(rest, plain[index]);
    assert.is(chosen[index]?.rung, 2);
    assert.is(chosen[index]?.modelVersion, "nsigma");
    const { envelope } = chosen[index] as Prediction;
    assert.equal(beside, { predictor: "nsigma", rung: 2, envelope });
  });
  const vpa = await predict({ ...options, predictor: "vpa", beside: "network" });
  assert.equal(
    vpa.map(({ beside }) => beside?.envelope),
    plain.map(({ envelope }) => envelope),
  );
});

test("a predictor that does not exist is bad usage, and a table has both answers", async () => {
  const cuts = write(JSON.stringify([{ at: START + 2 * DAY, outageMinutes: 10 }]));
  const words = ["predict", "--format", "bitbrains", "--input", INPUT, "--cuts", cuts];
  const unknown = await runReprise([...words, "--predictor", "oracle"]);
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, /Allowed choices are network, last/);
  const { stdout } = await runReprise([...words, "--predictor", "vpa", "--beside", "max24h"]);
  assert.match(stdout, /back after 10 min: rung 2, vpa$/m);
  assert.match(stdout, /P99 +max24h P50 .*max24h P99$/m);
  assert.match(stdout, /^cpu 0-10 min, cores( +\d+\.\d{3}){8}$/m);
});

async function fails(cuts: string, pattern: RegExp, model?: string): Promise<void> {
  const options = { format: "bitbrains", input: INPUT, cuts: write(cuts) };
  try {
    await predict(model === undefined ? options : { ...options, model });
  } catch (error) {
    assert.match(String(error), pattern);
    return;
  }
  assert.unreachable(`accepted ${cuts}`);
}

test("bad cuts and weights are named with file, field, got and expected", async () => {
  await fails("{}", /the cuts are no list; got \{\}, expected a JSON list/);
  await fails("[1]", /field \[0\]: a cut is no object; got 1/);
  await fails('[{"at":1,"outageMinutes":-1}]', /field \[0\]\.outageMinutes.*got -1/);
  await fails('[{"at":1,"outageMinutes":0},{"at":"x","outageMinutes":0}]', /\[1\]\.at.*got "x"/);
  await fails('[{"at":1}]', /\[0\]\.outageMinutes.*got undefined, expected a number/);
  await fails("[", /the cuts are no JSON/);
  await fails("[]", /check failed/, write("no weights at all"));
});

test("exit codes: 2 for bad usage, 1 for a bad input, with an object on standard error", async () => {
  const usage = await runReprise(["predict", "--format", "bitbrains", "--input", INPUT]);
  assert.is(usage.code, 2);
  assert.match(usage.stderr, /--cuts/);
  const format = await runReprise(["predict", "--format", "csv", "--input", INPUT, "--cuts", "x"]);
  assert.is(format.code, 2);
  const cuts = write("[]");
  const broken = write(linesOf("rnd_1.csv.gz").slice(0, 5).join("\n").replace("87.8", "many"));
  const words = ["predict", "--format", "bitbrains", "--input", broken, "--cuts", cuts, "--json"];
  const failed = await runReprise(words);
  assert.is(failed.code, 1);
  assert.is(failed.stdout, "");
  assert.is(JSON.parse(failed.stderr).error.code, "ERR_TRACE_FORMAT");
});

test.run();
