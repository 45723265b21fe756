/**
 * The durable ledger: one folder with one LMDB file.
 *
 * Goals: after `commit` returns, its changes survive `kill -9` (and, by default, a power cut);
 * before it returns, none are seen. A folder that is not a sound ledger is refused untouched. One
 * writer: whoever opened last writes, an older one is fenced off.
 *
 * Non-goals: many writers, queries beyond key ranges.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import type { Database, RootDatabase } from "lmdb";
import { checkObject } from "../lib/assert.js";
import { RepriseError } from "../lib/errors.js";
import { requireDiskRoom } from "./disk-room.js";
import { canonicalJson, keyBytes } from "./encoding.js";
import { nestedGroup, synchronous } from "./group.js";
import type { LedgerRange, LedgerTable, LedgerTables } from "./ledger.js";
import { LEDGER_TABLES, type Ledger, type LedgerChange } from "./ledger.js";
import { inspectFile } from "./lmdb-format.js";
import { DATA_FILE, openStore, openTable, openTables, readRecord } from "./lmdb-store.js";
import { migrateLedger } from "./migration.js";
import { controlName, isReadable, LEDGER_SCHEMA, LEDGER_SCHEMA_MIN, schemaOf } from "./schema.js";
import { sealed } from "./seal.js";

/** A new store is made in here and moved out when whole, so that no half-made store is ever seen. */
const CREATING_FOLDER = "creating";
const WRITER_KEY = Buffer.from("writer");
const DURABILITIES: ReadonlySet<string> = new Set(["power-cut", "process-crash"]);
const INSPECTIONS_MAX = 5;

export interface LmdbLedgerOptions {
  readonly folder: string;
  /** Reads beside a living writer; `commit` is refused. */
  readonly readOnly?: boolean;
  /**
   * `power-cut` (default) waits for the disk at every commit. `process-crash` leaves the flushing
   * to the operating system: it survives `kill -9`, not a power cut (0.03 ms a commit, not 0.45).
   */
  readonly durability?: "power-cut" | "process-crash";
}

/**
 * @throws ERR_ARGUMENT; ERR_LEDGER_FOREIGN when the folder belongs to something else or to another schema,
 *   ERR_LEDGER when it is damaged or cannot be used; the folder is then as it was
 */
export async function openLmdbLedger(options: LmdbLedgerOptions): Promise<Ledger> {
  checkOptions(options);
  const { folder, readOnly = false } = options;
  const found = look(folder);
  if (found === "fresh") {
    if (readOnly) {
      throw new RepriseError("ERR_LEDGER", "there is no ledger here", { file: folder });
    }
    await create(folder);
  }
  const schema = check(folder, readOnly ? "names" : "whole");
  if (readOnly) return new LmdbLedger(options, schema);
  if (schema < LEDGER_SCHEMA) await migrateLedger(folder, schema);
  return new LmdbLedger(options, LEDGER_SCHEMA);
}

function checkOptions(options: LmdbLedgerOptions): void {
  checkObject("options", options, "{ folder, readOnly?, durability? }");
  const { folder, readOnly = false, durability = "power-cut" } = options;
  const refuse = (field: string, got: unknown, expected: string): never => {
    throw new RepriseError("ERR_ARGUMENT", "the ledger cannot be opened", { field, got, expected });
  };
  if (typeof folder !== "string" || folder === "") refuse("folder", folder, "a path");
  if (typeof readOnly !== "boolean") refuse("readOnly", readOnly, "true or false");
  if (!DURABILITIES.has(durability)) {
    refuse("durability", durability, [...DURABILITIES].join(" or "));
  }
}

interface Store {
  readonly root: RootDatabase<string, Buffer>;
  /** With the writer's number. */
  readonly control: Database<string, Buffer>;
  readonly tables: ReadonlyMap<LedgerTable, Database<string, Buffer>>;
}

class LmdbLedger implements Ledger {
  readonly #open: () => Store;
  #store: Store;
  readonly #folder: string;
  readonly #writer: string | undefined;
  #group: "none" | "open" | "failed" = "none";
  #groupBytes = 0;
  #closed = false;

  constructor(options: LmdbLedgerOptions, schema: number) {
    const { folder, readOnly = false, durability = "power-cut" } = options;
    this.#folder = folder;
    this.#open = () => {
      const root = openStore(folder, { readOnly, noSync: durability === "process-crash" });
      return { root, tables: openTables(root), control: openTable(root, controlName(schema)) };
    };
    this.#store = this.#open();
    if (!readOnly) this.#writer = this.#nextWriter();
  }

  commit(changes: readonly LedgerChange[]): void {
    this.#requireWritable();
    const steps = changes.map((change) => ({
      table: this.#table(change.table),
      key: keyBytes(change.key),
      text: "put" in change ? sealed(canonicalJson(change.put)) : undefined,
    }));
    this.#requireRoom(steps.reduce((sum, { text }) => sum + (text?.length ?? 0), 0));
    const apply = (): void => {
      for (const { table, key, text } of steps) {
        if (text === undefined) table.removeSync(key);
        else table.putSync(key, text);
      }
    };
    if (this.#group === "none") this.#transact(apply);
    else this.#applyInGroup(apply);
  }

  group<T>(body: () => T): T {
    this.#requireWritable();
    if (this.#group !== "none") throw nestedGroup();
    this.#groupBytes = 0;
    const outcome: { error?: unknown } = {};
    this.#group = "open";
    try {
      return this.#transact(() => {
        try {
          const result = synchronous(body());
          if (this.#group === "failed") throw this.#failure(undefined);
          return result;
        } catch (error) {
          outcome.error = error;
          throw error;
        }
      });
    } catch (error) {
      throw "error" in outcome ? outcome.error : error;
    } finally {
      this.#group = "none";
    }
  }

  /** A step that failed half-way spoils the group, whether or not its caller minds. */
  #applyInGroup(apply: () => void): void {
    try {
      apply();
    } catch (error) {
      this.#group = "failed";
      throw this.#failure(error);
    }
  }

  #transact<T>(body: () => T): T {
    try {
      return this.#store.root.transactionSync(() => {
        this.#requireWriter();
        return body();
      });
    } catch (error) {
      throw error instanceof RepriseError ? error : this.#failure(error);
    }
  }

  #requireRoom(bytes: number): void {
    this.#groupBytes = this.#group === "none" ? bytes : this.#groupBytes + bytes;
    requireDiskRoom(this.#folder, this.#groupBytes);
  }

  #failure(cause: unknown): RepriseError {
    return new RepriseError("ERR_LEDGER", "commit failed", { file: this.#folder }, cause);
  }

  #requireWritable(): void {
    this.#requireOpen();
    if (this.#writer !== undefined) return;
    throw new RepriseError("ERR_STATE", "the ledger was opened for reading only");
  }

  get<T extends LedgerTable>(table: T, key: string): LedgerTables[T] | undefined {
    this.#requireOpen();
    const text = this.#table(table).get(keyBytes(key));
    return text === undefined ? undefined : (this.#read(table, key, text) as LedgerTables[T]);
  }

  *entries<T extends LedgerTable>(
    table: T,
    range: LedgerRange = {},
  ): Iterable<readonly [string, LedgerTables[T]]> {
    this.#requireOpen();
    const database = this.#table(table);
    const { from, limit, reverse = false } = range;
    // The library's own defaults leave out keys below byte 5, so the low end is always given.
    const lowest = Buffer.alloc(reverse ? 0 : 1);
    const found = database.getRange({
      reverse,
      ...(reverse ? { end: lowest } : {}),
      ...(from === undefined ? (reverse ? {} : { start: lowest }) : { start: keyBytes(from) }),
      ...(limit === undefined ? {} : { limit }),
    });
    for (const { key, value } of found) {
      const name = key.toString("utf8");
      yield [name, this.#read(table, name, value) as LedgerTables[T]];
    }
  }

  count(table: LedgerTable): number {
    this.#requireOpen();
    const statistics = this.#table(table).getStats() as { readonly entryCount: number };
    return statistics.entryCount;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#store.root.close();
  }

  async release(): Promise<void> {
    this.#requireOpen();
    this.#closed = true;
    await this.#store.root.close();
    this.#store = this.#open();
    this.#closed = false;
  }

  #requireOpen(): void {
    if (this.#closed) throw new RepriseError("ERR_STATE", "the ledger is closed");
  }

  #requireWriter(): void {
    const writer = this.#store.control.get(WRITER_KEY);
    if (writer !== this.#writer) {
      throw new RepriseError("ERR_FENCED", "another writer has taken this ledger over", {
        file: this.#folder,
        got: this.#writer,
        expected: `writer ${writer ?? "unknown"}`,
      });
    }
  }

  #table(table: LedgerTable): Database<string, Buffer> {
    const database = this.#store.tables.get(table);
    if (database === undefined) {
      throw new RepriseError("ERR_LEDGER", "unknown table", {
        got: table,
        expected: LEDGER_TABLES.join(", "),
      });
    }
    return database;
  }

  #nextWriter(): string {
    return this.#store.root.transactionSync(() => {
      const next = String(Number(this.#store.control.get(WRITER_KEY) ?? "0") + 1);
      this.#store.control.putSync(WRITER_KEY, next);
      return next;
    });
  }

  #read(table: LedgerTable, key: string, text: string): unknown {
    return readRecord(text, { folder: this.#folder, table, key });
  }
}

/** Whether the folder holds a store or may be given one. Reads only. */
function look(folder: string): "store" | "fresh" {
  if (!existsSync(folder)) return "fresh";
  if (!statSync(folder).isDirectory()) {
    throw foreign(folder, "a ledger is a folder, this is not one");
  }
  const names = readdirSync(folder);
  if (names.includes(DATA_FILE)) return "store";
  // `lost+found` is in every freshly mounted volume.
  const strangers = names.filter((name) => name !== CREATING_FOLDER && name !== "lost+found");
  if (strangers.length > 0) throw foreign(folder, `it holds ${strangers.sort().join(", ")}`);
  return "fresh";
}

async function create(folder: string): Promise<void> {
  const creating = join(folder, CREATING_FOLDER);
  try {
    rmSync(creating, { recursive: true, force: true });
    mkdirSync(creating, { recursive: true });
    const root = openStore(creating, { readOnly: false, noSync: false });
    openTable(root, controlName(LEDGER_SCHEMA));
    openTables(root);
    await root.close();
    renameSync(join(creating, DATA_FILE), join(folder, DATA_FILE));
    flushFolder(folder);
    rmSync(creating, { recursive: true, force: true });
  } catch (error) {
    if (error instanceof RepriseError) throw error;
    throw new RepriseError("ERR_LEDGER", "the ledger cannot be made", { file: folder }, error);
  }
}

/** @returns its schema */
function check(folder: string, depth: "names" | "whole"): number {
  const file = join(folder, DATA_FILE);
  // A living writer may reuse pages while they are read, so a bad finding is looked at again.
  for (let attempt = 1; ; attempt++) {
    const descriptor = openSync(file, "r");
    const finding = inspectFile(descriptor, depth);
    closeSync(descriptor);
    if (finding.kind === "good") {
      return ourSchema(file, finding.databases);
    }
    if (attempt < INSPECTIONS_MAX) continue;
    if (finding.kind === "foreign") throw foreign(file, finding.text);
    throw new RepriseError("ERR_LEDGER", `the ledger is damaged: ${finding.text}`, { file });
  }
}

function ourSchema(file: string, databases: readonly string[]): number {
  const schema = schemaOf(databases);
  if (schema === undefined) throw foreign(file, "an LMDB store of another program");
  if (isReadable(schema)) return Number(schema);
  throw new RepriseError("ERR_LEDGER_FOREIGN", "a ledger of another schema", {
    file,
    got: schema,
    expected: `schema ${LEDGER_SCHEMA_MIN} to ${LEDGER_SCHEMA}`,
  });
}

function foreign(file: string, text: string): RepriseError {
  return new RepriseError("ERR_LEDGER_FOREIGN", `not a ledger: ${text}`, { file });
}

/** A rename is durable once its folder is flushed; not every system lets a folder be opened. */
function flushFolder(folder: string): void {
  if (platform() === "win32") return;
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
