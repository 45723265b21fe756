import { RESOURCES } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { InstanceRegistration, ResourceAmounts } from "../sources/sample.js";

/** @throws ERR_ARGUMENT, ERR_LIMIT naming the field */
export function checkRegistration(registration: InstanceRegistration): void {
  checkId("instanceId", registration.instanceId);
  checkId("groupId", registration.groupId);
  checkId("nodeId", registration.nodeId);
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
}

/** @throws ERR_ARGUMENT when it is no outage in minutes */
export function checkOutage(field: string, minutes: number): void {
  if (typeof minutes === "number" && minutes >= 0 && minutes <= LIMITS.outageMinutesMax) return;
  refuse(field, minutes, `minutes from 0 to ${LIMITS.outageMinutesMax}`);
}

function checkId(field: string, id: unknown): void {
  if (typeof id !== "string" || id === "") refuse(field, id, "a name");
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
  for (const resource of RESOURCES) {
    const value = amounts[resource];
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    refuse(`${field}.${resource}`, value, "an amount from 0, or nothing");
  }
}

function refuse(field: string, got: unknown, expected: string): never {
  throw new RepriseError("ERR_ARGUMENT", "the registration cannot be used", {
    field,
    got,
    expected,
  });
}
