/** From YAML text and the environment to a checked configuration. */
import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject } from "ajv";
import { LineCounter, parseDocument } from "yaml";
import { checkedPolicy } from "../../coordinator/policy.js";
import { RepriseError } from "../../lib/errors.js";
import { checkHostRules } from "../../sources/host/rules.js";
import { type ServiceConfig, ServiceConfigSchema } from "./schema.js";

const BYTES_MAX = 16 * 1024 * 1024;
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

export interface ConfigOrigin {
  readonly file: string;
  readonly environment: Environment;
}

/** @throws ERR_CONFIG */
export function parseConfig(text: string, origin: ConfigOrigin): ServiceConfig {
  const { file, environment } = origin;
  const raw = { ...parseYaml(text, file) };
  override(raw, environment);
  // A validator holds the first error's state, so each check has its own.
  const ajv = new Ajv({ useDefaults: true, allErrors: false, strict: true });
  const check = ajv.compile<ServiceConfig>(ServiceConfigSchema);
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
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    const message = error.message.split("\n")[0] ?? "not YAML";
    throw new RepriseError("ERR_CONFIG", message, { file, line });
  }
  // Aliases are limited by the parser, so a small file cannot become a huge tree.
  const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new RepriseError("ERR_CONFIG", "the configuration is no mapping", { file, got: value });
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
