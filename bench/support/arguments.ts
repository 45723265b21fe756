export interface BenchArguments {
  readonly smoke: boolean;
  readonly json: boolean;
  readonly jsonFile: string | undefined;
  readonly filter: string;
  readonly rounds: number;
  /** What is no option, for bench/run.ts: names of bench files. */
  readonly names: readonly string[];
}

const ROUNDS_DEFAULT = 9;

/** `--json` takes a file if one follows, so it cannot be left to node:util's parser. */
export function parseBenchArguments(words: readonly string[]): BenchArguments {
  const names: string[] = [];
  let [smoke, json, filter, rounds] = [false, false, "", ROUNDS_DEFAULT];
  let jsonFile: string | undefined;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const next = words[index + 1];
    if (word === "--smoke") smoke = true;
    else if (word === "--json") {
      json = true;
      if (next?.endsWith(".json")) jsonFile = words[++index];
    } else if (word === "--filter" && next !== undefined) filter = words[++index] as string;
    else if (word === "--rounds" && Number(next) >= 1) rounds = Number(words[++index]);
    else if (word.startsWith("-")) throw new Error(`unknown or incomplete option ${word}`);
    else names.push(word);
  }
  return { smoke, json, jsonFile, filter, rounds, names };
}
