/** A path pattern: `*` and `?` within a name, `**` for any number of names. */

/** Each `*`, `?` run or `**` is a group, so that a name can be made of what matched. */
export function globPattern(glob: string): RegExp {
  const source = segmentsOf(glob)
    .map((segment, index) => {
      const slash = index === 0 ? "" : "/";
      return segment === "**" ? `(?:${slash}(.*))?` : slash + segmentSource(segment);
    })
    .join("");
  return new RegExp(`^${source.replace(/^\(\?:\(\.\*\)\)\?\//, "(?:(.*)/)?")}$`);
}

export function segmentPattern(segment: string): RegExp {
  return new RegExp(`^${segmentSource(segment)}$`);
}

export function segmentsOf(glob: string): readonly string[] {
  return glob.split("/").filter((segment) => segment !== "");
}

function segmentSource(segment: string): string {
  return segment
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "([^/]*)")
    .replace(/\?/g, "([^/])");
}

/** `$0` is the whole path, `$1` what the first wildcard took. */
export function fillTemplate(template: string, match: readonly (string | undefined)[]): string {
  return template.replace(/\$(\d)/g, (_, index: string) => match[Number(index)] ?? "");
}
