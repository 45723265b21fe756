/** From YAML text and the environment to a checked configuration. */
import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { type Document, LineCounter, parseDocument } from "yaml";
import { checkedPolicy } from "../../coordinator/policy.js";
import { RepriseError } from "../../lib/errors.js";
import { checkHostRules } from "../../sources/host/rules.js";
import { type ServiceConfig, ServiceConfigSchema } from "./schema.js";

/** A node is a line of about 100 bytes; a file that is all errors costs 50 us each. */
const BYTES_MAX = 4 * 1024 * 1024;
/** `REPRISE_LISTEN__PORT=0` overrides `listen.port`. */
const PREFIX = "REPRISE_";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param file none = the defaults, with what the environment overrides
 * @throws ERR_CONFIG naming file, field, got and expected
 */
export function loadConfig(file: string | undefined, environment: Environment): ServiceConfig {
  const text = file === undefined ? "" : readText(file);
  return parseConfig(text, { file: file ?? "defaults", environment });
}

let compiled: ValidateFunction<ServiceConfig> | undefined;

/** Compiled when it is first needed; its `errors` are those of the last check. */
function validator(): ValidateFunction<ServiceConfig> {
  const options = { useDefaults: true, allErrors: false, strict: true } as const;
  compiled ??= new Ajv(options).compile<ServiceConfig>(ServiceConfigSchema);
  return compiled;
}

export interface ConfigOrigin {
  readonly file: string;
  readonly environment: Environment;
}

/** @throws ERR_CONFIG */
export function parseConfig(text: string, origin: ConfigOrigin): ServiceConfig {
  const { file, environment } = origin;
  const raw = { ...parseYaml(text, file) };
  override(raw, environment);
  const check = validator();
  const candidate: unknown = raw;
  if (!check(candidate)) throw refusal(check.errors ?? [], file);
  const config = candidate;
  checkedPolicy(config.coordinator.policy);
  checkNodes(config, file);
  if (config.host.rules.length > 0) checkHostRules(config.host.rules);
  checkOpenness(config, file);
  return config;
}

function readText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new RepriseError("ERR_CONFIG", "the configuration cannot be read", { file }, cause);
  }
  if (text.length <= BYTES_MAX) return text;
  throw new RepriseError("ERR_CONFIG", "the configuration is too large", {
    file,
    got: text.length,
    expected: `at most ${BYTES_MAX} characters`,
  });
}

function parseYaml(text: string, file: string): Record<string, unknown> {
  const lines = new LineCounter();
  // Pretty errors cost the square of their number: 70 kB of commas took 20 s.
  const options = { lineCounter: lines, prettyErrors: false, logLevel: "error" } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new RepriseError("ERR_CONFIG", error.message, { file, line });
  }
  const value = treeOf(document, file) ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new RepriseError("ERR_CONFIG", "the configuration is no mapping", { file, got: value });
}

/** Aliases are limited, so that a small file cannot become a huge tree. */
function treeOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const details = { file, expected: "few aliases, each to an anchor before it" };
    throw new RepriseError("ERR_CONFIG", "the configuration cannot be unfolded", details, cause);
  }
}

function override(raw: Record<string, unknown>, environment: Environment): void {
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const path = name.slice(PREFIX.length).split("__");
    const keys = path.map(camelCase);
    if (!isKnown(keys)) continue;
    let room = raw;
    for (const key of keys.slice(0, -1)) {
      const inner = room[key];
      const next = isMapping(inner) ? { ...inner } : {};
      room[key] = next;
      room = next;
    }
    room[keys.at(-1) ?? ""] = scalar(text);
  }
}

/** LISTEN -> listen, TICK_SECONDS -> tickSeconds. */
function camelCase(word: string): string {
  return word.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Variables of other tools may begin alike; only known keys count. */
function isKnown(keys: readonly string[]): boolean {
  let rooms: Readonly<Record<string, unknown>> = ServiceConfigSchema.properties;
  for (const key of keys) {
    if (!Object.hasOwn(rooms, key)) return false;
    const inner = rooms[key] as { readonly properties?: Readonly<Record<string, unknown>> };
    rooms = inner.properties ?? {};
  }
  return true;
}

function scalar(text: string): unknown {
  const value: unknown = parseDocument(text).toJS();
  return isMapping(value) || Array.isArray(value) ? text : value;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refusal(errors: readonly ErrorObject[], file: string): RepriseError {
  const [error] = errors;
  const path = (error?.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
  const extra = error?.params as { additionalProperty?: string; missingProperty?: string };
  const key = extra?.additionalProperty ?? extra?.missingProperty;
  const field = [path, key].filter((part) => part !== undefined && part !== "").join(".");
  const message =
    extra?.additionalProperty === undefined
      ? `the value ${error?.message ?? "is wrong"}`
      : "no such key";
  return new RepriseError("ERR_CONFIG", message, { file, field });
}

function checkNodes({ nodes }: ServiceConfig, file: string): void {
  const seen = new Set<string>();
  for (const { nodeId } of nodes) {
    if (seen.has(nodeId)) {
      const details = { file, field: "nodes", got: nodeId, expected: "each node once" };
      throw new RepriseError("ERR_CONFIG", "the node is named twice", details);
    }
    seen.add(nodeId);
  }
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** A door without a lock may only open onto this machine. */
function checkOpenness({ listen, auth, tls }: ServiceConfig, file: string): void {
  if (LOOPBACK.test(listen.host) || auth.tokensFile !== null) return;
  if (tls?.clientCaFile !== undefined) return;
  throw new RepriseError("ERR_CONFIG", "other machines could reach this without a token", {
    file,
    field: "listen.host",
    got: listen.host,
    expected: "a loopback address, or auth.tokensFile, or tls.clientCaFile",
  });
}
