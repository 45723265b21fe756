/**
 * Runs the compiled uvu files, each in a process of its own, two at a time.
 *
 *   node .ci/test.mjs [--slow] [--filter TEXT] [--no-coverage] [--folder DIR] [--seconds N]
 *
 * A file fails when it exits non-zero, takes too long, or does not report exactly the tests it
 * registered: uvu itself passes a file that forgot `.run()` and swallows an error in a hook.
 * The ordinary run also fails when the host's line coverage is too low. The last line is always
 * `N passed, N failed`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { reportCoverage } from "./coverage.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = "build/js/test";
const PARALLEL_COUNT = 2;
const FILE_LIMIT_MS = 120_000;
const SLOW_FILE_LIMIT_MS = 1_200_000;
/** A whole run that finds fewer has lost some: they moved, or a file no longer registers them. */
const TESTS_MIN = 500;
/** Started first, so that no long one is left over at the end. */
const LONG_FILES = ["sim/coordinator", "allocator/model", "summary/features", "train/trainer"];

const { values: options } = parseArgs({
  options: {
    slow: { type: "boolean", default: false },
    filter: { type: "string", default: "" },
    "no-coverage": { type: "boolean", default: false },
    folder: { type: "string", default: FOLDER },
    seconds: { type: "string", default: "" },
  },
});
const limitMs =
  options.seconds !== ""
    ? Number(options.seconds) * 1000
    : options.slow
      ? SLOW_FILE_LIMIT_MS
      : FILE_LIMIT_MS;
const isWhole = !options.slow && options.filter === "" && options.folder === FOLDER;
const wantsCoverage = isWhole && !options["no-coverage"];
const rawFolder = `${root}build/coverage/raw`;

function findFiles() {
  const folder = resolve(root, options.folder);
  return readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".test.js"))
    .filter((name) => name.endsWith(".slow.test.js") === options.slow)
    .filter((name) => name.includes(options.filter))
    .sort()
    .sort((left, right) => rankOf(left) - rankOf(right))
    .map((name) => ({ name: name.replace(/\.js$/, ""), path: `${folder}/${name}` }));
}

const rankOf = (name) => (LONG_FILES.some((long) => name.startsWith(long)) ? 0 : 1);

/** Reads uvu's totals. A file ends with one block of them. */
function readTotals(output) {
  const totals = [...output.matchAll(/^ {2}(Total|Passed|Skipped): +(\d+)$/gm)];
  const sum = (label) =>
    totals.filter((match) => match[1] === label).reduce((all, match) => all + Number(match[2]), 0);
  return { total: sum("Total"), passed: sum("Passed"), skipped: sum("Skipped") };
}

/** Says why a finished file counts as failed, or nothing. */
function complain({ code, signal, timedOut, total, passed }) {
  if (timedOut) return `took longer than ${limitMs / 1000} s`;
  if (signal !== null) return `ended by ${signal}`;
  if (total === 0) return "registered no test (is .run() missing?)";
  if (passed !== total) return `${total - passed} of ${total} failed`;
  if (code !== 0) return `exit code ${code}`;
  return "";
}

function runFile(file) {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" };
  delete env.NODE_V8_COVERAGE;
  if (wantsCoverage) env.NODE_V8_COVERAGE = rawFolder;
  const startedMs = performance.now();
  return new Promise((finish) => {
    const child = spawn(process.execPath, ["--enable-source-maps", file.path], {
      cwd: root,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const plain = stripVTControlCharacters(output);
      const totals = readTotals(plain);
      const seconds = (performance.now() - startedMs) / 1000;
      const complaint = complain({ code, signal, timedOut, ...totals });
      finish({ file, output: plain, seconds, complaint, ...totals });
    });
  });
}

function printResult(result, index, fileCount) {
  const counter = `[${String(index).padStart(String(fileCount).length)}/${fileCount}]`;
  const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
  const verdict = result.complaint === "" ? "ok  " : "FAIL";
  const counts = `${result.passed}/${result.total}${skipped}`;
  console.log(
    `${counter} ${verdict} ${result.file.name}  ${counts}  ${result.seconds.toFixed(1)} s`,
  );
  if (result.complaint === "") return;
  console.log(`----- ${result.file.name}: ${result.complaint}`);
  console.log(result.output.trimEnd());
  console.log(`----- end of ${result.file.name}`);
}

async function runAll(files) {
  const results = [];
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file);
      results.push(result);
      printResult(result, results.length, files.length);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_COUNT }, worker));
  return results;
}

async function main() {
  const files = findFiles();
  if (wantsCoverage) {
    rmSync(`${root}build/coverage`, { recursive: true, force: true });
    mkdirSync(rawFolder, { recursive: true });
  }
  const startedMs = performance.now();
  const results = await runAll(files);
  let passed = results.reduce((sum, result) => sum + result.passed, 0);
  let failed = results.reduce(
    (sum, result) =>
      sum + (result.complaint === "" ? 0 : Math.max(1, result.total - result.passed)),
    0,
  );
  if (files.length === 0) {
    console.log("no test file found; run npm run build first, or check --filter");
    failed += 1;
  }
  const total = results.reduce((sum, result) => sum + result.total, 0);
  if (isWhole && total < TESTS_MIN) {
    console.log(`only ${total} tests were found, ${TESTS_MIN} at least are expected`);
    failed += 1;
  }
  if (wantsCoverage && files.length > 0) {
    const enough = reportCoverage(root, rawFolder);
    if (enough) passed += 1;
    else failed += 1;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const failures = results.filter((result) => result.complaint !== "");
  for (const { file, complaint } of failures) console.log(`failed: ${file.name}: ${complaint}`);
  console.log(`${files.length} files in ${seconds.toFixed(1)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
