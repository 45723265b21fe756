/** Who is registered, in the ledger, so that a restarted service knows everybody again. */
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type { InstanceRegistration } from "../sources/sample.js";

const PREFIX = "registration/";

export function registrationChange(registration: InstanceRegistration): LedgerChange {
  const key = `${PREFIX}${registration.instanceId}`;
  return { table: "meta", key, put: JSON.stringify(registration) };
}

export function removeRegistration(ledger: Ledger, instanceId: string): void {
  ledger.commit([{ table: "meta", key: `${PREFIX}${instanceId}`, remove: true }]);
}

export function* readRegistrations(ledger: Ledger): Iterable<InstanceRegistration> {
  for (const [key, text] of ledger.entries("meta", { from: PREFIX })) {
    if (!key.startsWith(PREFIX)) return;
    yield JSON.parse(String(text)) as InstanceRegistration;
  }
}
