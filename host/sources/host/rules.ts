import { RepriseError } from "../../lib/errors.js";
import type { ResourceAmounts } from "../sample.js";

/** Who the instances of a rule are; the fields of a registration that no file of the kernel knows. */
interface RuleIdentity {
  /** Name of the rule; the group of its instances when `groupId` is absent. */
  readonly name: string;
  readonly groupId?: string;
  readonly jobType?: string;
  /** Default 0. */
  readonly priority?: number;
  /** Default true. */
  readonly interruptible?: boolean;
  /** Hard caps; read from `cpu.max` and `memory.max` when absent. */
  readonly limits?: ResourceAmounts;
  readonly requested?: ResourceAmounts;
  readonly typicalOutageMinutes?: number;
}

/** Every cgroup v2 group whose path below the root matches. */
export interface CgroupRule extends RuleIdentity {
  readonly kind: "cgroup";
  /** Pattern of the path, as `system.slice/*.service`; `**` takes any number of names. */
  readonly path: string;
  /**
   * Job identity: `$0` the path, `$1` what the first wildcard took. A fixed name joins groups whose
   * path is new each time (`run-r*.scope`) to one job. Default `$0`.
   */
  readonly instance?: string;
}

/** Every process that matches and has no matching ancestor, with its descendants. */
export interface TreeRule extends RuleIdentity {
  readonly kind: "tree";
  /** Regular expression, found anywhere in the command line. */
  readonly command?: string;
  /** Name or number. */
  readonly user?: string | number;
  /** Job identity; `$1` what the expression's first group took. Default: the rule's name. */
  readonly instance?: string;
}

/** What `reprise run` started: one record a file in a folder. */
export interface ManagedRule {
  readonly kind: "managed";
  readonly folder: string;
}

export type HostRule = CgroupRule | TreeRule | ManagedRule;

const PATTERN_CHARACTERS_MAX = 500;
const RULES_MAX = 1_000;

/** @throws ERR_CONFIG naming the rule and the field */
export function checkHostRules(rules: readonly HostRule[]): void {
  if (!Array.isArray(rules) || rules.length === 0 || rules.length > RULES_MAX) {
    refuse("rules", Array.isArray(rules) ? rules.length : rules, `1 to ${RULES_MAX} rules`);
  }
  rules.forEach((rule: HostRule, index) => {
    checkRule(rule, `rules[${index}]`);
  });
}

function checkRule(rule: HostRule, field: string): void {
  if (typeof rule !== "object" || rule === null) refuse(field, rule, "a rule");
  switch (rule.kind) {
    case "managed":
      checkText(`${field}.folder`, rule.folder);
      return;
    case "cgroup":
      checkIdentity(rule, field);
      checkText(`${field}.path`, rule.path);
      if (rule.path.split("/").includes("..")) refuse(`${field}.path`, rule.path, "no ..");
      return;
    case "tree":
      checkIdentity(rule, field);
      checkTree(rule, field);
      return;
    default:
      refuse(`${field}.kind`, (rule as { kind?: unknown }).kind, "cgroup, tree or managed");
  }
}

function checkTree(rule: TreeRule, field: string): void {
  if (rule.command === undefined && rule.user === undefined) {
    refuse(field, "neither command nor user", "at least one of them");
  }
  if (rule.command !== undefined) {
    checkText(`${field}.command`, rule.command);
    try {
      new RegExp(rule.command);
    } catch {
      refuse(`${field}.command`, rule.command, "a regular expression");
    }
  }
  const { user } = rule;
  if (user === undefined || typeof user === "string") return;
  if (!Number.isSafeInteger(user) || user < 0) refuse(`${field}.user`, user, "a name or number");
}

function checkIdentity(rule: RuleIdentity & { readonly instance?: string }, field: string): void {
  checkText(`${field}.name`, rule.name);
  for (const key of ["groupId", "jobType", "instance"] as const) {
    if (rule[key] !== undefined) checkText(`${field}.${key}`, rule[key]);
  }
  const { priority, interruptible } = rule;
  if (priority !== undefined && !Number.isFinite(priority)) {
    refuse(`${field}.priority`, priority, "a finite number");
  }
  if (interruptible !== undefined && typeof interruptible !== "boolean") {
    refuse(`${field}.interruptible`, interruptible, "true or false");
  }
}

function checkText(field: string, text: unknown): void {
  if (typeof text === "string" && text !== "" && text.length <= PATTERN_CHARACTERS_MAX) return;
  refuse(field, text, `a text of 1 to ${PATTERN_CHARACTERS_MAX} characters`);
}

function refuse(field: string, got: unknown, expected: string): never {
  throw new RepriseError("ERR_CONFIG", "the rule cannot be used", { field, got, expected });
}
