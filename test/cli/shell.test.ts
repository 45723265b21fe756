import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createProgram } from "../../host/cli/program.js";
import { MAIN_FILE, runReprise } from "../support/command-line.js";

const packageFile = new URL("../../../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };

/** Every command, from the program itself, so that a new one is tested without being listed. */
const commandNames = createProgram(false).commands.map((command) => command.name());

test("there are commands", () => {
  assert.ok(commandNames.includes("version"));
});

for (const name of commandNames) {
  test(`${name} --help exits 0 and shows examples`, async () => {
    const { code, stdout, stderr } = await runReprise([name, "--help"]);
    assert.is(code, 0);
    assert.is(stderr, "");
    assert.match(stdout, new RegExp(`Usage: reprise ${name}`));
    assert.match(stdout, new RegExp(`Examples?:[^]*\\$ reprise ${name}`));
    assert.match(stdout, /--json/);
  });

  test(`${name} refuses an unknown option with exit code 2`, async () => {
    const { code, stdout, stderr } = await runReprise([name, "--no-such-option"]);
    assert.is(code, 2);
    assert.is(stdout, "");
    // A command with a required option asks for that first.
    assert.match(stderr, /unknown option '--no-such-option'|required option '--\w+/);
  });
}

test("--help names every command and the exit codes", async () => {
  const { code, stdout } = await runReprise(["--help"]);
  assert.is(code, 0);
  for (const name of commandNames) assert.match(stdout, new RegExp(`^  ${name}`, "m"));
  assert.match(stdout, /Examples:/);
  assert.match(stdout, /0 done, 1 failed, 2 bad usage/);
});

test("--version prints the package's version alone", async () => {
  const { code, stdout } = await runReprise(["--version"]);
  assert.is(code, 0);
  assert.is(stdout, `${version}\n`);
});

test("no command is bad usage and shows the help", async () => {
  const { code, stdout, stderr } = await runReprise([]);
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(stderr, /Usage: reprise/);
});

test("an unknown command is bad usage", async () => {
  const { code, stderr } = await runReprise(["interupt"]);
  assert.is(code, 2);
  assert.match(stderr, /unknown command 'interupt'/);
});

test("with --json bad usage is one object on standard error", async () => {
  const { code, stdout, stderr } = await runReprise(["version", "--json", "--no-such-option"]);
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.equal(JSON.parse(stderr), {
    error: { code: "ERR_USAGE", message: "unknown option '--no-such-option'" },
  });
});

test("surplus arguments are bad usage", async () => {
  const { code, stderr } = await runReprise(["version", "surplus"]);
  assert.is(code, 2);
  assert.match(stderr, /too many arguments/);
});

test("a reader that closes the pipe early is no failure", async () => {
  const child = spawn(process.execPath, [MAIN_FILE, "version"], { stdio: "pipe" });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(stderr, "");
  assert.is(code, 0);
});

test.run();
