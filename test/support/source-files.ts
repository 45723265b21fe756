import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's folder, from build/js/test/support. */
export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

export interface SourceFile {
  /** From the repository's folder, with slashes: "host/lib/clock.ts". */
  readonly path: string;
  readonly text: string;
  /** `text` with comments and the insides of strings blanked; same length, same lines. */
  readonly code: string;
}

const SKIPPED_FOLDERS = new Set(["node_modules", "build", "coverage"]);

/** All files below a folder, by path; generated folders and installed packages left out. */
export function listFiles(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(`${ROOT}${folder}`, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name)) files.push(...listFiles(path));
    } else files.push(path);
  }
  return files.sort();
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(`${ROOT}${path}`, "utf8");
  return { path, text, code: blank(text) };
}

/** The TypeScript files below folders. */
export function readSources(...folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap(listFiles)
    .filter((path) => /\.tsx?$/.test(path))
    .map(readSource);
}

/** Modules that a file names in import and export lines, type imports too. */
export function importsOf(file: SourceFile): string[] {
  const found = file.text.matchAll(
    /^(?:import|export)\b[^;"']*?from\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...found].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

/**
 * Blanks comments, strings, templates and regular expressions. A template's `${}` parts are
 * blanked with it, which is enough for looking for words in code.
 */
export function blank(text: string): string {
  const comment = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/;
  const quoted = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/;
  // A slash starts an expression only where no operand stands before it.
  const expression =
    /(?<=[=(,:[!&|?{};+\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
  const pattern = new RegExp(`${comment.source}|${quoted.source}|${expression.source}`, "g");
  return text.replace(pattern, (found) => found.replace(/[^\n]/g, " "));
}
