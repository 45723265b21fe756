import { readFileSync } from "node:fs";
import { Command } from "commander";
import { type AuditState, verifyAudit } from "../service/audit.js";
import { printJson, printLine } from "./output.js";

const EXAMPLES = `
Examples:
  $ reprise audit verify data/audit.jsonl
  $ reprise audit verify data/audit.jsonl --json   with the hash of the last line, to keep elsewhere
  $ reprise audit verify data/audit*.jsonl         closed files in their order, and the one in use`;

export function auditCommand(): Command {
  const audit = new Command("audit")
    .description("looks at the audit log of reprise serve")
    .addHelpText("after", EXAMPLES);
  audit
    .command("verify <FILE...>")
    .description("checks that each line follows from the one before, also over files")
    .option("--json", "print count and last hash as JSON")
    .action((files: readonly string[], flags: { readonly json?: boolean }) => {
      const { first, ...state } = verifyAll(files);
      if (flags.json === true) return printJson({ first, ...state });
      const { count, head, tornBytes } = state;
      const lines = first === 1 ? `${count} lines` : `lines ${first} to ${count}`;
      printLine(`${files.at(-1)}: ${lines}, whole; the last one's hash is ${head}`);
      if (tornBytes === 0) return;
      printLine(
        `Behind it are ${tornBytes} bytes of a line that was cut short or is being written;`,
      );
      printLine("the service takes them off when it starts.");
    });
  return audit;
}

/** @throws ERR_STATE when one does not follow from the one before */
function verifyAll(files: readonly string[]): AuditState {
  const states: AuditState[] = [];
  for (const file of files) states.push(verifyAudit(readFileSync(file), file, states.at(-1)));
  const [{ first } = { first: 1 }] = states;
  return { count: 0, head: "", tornBytes: 0, ...states.at(-1), first };
}
