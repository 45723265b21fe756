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
      const state = verifyAudit(readFileSync(file), file);
      if (flags.json === true) return printJson(state);
      const { count, head, tornBytes } = state;
      printLine(`${file}: ${count} lines, whole; the last one's hash is ${head}`);
      if (tornBytes === 0) return;
      printLine(
        `Behind it are ${tornBytes} bytes of a line that was cut short or is being written;`,
      );
      printLine("the service takes them off when it starts.");
    });
  return audit;
}
