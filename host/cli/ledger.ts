import { Command } from "commander";
import {
  backupLedger,
  checkLedger,
  compactLedger,
  type LedgerSummary,
  restoreLedger,
} from "../ledger/copies.js";
import { printJson, printLine } from "./output.js";

interface Flags {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ reprise ledger check data/ledger               while the service runs, or not
  $ reprise ledger check data/ledger --json        the same for machines
  $ reprise ledger backup data/ledger backups/mon  one moment of it, while the service runs
  $ reprise ledger restore backups/mon data/ledger once the old folder has been moved away
  $ reprise ledger compact data/ledger             after the service was stopped`;

export function ledgerCommand(): Command {
  const ledger = new Command("ledger")
    .description("checks, copies and restores the durable record of reprise serve")
    .addHelpText("after", EXAMPLES);
  add("check <FOLDER>", "reads every record and checks its seal", checkLedger);
  add("backup <FOLDER> <TARGET>", "copies one moment of it into a new folder", backupLedger);
  add("restore <BACKUP> <FOLDER>", "makes a backup the ledger of a new folder", restoreLedger);
  add("compact <FOLDER>", "writes it anew without holes; its service stops", compactLedger);
  return ledger;

  function add(
    usage: string,
    description: string,
    task: (first: string, second: string) => Promise<LedgerSummary>,
  ): void {
    ledger
      .command(usage)
      .description(description)
      .option("--json", "print what it holds as JSON")
      .action(async (...given: unknown[]) => {
        const [first = "", second = ""] = given.filter((each) => typeof each === "string");
        const flags = given.find(isFlags) ?? {};
        const summary = await task(first, second);
        if (flags.json === true) printJson(summary);
        else printLine(textOf(summary));
      });
  }
}

function isFlags(value: unknown): value is Flags {
  return typeof value === "object" && value !== null && !(value instanceof Command);
}

function textOf({ folder, bytes, counts }: LedgerSummary): string {
  const records = Object.entries(counts).map(([table, count]) => `${count} ${table}`);
  return `${folder}: sound, ${bytes} bytes; ${records.join(", ")}`;
}
