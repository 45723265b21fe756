import { RESOURCES } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { InstanceRegistration, ResourceAmounts } from "../sources/sample.js";

/** Has no bytes of its own in UTF-8, so two such names would be one key. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const PLAIN = /^[!-~]+$/;
const DAY_S = 86_400;
const RESOURCE_NAMES: ReadonlySet<string> = new Set(RESOURCES);

/** @throws ERR_ARGUMENT, ERR_LIMIT naming the field */
export function checkRegistration(registration: InstanceRegistration): void {
  if (typeof registration !== "object" || registration === null) {
    refuse("registration", registration, "an instance's registration");
  }
  checkId("instanceId", registration.instanceId);
  checkId("groupId", registration.groupId);
  checkId("nodeId", registration.nodeId);
  if (registration.ownerId !== undefined) checkId("ownerId", registration.ownerId);
  if (registration.jobType !== undefined) checkId("jobType", registration.jobType);
  if (!Number.isFinite(registration.priority)) {
    refuse("priority", registration.priority, "a finite number");
  }
  if (typeof registration.interruptible !== "boolean") {
    refuse("interruptible", registration.interruptible, "true or false");
  }
  checkAmounts("limits", registration.limits);
  checkAmounts("requested", registration.requested);
  const { typicalOutageMinutes } = registration;
  if (typicalOutageMinutes !== undefined) {
    checkOutage("typicalOutageMinutes", typicalOutageMinutes);
  }
  for (const field of ["stopSeconds", "checkpointSeconds"] as const) {
    const seconds = registration[field];
    if (seconds === undefined || (Number.isFinite(seconds) && seconds >= 0 && seconds <= DAY_S)) {
      continue;
    }
    refuse(field, seconds, `seconds from 0 to ${DAY_S}`);
  }
}

/** @throws ERR_ARGUMENT when it is no outage in minutes */
export function checkOutage(field: string, minutes: number): void {
  if (typeof minutes === "number" && minutes >= 0 && minutes <= LIMITS.outageMinutesMax) return;
  refuse(field, minutes, `minutes from 0 to ${LIMITS.outageMinutesMax}`);
}

/** Whether `checkId` lets it pass. */
export function isName(id: string): boolean {
  // Most names, at a fifth of the cost of the questions below.
  if (id.length <= LIMITS.idBytesMax && PLAIN.test(id)) return true;
  const isText = id !== "" && !id.includes("\0") && !LONE_SURROGATE.test(id);
  return isText && Buffer.byteLength(id) <= LIMITS.idBytesMax;
}

/** A name that can be a key of the ledger. @throws ERR_ARGUMENT, ERR_LIMIT */
export function checkId(field: string, id: unknown): asserts id is string {
  if (typeof id === "string" && isName(id)) return;
  if (typeof id !== "string" || id === "") refuse(field, id, "a name");
  if (id.includes("\0") || LONE_SURROGATE.test(id)) {
    refuse(field, id, "a name of Unicode text without NUL");
  }
  const bytes = Buffer.byteLength(id);
  if (bytes <= LIMITS.idBytesMax) return;
  throw new RepriseError("ERR_LIMIT", "the name is too long", {
    field,
    got: bytes,
    expected: `at most ${LIMITS.idBytesMax} bytes`,
  });
}

function checkAmounts(field: string, amounts: ResourceAmounts | undefined): void {
  if (amounts === undefined) return;
  if (typeof amounts !== "object" || amounts === null || Array.isArray(amounts)) {
    refuse(field, amounts, `amounts by name: ${RESOURCES.join(", ")}`);
  }
  for (const name of Object.keys(amounts)) {
    // A misspelt limit would be no limit.
    if (!RESOURCE_NAMES.has(name)) refuse(`${field}.${name}`, name, RESOURCES.join(", "));
  }
  for (const resource of RESOURCES) {
    const value = amounts[resource];
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    refuse(`${field}.${resource}`, value, "an amount from 0, or nothing");
  }
}

function refuse(field: string, got: unknown, expected: string): never {
  throw new RepriseError("ERR_ARGUMENT", "the value cannot be used", { field, got, expected });
}
