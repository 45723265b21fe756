import type { ComponentChild } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

export interface Column<T> {
  readonly name: string;
  readonly title: string;
  /** Pixels, when there is no room to spare. */
  readonly width: number;
  readonly numeric?: boolean;
  /** What is sorted by, and shown unless there is a cell. */
  readonly key: (row: T) => string | number;
  readonly cell?: (row: T) => ComponentChild;
}

interface VirtualTableProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly sortedBy: { readonly name: string; readonly down: boolean };
}

const ROW_PX = 38;
/** Rows drawn above and below what can be seen. */
const AROUND = 6;

/** A table of any length: only the rows in sight are in the page, the others are counted. */
export function VirtualTable<T>(props: VirtualTableProps<T>) {
  const { label, rows, columns } = props;
  const [sort, setSort] = useState(props.sortedBy);
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  const { box, top, height } = useSight();
  const first = Math.max(0, Math.floor(top / ROW_PX) - AROUND);
  const count = Math.ceil(height / ROW_PX) + 2 * AROUND;
  const seen = sorted.slice(first, first + count);
  const below = Math.max(0, sorted.length - first - seen.length);
  return (
    <section class="virtual card" ref={box} aria-label={label} tabIndex={0}>
      <table aria-label={label} aria-rowcount={sorted.length + 1}>
        <colgroup>
          {columns.map(({ name, width }) => (
            <col key={name} style={{ width: `${width}px` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <HeadCell key={column.name} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap px={first * ROW_PX} />
          {seen.map((row, index) => (
            // A row that leaves at one end is used again at the other.
            <tr key={(first + index) % count} aria-rowindex={first + index + 2}>
              {columns.map((column) => (
                <td key={column.name} class={column.numeric === true ? "number" : ""}>
                  {column.cell === undefined ? column.key(row) : column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          <Gap px={below * ROW_PX} />
        </tbody>
      </table>
    </section>
  );
}

/** In place of the rows that are out of sight. */
function Gap({ px }: { readonly px: number }) {
  return px === 0 ? null : <tr class="gap" style={{ height: `${px}px` }} />;
}

/** What of a scrolled box is in sight. */
function useSight() {
  const box = useRef<HTMLElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const read = (): void => setSight({ top: element.scrollTop, height: element.clientHeight });
    const sizes = new ResizeObserver(read);
    sizes.observe(element);
    element.addEventListener("scroll", read, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", read);
    };
  }, []);
  return { box, ...sight };
}

interface Sort {
  readonly name: string;
  readonly down: boolean;
}

interface HeadCellProps<T> {
  readonly column: Column<T>;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

function HeadCell<T>({ column, sort, onSort }: HeadCellProps<T>) {
  const { name, title, numeric } = column;
  const isSorted = sort.name === name;
  const order = isSorted ? (sort.down ? "descending" : "ascending") : "none";
  const choose = (): void => onSort({ name, down: isSorted ? !sort.down : numeric === true });
  return (
    <th scope="col" aria-sort={order} class={numeric === true ? "number" : ""}>
      <button type="button" class="plain" onClick={choose}>
        {title}
        <span aria-hidden="true">{isSorted ? (sort.down ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function sortRows<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { name, down }: Sort,
): readonly T[] {
  const column = columns.find((each) => each.name === name);
  if (column === undefined) return rows;
  const sign = down ? -1 : 1;
  return rows
    .map((row) => ({ row, key: column.key(row) }))
    .sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0))
    .map(({ row }) => row);
}
