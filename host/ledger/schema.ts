/** Which schema a ledger has: the name of one of its tables ends with it. */
import { LEDGER_TABLES } from "./ledger.js";

/** Rises when the tables or records change in a way that an older reader would misread. */
export const LEDGER_SCHEMA = 2;
/** The oldest that is taken up. */
export const LEDGER_SCHEMA_MIN = 1;

const CONTROL_PREFIX = "reprise-ledger-";

/** The table with the writer's number. */
export function controlName(schema: number): string {
  return `${CONTROL_PREFIX}${schema}`;
}

/** The schema as text by the names of all tables; undefined when it is no ledger at all. */
export function schemaOf(names: readonly string[]): string | undefined {
  const control = names.find((name) => name.startsWith(CONTROL_PREFIX));
  if (control === undefined) return undefined;
  const schema = control.slice(CONTROL_PREFIX.length);
  // Of a schema that is not known here nothing else is.
  if (!isReadable(schema)) return schema;
  const expected = [...LEDGER_TABLES, control].sort();
  return [...names].sort().join() === expected.join() ? schema : undefined;
}

export function isReadable(schema: string): boolean {
  const number = /^[1-9]\d{0,8}$/.test(schema) ? Number(schema) : 0;
  return number >= LEDGER_SCHEMA_MIN && number <= LEDGER_SCHEMA;
}
