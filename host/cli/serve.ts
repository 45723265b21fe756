import { Command, InvalidArgumentError } from "commander";
import { type Environment, loadConfig } from "../service/config/load.js";
import type { ServiceConfig } from "../service/config/schema.js";
import { FileWatch } from "../service/config/watch.js";
import { DemoCluster } from "../service/demo/demo-cluster.js";
import { Service } from "../service/serve.js";
import { printJson, printLine, printNote } from "./output.js";
import { readPackageVersion } from "./version.js";

interface ServeFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly demo?: boolean;
  readonly speed: number;
}

const DEMO_SEED = 1;
const SPEED_MAX = 10_000;

const EXAMPLES = `
Examples:
  $ reprise serve                           on loopback, nothing durable, says and does not act
  $ reprise serve --config reprise.yaml     as the file says
  $ reprise serve --demo                    a week of real machines, played fast, to look at
  $ REPRISE_LISTEN__PORT=9000 reprise serve overrides one key

SIGHUP or a change reads the file and the tokens again.
SIGINT and SIGTERM end it once what is under way is done.`;

export function serveCommand(environment: Environment): Command {
  return new Command("serve")
    .description("runs the service: HTTP API, metrics, events")
    .option("--config <FILE>", "YAML; see reprise config --help")
    .option("--demo", "a virtual cluster: the bundled traces, played through the service")
    .option("--speed <N>", "minutes of the demo's life in one second", positive, 10)
    .option("--json", "print the address as JSON")
    .addHelpText("after", EXAMPLES)
    .action((flags: ServeFlags) => serve(flags, environment));
}

async function serve(flags: ServeFlags, environment: Environment): Promise<void> {
  const given = loadConfig(flags.config, environment);
  const demo =
    flags.demo === true
      ? await DemoCluster.open({ seed: DEMO_SEED, minutesPerSecond: flags.speed })
      : undefined;
  const config = demo === undefined ? given : demoConfig(given, demo);
  const version = readPackageVersion();
  const service = await Service.open({ config, version, ...(demo === undefined ? {} : { demo }) });
  if (flags.json === true) printJson({ address: service.address });
  else {
    printLine(`Dashboard  ${service.address}/`);
    printLine(`API        ${service.address}/docs`);
    printLine("Ctrl-C ends it.");
  }
  const reload = async (): Promise<void> => {
    try {
      await service.reload(loadConfig(flags.config, environment));
    } catch (error) {
      service.metrics.configValid.set(0);
      service.log.error({ err: error }, "the configuration was not taken up");
    }
  };
  const watch = watchFiles(flags.config, config, reload);
  process.on("SIGHUP", reload);
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      printNote("ending: what is under way is finished first");
      Promise.all([watch?.close(), service.close()]).then(() => resolve(), reject);
    };
    process.once("SIGINT", end);
    process.once("SIGTERM", end);
  });
  process.off("SIGHUP", reload);
}

/** Undefined when there is nothing to watch or nobody wants it. */
function watchFiles(
  file: string | undefined,
  { auth, reload }: ServiceConfig,
  onChange: () => Promise<void>,
): FileWatch | undefined {
  const files = [file, auth.tokensFile].filter((each) => typeof each === "string");
  if (files.length === 0 || reload.watchSeconds === 0) return undefined;
  return new FileWatch(files, reload.watchSeconds * 1_000, onChange);
}

/** The demo's machines are its own, and what is decided is carried out on them. */
function demoConfig(config: ServiceConfig, demo: DemoCluster): ServiceConfig {
  return {
    ...config,
    nodes: [],
    ledger: { ...config.ledger, folder: null },
    profiler: { ...config.profiler, instancesMax: demo.instanceCount },
    modes: { default: "enforce", groups: {} },
  };
}

function positive(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= SPEED_MAX) return value;
  throw new InvalidArgumentError(`a number above 0 and up to ${SPEED_MAX} is expected.`);
}
