import { Command, CommanderError } from "commander";
import { isRepriseError } from "../lib/errors.js";
import type { Environment } from "../service/config/load.js";
import { auditCommand } from "./audit.js";
import { configCommand } from "./config.js";
import { evaluateCommand } from "./evaluate.js";
import { explainCommand } from "./explain.js";
import { fineTuneCommand } from "./fine-tune.js";
import { ledgerCommand } from "./ledger.js";
import { errorJson, printNote } from "./output.js";
import { planCommand } from "./plan.js";
import { predictCommand } from "./predict.js";
import { replayCommand } from "./replay.js";
import { CommandExit, runCommand } from "./run.js";
import { serveCommand } from "./serve.js";
import { topCommand } from "./top.js";
import { trainCommand } from "./train.js";
import { readPackageVersion, versionCommand } from "./version.js";

/** Exit codes, stable: scripts test them. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const EXAMPLES = `
Examples:
  $ reprise replay                   the bundled sample: real machines, a real spot market
  $ reprise replay --json            the same report for machines
  $ reprise predict --format bitbrains --input 1.csv --cuts cuts.json --json
  $ reprise version

Exit codes: 0 done, 1 failed, 2 bad usage. With --json an error is an object on standard error.`;

function commands(environment: Environment): Command[] {
  return [
    serveCommand(environment),
    topCommand(environment),
    configCommand(environment),
    auditCommand(),
    ledgerCommand(),
    replayCommand(),
    trainCommand(),
    fineTuneCommand(),
    evaluateCommand(),
    predictCommand(),
    explainCommand(),
    planCommand(environment),
    runCommand(),
    versionCommand(),
  ];
}

/** @param json whether errors are written for machines */
export function createProgram(json: boolean, environment: Environment = {}): Command {
  const program = new Command("reprise")
    .description(
      "Predicts what an interruptible instance will need right after a restart, keeps that room " +
        "ready, and picks whom to interrupt so that the least is lost.",
    )
    .version(readPackageVersion(), "-V, --version", "print the package's version")
    .showHelpAfterError(json ? false : "(add --help for the options and examples)")
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureOutput({
      // Without --json commander's own text is kept; with it the caught error is printed once.
      outputError: (text, write) => {
        if (!json) write(text);
      },
    });
  for (const command of commands(environment)) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

/**
 * Runs one command line and returns its exit code; never throws.
 *
 * @param words the arguments after the program's name
 */
export async function runCommandLine(
  words: readonly string[],
  environment: Environment = {},
): Promise<number> {
  const json = words.includes("--json");
  try {
    await createProgram(json, environment).parseAsync([...words], { from: "user" });
    return EXIT_OK;
  } catch (error) {
    return reportError(error, json);
  }
}

function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommandExit) return error.exitCode;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_OK;
    if (json) {
      printNote(errorJson({ error: { code: "ERR_USAGE", message: plainMessage(error.message) } }));
    }
    return EXIT_USAGE;
  }
  const { code, message, details } = describe(error);
  if (json) printNote(errorJson({ error: { code, message, ...details } }));
  else printNote(`error ${code}: ${message}`);
  return EXIT_FAILED;
}

function describe(error: unknown): { code: string; message: string; details: object } {
  if (isRepriseError(error)) {
    return { code: error.code, message: error.message, details: error.context };
  }
  const system = error as { code?: unknown; message?: unknown; stack?: unknown };
  if (typeof system?.code === "string" && typeof system.message === "string") {
    return { code: system.code, message: system.message, details: {} };
  }
  // Nobody throws this on purpose, so the stack is what a bug report needs.
  const message = typeof system?.stack === "string" ? system.stack : String(error);
  return { code: "ERR_INTERNAL", message, details: {} };
}

/** Commander writes `error: ` in front of its messages. */
function plainMessage(message: string): string {
  return message.replace(/^error: /, "");
}
