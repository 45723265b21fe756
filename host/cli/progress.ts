import { SingleBar } from "cli-progress";
import { printNote } from "./output.js";

/** One bar a stage on the standard error, if that is a terminal; else only notes. */
export class Progress {
  readonly #shown: boolean;
  #bar: SingleBar | undefined;

  constructor(shown: boolean) {
    this.#shown = shown;
  }

  stage(name: string): (done: number, total: number, loss?: number) => void {
    return (done, total, loss) => {
      if (!this.#shown) return;
      if (this.#bar === undefined) {
        this.#bar = new SingleBar({
          format: `${name} [{bar}] {value}/{total}{loss}, {eta_formatted} left`,
          hideCursor: true,
        });
        this.#bar.start(total, 0, { loss: "" });
      }
      this.#bar.update(done, { loss: loss === undefined ? "" : `, loss ${loss.toFixed(4)}` });
      if (done === total) this.end();
    };
  }

  note(text: string): void {
    if (this.#shown) process.stderr.write("\r\u001b[K");
    printNote(text);
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
