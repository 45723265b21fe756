import { Command } from "commander";
import { type Environment, loadConfig } from "../service/config/load.js";
import { Service } from "../service/serve.js";
import { printJson, printLine, printNote } from "./output.js";
import { readPackageVersion } from "./version.js";

interface ServeFlags {
  readonly config?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ reprise serve                           on loopback, nothing durable, says and does not act
  $ reprise serve --config reprise.yaml     as the file says
  $ REPRISE_LISTEN__PORT=9000 reprise serve overrides one key

SIGHUP reads the file again; SIGINT and SIGTERM end it once what is under way is done.`;

export function serveCommand(environment: Environment): Command {
  return new Command("serve")
    .description("runs the service: HTTP API, metrics, events")
    .option("--config <FILE>", "YAML; see reprise config --help")
    .option("--json", "print the address as JSON")
    .addHelpText("after", EXAMPLES)
    .action((flags: ServeFlags) => serve(flags, environment));
}

async function serve(flags: ServeFlags, environment: Environment): Promise<void> {
  const config = loadConfig(flags.config, environment);
  const service = await Service.open({ config, version: readPackageVersion() });
  if (flags.json === true) printJson({ address: service.address });
  else printLine(`reprise serves at ${service.address}, the API is described at /docs`);
  const reload = (): void => {
    try {
      service.reload(loadConfig(flags.config, environment));
    } catch (error) {
      service.metrics.configValid.set(0);
      service.log.error({ err: error }, "the configuration was not taken up");
    }
  };
  process.on("SIGHUP", reload);
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      printNote("ending: what is under way is finished first");
      service.close().then(resolve, reject);
    };
    process.once("SIGINT", end);
    process.once("SIGTERM", end);
  });
  process.off("SIGHUP", reload);
}
