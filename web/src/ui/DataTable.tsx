// A table: sorts by its head, keeps numbers to the right, and draws only the rows that are seen.
import {
  type Column,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  sortFn_text,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { type ReactNode, useMemo, useRef } from 'react'
import * as format from '~/format/format'
import classes from './DataTable.module.css'
import type { CsvValue } from './csv'

export interface ColumnOf<R> {
  /** Of a column of buttons there is none. */
  title: string
  /** What it is sorted by, and what a file has. */
  of: (row: R) => CsvValue
  /** How it is shown; as it is where nothing is said. */
  show?: (row: R) => ReactNode
  isNumber?: boolean
  width?: number | string
}

interface Props<R> {
  columns: ColumnOf<R>[]
  rows: R[]
  label: string
  /** At most so high; what is more can be scrolled to. */
  height?: number | undefined
  onRow?: ((row: R) => void) | undefined
  isSortable?: boolean
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text, basic: sortFn_basic },
})

const ROW = 34
/** Fewer rows than these are all drawn. */
const FEW = 120

export const DataTable = <R,>({ columns, rows, label, height, onRow, isSortable = true }: Props<R>) => {
  const scroll = useRef<HTMLDivElement>(null)
  const defined = useMemo(() => {
    const helper = createColumnHelper<typeof features, { row: R }>()
    return columns.map(({ title, of }, index) =>
      helper.accessor(({ row }) => of(row) ?? undefined, {
        id: String(index),
        header: title,
        sortUndefined: 'last',
        sortDescFirst: columns[index]?.isNumber ?? false,
      }),
    )
  }, [columns])
  const data = useMemo(() => rows.map((row) => ({ row })), [rows])
  const table = useTable({ features, columns: defined as never, data, enableSorting: isSortable })
  const sorted = table.getRowModel().rows
  const isLong = sorted.length > FEW
  const virtual = useVirtualizer({
    count: isLong ? sorted.length : 0,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const seen = isLong ? items.map((item) => sorted[item.index]).filter((row) => row !== undefined) : sorted
  const above = isLong ? (items[0]?.start ?? 0) : 0
  const below = isLong ? virtual.getTotalSize() - (items.at(-1)?.end ?? 0) : 0
  return (
    <div
      ref={scroll}
      className={classes.scroll}
      style={{ maxHeight: height ?? (isLong ? 640 : undefined) }}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <table className={classes.table} aria-rowcount={sorted.length + 1}>
        <thead>
          <tr>
            {table.getHeaderGroups()[0]?.headers.map((header, index) => (
              <Head
                key={header.id}
                column={header.column as never}
                definition={columns[index]}
                isSortable={isSortable}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: above }} aria-hidden />}
          {seen.map((line) => {
            const { row } = line.original as { row: R }
            return (
              <tr
                key={line.id}
                onClick={onRow && (() => onRow(row))}
                onKeyDown={onRow && ((event) => event.key === 'Enter' && onRow(row))}
                tabIndex={onRow ? 0 : undefined}
                data-clickable={onRow ? true : undefined}
              >
                {columns.map((column, index) => (
                  <td key={index} className={column.isNumber ? 'num' : undefined}>
                    <Value row={row} column={column} />
                  </td>
                ))}
              </tr>
            )
          })}
          {below > 0 && <tr style={{ height: below }} aria-hidden />}
        </tbody>
      </table>
    </div>
  )
}

const Value = <R,>({ row, column }: { row: R; column: ColumnOf<R> }) => {
  if (column.show) return column.show(row)
  const value = column.of(row)
  if (value === null || value === undefined) return <span className="muted">{format.NOTHING}</span>
  return typeof value === 'number' && column.isNumber ? format.number(value) : String(value)
}

interface HeadProps<R> {
  column: Column<typeof features, { row: R }>
  definition: ColumnOf<R> | undefined
  isSortable: boolean
}

const Head = <R,>({ column, definition, isSortable }: HeadProps<R>) => {
  const order = isSortable ? column.getIsSorted() : false
  const Arrow = order === 'asc' ? IconArrowUp : IconArrowDown
  return (
    <th
      className={definition?.isNumber ? 'num' : undefined}
      style={{ width: definition?.width }}
      aria-sort={order === 'asc' ? 'ascending' : order === 'desc' ? 'descending' : undefined}
      scope="col"
    >
      {definition?.title === '' ? (
        <span className="hidden">What can be done</span>
      ) : isSortable ? (
        <button type="button" className={classes.head} onClick={column.getToggleSortingHandler()}>
          {definition?.title}
          {order && <Arrow size={12} stroke={2} aria-hidden />}
        </button>
      ) : (
        definition?.title
      )}
    </th>
  )
}
