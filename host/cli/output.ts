/** How commands speak: results on the standard output, everything else on standard error. */

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON document a line. */
export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * JSON of what went wrong: numbers that JSON has not (NaN, Infinity) are their names, because null
 * would name another value than the one that was refused.
 */
export function errorJson(value: unknown): string {
  return toJson(value, (part) =>
    typeof part === "number" && !Number.isFinite(part) ? String(part) : part,
  );
}

/** JSON that never throws on a big integer or a cycle, since it also prints what went wrong. */
export function toJson(value: unknown, replace = (part: unknown) => part): string {
  try {
    return JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "bigint" ? part.toString() : replace(part),
    );
  } catch {
    return JSON.stringify(String(value));
  }
}

/** Aligns columns by spaces; the first to the left, the others, which hold numbers, to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines
    .map((line) =>
      widths
        .map((width, column) => {
          const cell = line[column] ?? "";
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
