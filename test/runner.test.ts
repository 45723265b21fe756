/** The runner itself: what uvu lets pass, it must not. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ROOT } from "./support/source-files.js";

const HEAD = 'import { test } from "uvu";\nimport * as assert from "uvu/assert";\n';
const PASSING = `${HEAD}test("one", () => assert.ok(true));\ntest("two", () => {});\ntest.run();\n`;

/** Below build/, so that the files find the packages. */
const test = suite("runner", { folder: "" });
test.before.each((state) => {
  mkdirSync(`${ROOT}build`, { recursive: true });
  state.folder = mkdtempSync(`${ROOT}build/runner-`);
});
test.after.each((state) => rmSync(state.folder, { recursive: true, force: true }));

function run(folder: string, files: Readonly<Record<string, string>>, words: string[] = []) {
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
  const script = `${ROOT}.ci/test.mjs`;
  const options = ["--no-coverage", "--folder", folder, ...words];
  const done = spawnSync(process.execPath, [script, ...options], { encoding: "utf8" });
  const lines = done.stdout.trimEnd().split("\n");
  return { code: done.status, stdout: done.stdout, last: lines.at(-1) };
}

test("counts what passed and exits with 0", ({ folder }) => {
  const { code, last } = run(folder, { "a.test.js": PASSING, "b.test.js": PASSING });
  assert.is(last, "4 passed, 0 failed");
  assert.is(code, 0);
});

test("a failing test is counted and printed whole", ({ folder }) => {
  const failing = `${HEAD}test("sums", () => assert.is(1 + 1, 3));\ntest("fine", () => {});\ntest.run();`;
  const { code, last, stdout } = run(folder, { "a.test.js": failing, "b.test.js": PASSING });
  assert.is(last, "3 passed, 1 failed");
  assert.is(code, 1);
  assert.match(stdout, /FAIL a\.test/);
  assert.match(stdout, /"sums"/);
});

test("a file that forgets run() fails, and so does an empty one", ({ folder }) => {
  const forgot = `${HEAD}test("never seen", () => {});`;
  const { code, last, stdout } = run(folder, { "a.test.js": forgot, "b.test.js": "" });
  assert.is(last, "0 passed, 2 failed");
  assert.is(code, 1);
  assert.match(stdout, /registered no test/);
});

test("an error in a hook, which uvu swallows, fails the file", ({ folder }) => {
  const hook = `${HEAD}test.before(() => { throw new Error("hook"); });\ntest("one", () => {});\ntest.run();`;
  const { code, last } = run(folder, { "a.test.js": hook });
  assert.is(last, "0 passed, 1 failed");
  assert.is(code, 1);
});

test("a crash before and after the tests fails the file", ({ folder }) => {
  const before = `throw new Error("on import");\n${PASSING}`;
  const after = `${PASSING}process.on("exit", () => { process.exitCode = 7; });\n`;
  const { code, stdout, last } = run(folder, { "a.test.js": before, "b.test.js": after });
  assert.is(code, 1);
  assert.is(last, "2 passed, 2 failed");
  assert.match(stdout, /failed: b\.test: exit code 7/);
});

test("a file that does not end is ended", ({ folder }) => {
  const endless = `${PASSING}setInterval(() => {}, 1000);\n`;
  const { code, last, stdout } = run(folder, { "a.test.js": endless }, ["--seconds", "2"]);
  assert.is(code, 1);
  assert.match(stdout, /took longer than 2 s/);
  assert.is(last, "2 passed, 1 failed");
});

test("slow files run when asked for, a filter picks files, no file is a failure", ({ folder }) => {
  const files = { "a.test.js": PASSING, "b.slow.test.js": PASSING };
  assert.is(run(folder, files).last, "2 passed, 0 failed");
  assert.match(run(folder, {}, ["--slow"]).stdout, /ok\s+b\.slow\.test/);
  assert.match(run(folder, {}, ["--filter", "a.te"]).stdout, /ok\s+a\.test/);
  const none = run(folder, {}, ["--filter", "nothing"]);
  assert.is(none.last, "0 passed, 1 failed");
  assert.is(none.code, 1);
});

test.run();
