interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note: string;
  readonly href?: string;
}

/** One number that says how it goes. */
export function Tile({ label, value, note, href }: TileProps) {
  return (
    <div class="tile">
      <p class="tile-label">{href === undefined ? label : <a href={href}>{label}</a>}</p>
      <p class="tile-value">{value}</p>
      <p class="tile-note">{note}</p>
    </div>
  );
}
