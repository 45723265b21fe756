/** Runs a child process that prints a line after each durable step, and kills it at random. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sleep } from "../../host/lib/clock.js";
import type { Prng } from "../../host/lib/prng.js";

export interface KilledRun {
  /** Whole lines that reached us; a line cut by the kill was not acknowledged. */
  readonly lines: readonly string[];
  readonly errors: string;
  /** False when the child ended by itself before the kill. */
  readonly killed: boolean;
}

/** Longer than a child takes from its start to its first step. */
const START_UP_MS_MAX = 250;

/**
 * Starts `script` (a compiled test module) and sends SIGKILL after a random number of lines and a
 * moment more; after no line at all it may die at any point of its start-up. Resolves when the child
 * is gone and its pipe is drained.
 */
export async function runAndKill(
  script: URL,
  args: readonly string[],
  options: { readonly prng: Prng; readonly linesMin?: number; readonly linesMax: number },
): Promise<KilledRun> {
  const { prng, linesMin = 0, linesMax } = options;
  const killAfter = linesMin + prng.below(linesMax - linesMin + 1);
  const extraMs = prng.uniform() * 2;
  const startUpMs = prng.uniform() * START_UP_MS_MAX;
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  let killing = false;
  const kill = (afterMs: number): void => {
    killing = true;
    void sleep(afterMs).then(() => child.kill("SIGKILL"));
  };
  if (killAfter === 0) kill(startUpMs);
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
    if (killing || output.split("\n").length - 1 < killAfter) return;
    kill(extraMs);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString("utf8");
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_code, ended) => resolve(ended));
  });
  const lines = output.split("\n");
  lines.pop();
  return { lines, errors, killed: signal === "SIGKILL" };
}
