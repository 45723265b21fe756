/**
 * Looks at an LMDB file without opening it. The library maps the file and trusts every offset in
 * it, so a damaged or foreign file must be found out before: this reads the snapshot's pages with
 * plain reads, checks that each is what its parent says, and writes nothing.
 *
 * Format: LMDB data version 2 (64-bit, little-endian) as written by the `lmdb` package:
 * `MDB_page`, `MDB_meta`, `MDB_db` and `MDB_node` of liblmdb's mdb.c.
 */
import { fstatSync, readSync } from "node:fs";

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const HEADER_BYTES = 24;
const META_BYTES = 144;
const DATABASE_BYTES = 48;
const NODE_HEADER_BYTES = 8;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;
const STRETCH_BYTES = 32_768;
const DEPTH_MAX = 32;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

const PAGE_BRANCH = 0x01;
const PAGE_LEAF = 0x02;
const PAGE_OVERFLOW = 0x04;
const PAGE_META = 0x08;
const PAGE_KIND = 0x0f;
const NODE_BIG_DATA = 0x01;
const NODE_SUB_DATABASE = 0x02;

/** What is wrong with the file, or what it holds. */
export type FileFinding =
  | { readonly kind: "foreign"; readonly text: string }
  | { readonly kind: "damaged"; readonly text: string }
  | { readonly kind: "good"; readonly databases: readonly string[]; readonly transaction: bigint };

/**
 * @param depth `names` reads the list of databases only; `whole` walks every tree of the snapshot
 */
export function inspectFile(descriptor: number, depth: "names" | "whole"): FileFinding {
  try {
    return new Inspection(descriptor).run(depth);
  } catch (error) {
    if (error instanceof Found) return error.finding;
    throw error;
  }
}

/** Carries a finding out of the depth of a walk; never leaves this file. */
class Found extends Error {
  readonly finding: FileFinding;

  constructor(kind: "foreign" | "damaged", text: string) {
    super(text);
    this.finding = { kind, text };
  }
}

interface Database {
  readonly name: string;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly entries: number;
  readonly root: bigint;
}

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  readonly free: Database;
  readonly main: Database;
}

class Inspection {
  readonly #descriptor: number;
  readonly #fileBytes: number;
  readonly #seen = new Set<number>();
  #stretch: Buffer = Buffer.alloc(0);
  #stretchOffset = 0;
  #meta: Meta | undefined;
  #counts = { branch: 0, leaf: 0, entries: 0 };
  readonly #named: Database[] = [];

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#fileBytes = fstatSync(descriptor).size;
  }

  run(depth: "names" | "whole"): FileFinding {
    const meta = this.#readMeta();
    this.#meta = meta;
    this.#walk(meta.main, true);
    if (depth === "whole") {
      this.#walk(meta.free, false);
      for (const database of [...this.#named]) this.#walk(database, false);
    }
    const databases = this.#named.map((database) => database.name).sort();
    return { kind: "good", databases, transaction: meta.transaction };
  }

  #readMeta(): Meta {
    if (this.#fileBytes < PAGE_BYTES_MIN) throw new Found("foreign", "the file is too short");
    const first = this.#meta0(0);
    const second = this.#meta0(first.pageBytes);
    const latest = second.transaction > first.transaction ? second : first;
    if (latest.lastPage < 1) throw damaged("the last page is before the first");
    return latest;
  }

  #meta0(offset: number): Meta {
    const bytes = this.#read(offset, META_BYTES + HEADER_BYTES);
    const version = bytes.readUInt32LE(HEADER_BYTES + 4);
    if (bytes.readUInt32LE(HEADER_BYTES) !== MAGIC || (flagsOf(bytes) & PAGE_META) === 0) {
      throw new Found("foreign", "no LMDB magic number");
    }
    if ((version & 0xffff) !== DATA_VERSION) {
      throw new Found("foreign", `LMDB data version ${version}, expected ${DATA_VERSION}`);
    }
    const pageBytes = bytes.readUInt32LE(HEADER_BYTES + 24);
    if (pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX || pageBytes % 512 !== 0) {
      throw damaged(`a page size of ${pageBytes}`);
    }
    const main = HEADER_BYTES + 24 + DATABASE_BYTES;
    return {
      pageBytes,
      lastPage: Number(bytes.readBigUInt64LE(main + DATABASE_BYTES)),
      transaction: bytes.readBigUInt64LE(main + DATABASE_BYTES + 8),
      free: readDatabase(bytes, HEADER_BYTES + 24, "free pages"),
      main: readDatabase(bytes, main, "list of databases"),
    };
  }

  #walk(database: Database, collect: boolean): void {
    if (database.root === NO_PAGE) {
      if (database.entries !== 0) throw damaged(`${database.name}: entries without a tree`);
      return;
    }
    if (database.depth < 1 || database.depth > DEPTH_MAX) {
      throw damaged(`${database.name}: a depth of ${database.depth}`);
    }
    this.#counts = { branch: 0, leaf: 0, entries: 0 };
    this.#visit(Number(database.root), database.depth, collect);
    const { branch, leaf, entries } = this.#counts;
    if (
      branch !== database.branchPages ||
      leaf !== database.leafPages ||
      entries !== database.entries
    ) {
      throw damaged(`${database.name}: pages or entries do not add up`);
    }
  }

  #visit(pageNumber: number, levels: number, collect: boolean): void {
    const page = this.#page(pageNumber);
    const kind = flagsOf(page) & PAGE_KIND;
    if (kind !== (levels === 1 ? PAGE_LEAF : PAGE_BRANCH)) {
      throw damaged(`page ${pageNumber} is of the wrong kind`);
    }
    // The two bounds of a page's free room count from the end of its header.
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    if (lower % 2 !== 0 || lower > upper || upper > page.length - HEADER_BYTES) {
      throw damaged(`page ${pageNumber} has broken bounds`);
    }
    const count = lower / 2;
    if (kind === PAGE_LEAF) {
      this.#counts.leaf += 1;
      this.#counts.entries += count;
    } else {
      this.#counts.branch += 1;
    }
    for (let index = 0; index < count; index++) {
      const offset = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + index * 2);
      if (offset < HEADER_BYTES + upper || offset + NODE_HEADER_BYTES > page.length) {
        throw damaged(`page ${pageNumber} points outside itself`);
      }
      if (kind === PAGE_LEAF) this.#leafNode(page, offset, collect);
      else this.#visit(childOf(page, offset), levels - 1, collect);
    }
  }

  #leafNode(page: Buffer, offset: number, collect: boolean): void {
    const dataBytes = page.readUInt32LE(offset);
    const flags = page.readUInt16LE(offset + 4);
    const keyBytes = page.readUInt16LE(offset + 6);
    const key = offset + NODE_HEADER_BYTES;
    const data = key + keyBytes;
    const big = (flags & NODE_BIG_DATA) !== 0;
    if (data + (big ? 8 : dataBytes) > page.length) throw damaged("a record leaves its page");
    if (big) this.#overflow(Number(page.readBigUInt64LE(data)), dataBytes);
    if (!collect) return;
    if ((flags & NODE_SUB_DATABASE) === 0 || dataBytes !== DATABASE_BYTES) {
      throw new Found("foreign", "records beside the named databases");
    }
    const name = page.toString("utf8", key, data).replaceAll("\0", "");
    this.#named.push(readDatabase(page, data, name));
  }

  #overflow(pageNumber: number, dataBytes: number): void {
    const page = this.#page(pageNumber);
    const pages = page.readUInt32LE(20);
    const needed = Math.ceil((dataBytes + HEADER_BYTES) / page.length);
    if ((flagsOf(page) & PAGE_KIND) !== PAGE_OVERFLOW || pages < needed) {
      throw damaged(`page ${pageNumber} is not the long record it should be`);
    }
    for (let next = pageNumber + 1; next < pageNumber + pages; next++) this.#claim(next);
  }

  #page(pageNumber: number): Buffer {
    this.#claim(pageNumber);
    const pageBytes = this.#meta?.pageBytes ?? 0;
    const page = this.#read(pageNumber * pageBytes, pageBytes);
    if (Number(page.readBigUInt64LE(0)) !== pageNumber) {
      throw damaged(`page ${pageNumber} carries another number`);
    }
    return page;
  }

  /** Every page belongs to one place. */
  #claim(pageNumber: number): void {
    if (pageNumber < 2 || pageNumber > (this.#meta?.lastPage ?? 0)) {
      throw damaged(`page ${pageNumber} is outside the file`);
    }
    if (this.#seen.has(pageNumber)) throw damaged(`page ${pageNumber} is used twice`);
    this.#seen.add(pageNumber);
  }

  /** Mostly from the stretch that was read last: a tree's pages lie near each other. */
  #read(offset: number, count: number): Buffer {
    const within = offset - this.#stretchOffset;
    if (within < 0 || within + count > this.#stretch.length) {
      this.#readStretch(offset, count);
      return this.#stretch.subarray(0, count);
    }
    return this.#stretch.subarray(within, within + count);
  }

  #readStretch(offset: number, count: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(count, STRETCH_BYTES));
    const got = readSync(this.#descriptor, bytes, 0, bytes.length, offset);
    if (got < count) throw damaged(`the file ends at byte ${this.#fileBytes}, inside its own data`);
    this.#stretch = bytes.subarray(0, got);
    this.#stretchOffset = offset;
  }
}

function damaged(text: string): Found {
  return new Found("damaged", text);
}

function flagsOf(page: Buffer): number {
  return page.readUInt16LE(18);
}

/** A branch node keeps its child's number in the three fields of a leaf's size and flags. */
function childOf(page: Buffer, offset: number): number {
  return page.readUInt32LE(offset) + page.readUInt16LE(offset + 4) * 0x1_0000_0000;
}

function readDatabase(bytes: Buffer, offset: number, name: string): Database {
  return {
    name,
    depth: bytes.readUInt16LE(offset + 6),
    branchPages: Number(bytes.readBigUInt64LE(offset + 8)),
    leafPages: Number(bytes.readBigUInt64LE(offset + 16)),
    entries: Number(bytes.readBigUInt64LE(offset + 32)),
    root: bytes.readBigUInt64LE(offset + 40),
  };
}
