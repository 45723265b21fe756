import { Command } from "commander";
import { type Environment, loadConfig } from "../service/config/load.js";
import { ServiceConfigSchema } from "../service/config/schema.js";
import { printJson, printLine } from "./output.js";

const EXAMPLES = `
Examples:
  $ reprise config check reprise.yaml       fails with the key that is wrong
  $ reprise config check reprise.yaml --json  prints what would be in force
  $ reprise config schema > schema.json     for editors
  $ reprise config defaults                 every key with its value, the environment counted in`;

export function configCommand(environment: Environment): Command {
  const config = new Command("config")
    .description("looks at configuration files of reprise serve")
    .addHelpText("after", EXAMPLES);
  config
    .command("check <FILE>")
    .description("checks a file without starting anything")
    .option("--json", "print the whole configuration as it would be in force")
    .action((file: string, flags: { readonly json?: boolean }) => {
      const found = loadConfig(file, environment);
      if (flags.json === true) printJson(found);
      else printLine(`${file}: fine`);
    });
  config
    .command("schema")
    .description("prints the JSON Schema")
    .action(() => printLine(JSON.stringify(ServiceConfigSchema, null, 2)));
  config
    .command("defaults")
    .description("prints what is in force without a file")
    .action(() => printLine(JSON.stringify(loadConfig(undefined, environment), null, 2)));
  return config;
}
