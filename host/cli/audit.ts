import { readFileSync } from "node:fs";
import { Command } from "commander";
import { verifyAudit } from "../service/audit.js";
import { printJson, printLine } from "./output.js";

const EXAMPLES = `
Examples:
  $ reprise audit verify data/audit.jsonl
  $ reprise audit verify data/audit.jsonl --json   with the hash of the last line, to keep elsewhere`;

export function auditCommand(): Command {
  const audit = new Command("audit")
    .description("looks at the audit log of reprise serve")
    .addHelpText("after", EXAMPLES);
  audit
    .command("verify <FILE>")
    .description("checks that each line follows from the one before")
    .option("--json", "print count and last hash as JSON")
    .action((file: string, flags: { readonly json?: boolean }) => {
      const state = verifyAudit(readFileSync(file, "utf8"), file);
      if (flags.json === true) printJson(state);
      else printLine(`${file}: ${state.count} lines, whole; the last one's hash is ${state.head}`);
    });
  return audit;
}
