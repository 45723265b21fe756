import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sleep } from "../../host/lib/clock.js";

/** The compiled entry, from build/js/test/support. */
export const MAIN_FILE = fileURLToPath(new URL("../../host/main.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line in a process of its own. */
export function runReprise(words: readonly string[], input = ""): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN_FILE, ...words], { stdio: "pipe" });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

/**
 * Runs the command line and sends it SIGKILL a moment after its standard error matches. Resolves to
 * the signal that ended it, null when it ended by itself before.
 */
export function killWhen(
  words: readonly string[],
  pattern: RegExp,
  afterMs = 0,
): Promise<NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN_FILE, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let notes = "";
    let killing = false;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      notes += text;
      if (killing || !pattern.test(notes)) return;
      killing = true;
      void sleep(afterMs).then(() => child.kill("SIGKILL"));
    });
    child.on("error", reject);
    child.on("close", (_code, signal) => resolve(signal));
  });
}
