// Rows as a table: numbers to the right, JSON to open.
import { Drawer } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Cell, Row } from '~/api/sql'
import * as format from '~/format/format'
import { type ColumnOf, DataTable } from '~/ui/DataTable'
import { Properties } from '~/ui/Properties'

/** Longer texts are cut, and whole in the row's own view. */
const LONG = 160

const scalar = (cell: Cell | undefined): string | number | boolean | null =>
  cell === undefined || cell === null ? null : typeof cell === 'object' ? JSON.stringify(cell) : cell

export const Results = ({ rows }: { rows: Row[] }) => {
  const [opened, setOpened] = useState<Row>()
  const columns = useMemo(() => {
    const names = Object.keys(rows[0] ?? {})
    return names.map((name): ColumnOf<Row> => {
      const isNumber =
        rows.every((row) => row[name] === null || typeof row[name] === 'number') &&
        rows.some((row) => typeof row[name] === 'number')
      const isId = /(^|_)(id|offset|version)$/.test(name)
      const show = (row: Row) => {
        const value = scalar(row[name])
        if (value === null) return <span className="muted">null</span>
        if (typeof value === 'number') return isId ? String(value) : format.number(value)
        const said = String(value)
        return said.length > LONG ? `${said.slice(0, LONG)}…` : said
      }
      return { title: name, of: (row) => scalar(row[name]), show, isNumber: isNumber && !isId }
    })
  }, [rows])
  return (
    <>
      <DataTable label="Rows" columns={columns} rows={rows} height={560} onRow={setOpened} />
      {opened && (
        <Drawer opened onClose={() => setOpened(undefined)} title="Row" size="lg">
          <Properties
            title="Columns"
            properties={Object.fromEntries(Object.entries(opened).map(([name, cell]) => [name, unfolded(cell)]))}
            isOrdered
          />
        </Drawer>
      )}
    </>
  )
}

/** JSON in a text is shown as JSON. */
const unfolded = (cell: Cell): unknown => {
  if (typeof cell !== 'string' || !/^[[{]/.test(cell)) return cell
  try {
    return JSON.parse(cell) as unknown
  } catch {
    return cell
  }
}
