#!/usr/bin/env node
/** The command line's entry. */
import { EXIT_OK, runCommandLine } from "./cli/program.js";

// Whoever reads our output may stop reading: `reprise predict ... | head` is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_OK);
    throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
