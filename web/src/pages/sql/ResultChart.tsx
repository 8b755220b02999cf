// Rows as a chart: the first column that is no number says where, and each number is a series.
import { Select } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Row } from '~/api/sql'
import { colourOf } from '~/charts/palette'
import { TimeChart } from '~/charts/TimeChart'
import type { Look } from '~/charts/option'
import { civilOf } from '~/format/civil'
import * as format from '~/format/format'
import { Empty } from '~/ui/States'
import classes from './Sql.module.css'

const MOST_POINTS = 1_000
const MOST_SERIES = 8

const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/.test(value)

export const ResultChart = ({ rows, zone }: { rows: Row[]; zone: string }) => {
  const names = Object.keys(rows[0] ?? {})
  const numbers = names.filter(
    (name) =>
      rows.some((row) => typeof row[name] === 'number') &&
      rows.every((row) => row[name] === null || typeof row[name] === 'number'),
  )
  const along = names.find((name) => !numbers.includes(name)) ?? names[0] ?? ''
  const isOverTime = rows.every((row) => isTime(row[along]))
  const [chosen, setLook] = useState<Look>()
  const look = chosen ?? (isOverTime ? 'line' : 'bar')
  const drawn = useMemo(() => {
    const shown = rows.slice(0, MOST_POINTS)
    const sorted = isOverTime
      ? [...shown].sort((one, other) => String(one[along]).localeCompare(String(other[along])))
      : shown
    return {
      spans: sorted.map((row) => format.value(row[along])),
      series: numbers
        .filter((name) => name !== along)
        .slice(0, MOST_SERIES)
        .map((name, index) => ({
          key: name,
          label: name,
          data: sorted.map((row) => Number(row[name] ?? 0)),
          colour: index,
        })),
    }
  }, [rows])
  if (drawn.series.length === 0) return <Empty title="Nothing to draw">A chart needs a column of numbers.</Empty>
  const title = (span: string) => (isOverTime && span.length > 10 ? format.time(span, zone) : span)
  const tick = (span: string) => {
    if (!isOverTime) return span.length > 18 ? `${span.slice(0, 17)}…` : span
    const civil = span.length > 10 ? civilOf(format.instant(span) ?? 0, zone) : span
    return civil.endsWith('T00:00:00') || span.length === 10
      ? format.tick(civil, 'day')
      : `${format.tick(civil, 'day')} ${format.tick(civil, 'hour')}`
  }
  return (
    <div className={classes.chart}>
      <Select
        w={120}
        mb={8}
        aria-label="How it is drawn"
        value={look}
        allowDeselect={false}
        data={[
          { value: 'line', label: 'Lines' },
          { value: 'area', label: 'Areas' },
          { value: 'bar', label: 'Columns' },
          { value: 'stack', label: 'Stacked' },
        ]}
        onChange={(value) => setLook((value ?? 'line') as Look)}
      />
      {drawn.series.length > 1 && (
        <ul className={classes.legend}>
          {drawn.series.map(({ key, colour }) => (
            <li key={key}>
              <span style={{ background: colourOf(colour) }} /> {key}
            </li>
          ))}
        </ul>
      )}
      <TimeChart
        label="Answer"
        spans={drawn.spans}
        series={drawn.series}
        tick={tick}
        title={title}
        look={look}
        height={360}
      />
    </div>
  )
}
