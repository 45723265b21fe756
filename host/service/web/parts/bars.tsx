import type { Resource } from "../../../core/abi.js";
import { amount, UNITS } from "../format.js";
import type { Pool } from "../wire.js";

interface PoolBarProps {
  readonly pool: Pool;
  readonly resource: Resource;
  readonly phase: number;
}

/** Allocated, reserved and free of one resource as parts of one bar, with its words beside. */
export function PoolBar({ pool, resource, phase }: PoolBarProps) {
  const whole = pool.allocatable[resource];
  const allocated = pool.allocated[resource];
  const reserved = pool.reserved[resource][phase] ?? 0;
  const free = pool.headroom[resource][phase] ?? 0;
  const width = (part: number): number => (whole > 0 ? Math.max(0, (part / whole) * 100) : 0);
  const text = `${amount(free)} free of ${amount(whole)} ${UNITS[resource]}`;
  const spoken = `${text}, ${amount(allocated)} allocated, ${amount(reserved)} reserved`;
  return (
    <div class={free < 0 ? "bar over" : "bar"}>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={spoken}>
        <rect class="free" width="100" height="8" />
        <rect class="allocated" width={width(allocated)} height="8" />
        <rect class="reserved" x={width(allocated)} width={width(reserved)} height="8" />
      </svg>
      <span aria-hidden="true">{text}</span>
    </div>
  );
}

/** A share between 0 and 1 as a thin bar behind its number. */
export function Meter({ share, tone }: { readonly share: number; readonly tone: string }) {
  return (
    <svg class={`meter ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="free" width="100" height="6" />
      <rect class="part" width={Math.min(100, Math.max(0, share * 100))} height="6" />
    </svg>
  );
}
