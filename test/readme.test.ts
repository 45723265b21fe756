import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createProgram } from "../host/cli/program.js";
import { ROOT } from "./support/source-files.js";

const readme = readFileSync(`${ROOT}README.md`, "utf8");

/** Fenced blocks of one language. */
function blocks(language: string): string[] {
  const fenced = readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"));
  return [...fenced].map((match) => match[1] as string);
}

// Inside the package its own name leads to its own exports, as in a program that installed it.
const folder = `${ROOT}build/readme`;
mkdirSync(folder, { recursive: true });
test.after(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string) {
  writeFileSync(`${folder}/example.mjs`, script);
  const done = spawnSync(process.execPath, [`${folder}/example.mjs`], { encoding: "utf8" });
  assert.is(done.stderr, "");
  return done;
}

test("the library example runs as it stands and decides", () => {
  const done = run(blocks("js")[0] ?? "");
  assert.is(done.status, 0);
  const cores = Number(/^([\d.]+) cores after a restart$/m.exec(done.stdout)?.[1]);
  assert.ok(cores >= 0.5 && cores <= 8, `an instance that used 1.2 cores needs ${cores}`);
  assert.match(done.stdout, /^proceed \[\]/m);
  assert.match(done.stdout, /^node-1 \[/m);
});

test("with the ledger of the comment, what the README says of a crash holds", () => {
  const [example = "", takeUp = ""] = blocks("js");
  const onDisk = example.replace(
    /new reprise\.MemoryLedger\(\); \/\/ (.*) on disk/,
    `$1; const kill = () => process.kill(process.pid, "SIGKILL");`,
  );
  assert.match(onDisk, /= await reprise\.openLmdbLedger/);
  const start = `const folder = ${JSON.stringify(`${folder}/ledger`)};\n`;
  const killed = run(start + onDisk.replace("await coordinator.stopped", "kill(); $&"));
  assert.is(killed.signal, "SIGKILL");
  assert.match(killed.stdout, /^proceed \[\]/m);

  const [parts = ""] = onDisk.split("// Cores, GiB");
  const web1 = /^const web1 = .*$/m.exec(example)?.[0] ?? "";
  const [, after = ""] = onDisk.split(/^console\.log\(decision.*$/m);
  const later = "clock.advanceTo(clock.nowMs() + 4 * 3_600_000);\n";
  const done = run([start, parts, later, web1, takeUp, after].join("\n"));
  assert.is(done.status, 0);
  assert.match(done.stdout, /^node-1 \[/m);
});

test("reprise/core opens the core for an embedder", () => {
  const script = `
    const { ArenaPlan, compileBinary, openKernel } = await import("reprise/core");
    const plan = new ArenaPlan(1024);
    plan.region("mine", 256);
    const kernel = openKernel(compileBinary("release"), plan.createMemory(false));
    console.log(kernel.abiVersion(), kernel.gruPackedBytes(16, 32) > 0);`;
  const words = ["--input-type=module", "--eval", script];
  const done = spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" });
  assert.is(done.stderr, "");
  assert.is(done.stdout, "1 true\n");
});

test("the quick start is two commands", () => {
  assert.equal(blocks("sh")[0], "npm ci && npm start\n");
});

test("every command of the README exists, and every command is in the README", () => {
  const named = [...readme.matchAll(/^ {4}npx reprise ([\w-]+)/gm)].map((match) => match[1]);
  const known = createProgram(false).commands.map((command) => command.name());
  assert.equal(named.sort(), known.sort());
});

test("the README is short", () => {
  assert.ok(readme.split("\n").length <= 200);
});

test.run();
