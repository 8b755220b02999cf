// Trends: a chart, and a table of its series below.
import { Menu, Skeleton } from '@mantine/core'
import { IconUsers } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import type { Interval, Line, TrendsAnswer } from '~/api/types'
import { colourOf } from '~/charts/palette'
import { type Series, TimeChart } from '~/charts/TimeChart'
import { endOf, rangeOfSpans } from '~/filters/range'
import * as format from '~/format/format'
import { type Scope, useMinute } from '~/scope'
import { type Bar, BarList, Change } from '~/ui/BarList'
import { DataTable } from '~/ui/DataTable'
import { tableOf } from '~/ui/Panel'
import { Empty, SendSome } from '~/ui/States'
import { HEIGHT, InsightPanel, useHeight } from './InsightPanel'
import classes from './Insights.module.css'
import { LookControls } from './LookControls'
import { letter, MATHS, type Question, trends } from './question'
import { PersonsButton } from './PersonsButton'
import { behindOf, intervalOf, useInsight, usePlace, type ViewProps } from './view'

/** A line with the one of the period before. */
interface Shown {
  key: string
  label: string
  /** What is computed. */
  about: string
  line: Line
  before: Line | undefined
  colour: number
}

export const TrendsView = ({ scope, question, onChange, onBehind }: ViewProps) => {
  const interval = intervalOf(question, scope)
  const request = trends(question, interval, scope)
  const canAsk = request.series?.length !== 0
  const answer = useInsight('trends', request, scope.team, canAsk)
  const [hidden, setHidden] = useState<Set<string>>(new Set())
  const toggle = (key: string) =>
    setHidden((old) => (old.has(key) ? new Set([...old].filter((one) => one !== key)) : new Set([...old, key])))
  const look = question.look ?? 'line'
  const open = (shown: Shown, span?: string) => {
    if (question.formula) return
    const { breakdown_value } = shown.line
    const title = [shown.label, span && format.span(span, interval)].filter(Boolean).join(', ')
    onBehind(
      behindOf('trends', request, scope.team, title, {
        series: shown.line.order,
        ...(span ? { day: span } : {}),
        ...(breakdown_value === undefined ? {} : { breakdown: breakdown_value }),
      }),
    )
  }
  const isAlone = usePlace() === undefined
  if (!canAsk) return <Empty title="Choose a property">The sum, the average and the like are of a number.</Empty>
  return (
    <InsightPanel
      title="Trends"
      head={<LookControls scope={scope} question={question} onChange={onChange} />}
      query={answer}
      isEmpty={({ results }) =>
        look !== 'number' && results.every((line) => !line.aggregated_value && line.data.every((value) => value === 0))
      }
      empty={{
        title: 'Nothing in this range',
        text: 'A longer range, another event or fewer filters may show something.',
        action: scope.project.events === 0 && <SendSome />,
      }}
      height={HEIGHT + 8}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      table={(data) => tableOf(spansTable(shownOf(data, question), interval))}
      menu={<PersonsMenu answer={answer.data} question={question} open={open} />}
    >
      {(data) => {
        const lines = shownOf(data, question)
        const seen = lines.filter(({ key }) => !hidden.has(key))
        if (look === 'number') return <Numbers lines={lines} onOpen={open} />
        if (look === 'total') return <Totals lines={lines} scope={scope} question={question} onOpen={open} />
        return (
          <>
            <Chart lines={seen} interval={interval} scope={scope} look={look} onOpen={open} />
            {(isAlone || lines.length > 1) && (
              <Legend
                lines={lines}
                hidden={hidden}
                onToggle={toggle}
                isCumulative={question.isCumulative ?? false}
                onOpen={question.formula ? undefined : open}
              />
            )}
          </>
        )
      }}
    </InsightPanel>
  )
}

/** A value of the breakdown as people say it. */
const saidOf = ({ breakdown }: Question, value: Line['breakdown_value']): string => {
  const said = format.breakdown(value)
  if (breakdown?.key === '$geoip_country_code') return format.country(said)
  return breakdown?.of === 'event_metadata' && breakdown.key === 'event' ? format.eventName(said) : said
}

const shownOf = ({ results }: TrendsAnswer, question: Question): Shown[] => {
  const keyOf = (line: Line) => `${line.order}:${JSON.stringify(line.breakdown_value ?? null)}`
  const before = new Map(results.filter((line) => line.compare_label === 'previous').map((line) => [keyOf(line), line]))
  const series = new Set(results.map((line) => line.order)).size
  return results
    .filter((line) => line.compare_label !== 'previous')
    .map((line, index) => {
      const value = saidOf(question, line.breakdown_value)
      const name = question.series[line.order]?.name ?? (question.formula ? line.label : format.eventName(line.label))
      const label = line.breakdown_value === undefined ? name : series > 1 ? `${name} · ${value}` : value
      const about = question.formula
        ? ''
        : (MATHS.find((one) => one.value === (question.series[line.order]?.math ?? 'total'))?.label ?? '').toLowerCase()
      return {
        key: keyOf(line),
        label,
        about,
        line,
        before: before.get(keyOf(line)),
        colour: question.breakdown ? index : line.order,
      }
    })
}

interface ChartProps {
  lines: Shown[]
  interval: Interval
  scope: Scope
  look: 'line' | 'area' | 'bar' | 'stack'
  onOpen: (shown: Shown, span?: string) => void
}

const Chart = ({ lines, interval, scope, look, onOpen }: ChartProps) => {
  const now = useMinute()
  const height = useHeight()
  const spans = lines[0]?.line.days ?? []
  const series = useMemo<Series[]>(
    () =>
      lines.flatMap(({ key, label, line, before, colour }) => [
        { key, label, data: line.data, colour },
        ...(before
          ? [
              {
                key: `${key}-before`,
                label,
                data: line.data.map((_, index) => before.data[index] ?? 0),
                spans: before.days,
                colour,
                isBefore: true,
              },
            ]
          : []),
      ]),
    [lines],
  )
  if (lines.length === 0)
    return (
      <div style={{ height }}>
        <Empty title="Nothing in this range">Perhaps every series is hidden below.</Empty>
      </div>
    )
  return (
    <TimeChart
      label="Trends"
      height={height}
      spans={spans}
      series={series}
      look={look}
      tick={(span) => format.tick(span, interval)}
      title={(span) => format.span(span, interval)}
      isRunning={endOf(spans.at(-1) ?? '1970-01-01', interval, scope.zone) > now}
      onZoom={(first, last) => scope.setRange(rangeOfSpans(spans[first] ?? '', spans[last] ?? '', interval))}
      onPick={(span, key) => {
        const picked = lines.find((one) => one.key === key)
        if (picked) onOpen(picked, spans[span])
      }}
    />
  )
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const totalOf = (line: Line, isCumulative: boolean) => (isCumulative ? (line.data.at(-1) ?? 0) : sum(line.data))

interface LegendProps {
  lines: Shown[]
  hidden: Set<string>
  onToggle: (key: string) => void
  isCumulative: boolean
  onOpen: ((shown: Shown) => void) | undefined
}

const Legend = ({ lines, hidden, onToggle, isCumulative, onOpen }: LegendProps) => (
  <div className={classes.legendTable}>
    <DataTable
      label="Series of the chart"
      rows={lines}
      height={420}
      columns={[
        {
          title: 'Series',
          of: (row) => row.label,
          show: (row) => (
            <button
              type="button"
              className={classes.toggle}
              aria-pressed={!hidden.has(row.key)}
              onClick={() => onToggle(row.key)}
              title={row.label}
            >
              <span className={classes.mark} style={{ background: colourOf(row.colour) }} />
              <span className="cut">
                {row.label} <span className="unit">{row.about}</span>
              </span>
            </button>
          ),
        },
        {
          title: isCumulative ? 'At the end' : 'Sum',
          of: (row) => totalOf(row.line, isCumulative),
          show: (row) =>
            onOpen ? (
              <PersonsButton className={classes.link} onClick={() => onOpen(row)} title="These persons">
                {format.number(totalOf(row.line, isCumulative))}
              </PersonsButton>
            ) : (
              format.number(totalOf(row.line, isCumulative))
            ),
          isNumber: true,
        },
        ...(lines.some((row) => row.before)
          ? [
              {
                title: 'Change',
                of: (row: Shown) =>
                  row.before ? totalOf(row.line, isCumulative) - totalOf(row.before, isCumulative) : null,
                show: (row: Shown) =>
                  row.before ? (
                    <Change now={totalOf(row.line, isCumulative)} before={totalOf(row.before, isCumulative)} />
                  ) : (
                    format.NOTHING
                  ),
                isNumber: true,
              },
            ]
          : []),
        {
          title: 'Average',
          of: (row) => sum(row.line.data) / Math.max(1, row.line.data.length),
          show: (row) => format.number(Math.round((sum(row.line.data) / Math.max(1, row.line.data.length)) * 10) / 10),
          isNumber: true,
        },
        { title: 'Most', of: (row) => Math.max(...row.line.data), isNumber: true },
      ]}
    />
  </div>
)

const Numbers = ({ lines, onOpen }: { lines: Shown[]; onOpen: (shown: Shown) => void }) => (
  <div className={classes.big}>
    {lines.map((shown) => (
      <div key={shown.key}>
        <span className="muted">{shown.label}</span>
        <strong>
          <PersonsButton className={classes.toggle} onClick={() => onOpen(shown)}>
            {format.number(shown.line.aggregated_value ?? 0)}
          </PersonsButton>
        </strong>
        {shown.before && <Change now={shown.line.aggregated_value ?? 0} before={shown.before.aggregated_value ?? 0} />}
      </div>
    ))}
  </div>
)

const Totals = ({
  lines,
  scope,
  question,
  onOpen,
}: {
  lines: Shown[]
  scope: Scope
  question: Question
  onOpen: (shown: Shown) => void
}) => {
  const bars = lines.map((shown): Bar => {
    const { breakdown_value } = shown.line
    const { breakdown } = question
    const isPlain =
      breakdown &&
      typeof breakdown_value === 'string' &&
      breakdown_value !== format.NONE &&
      breakdown_value !== format.OTHER
    return {
      key: shown.key,
      label: shown.label,
      title: shown.label,
      value: shown.line.aggregated_value ?? 0,
      before: shown.before?.aggregated_value,
      onPick: () => onOpen(shown),
      onExclude: isPlain
        ? () => scope.exclude({ of: breakdown.of, key: breakdown.key, operator: 'is_not', values: [breakdown_value] })
        : undefined,
    }
  })
  return <BarList bars={bars} heads={['Series', 'Total']} />
}

const PersonsMenu = ({
  answer,
  question,
  open,
}: {
  answer: TrendsAnswer | undefined
  question: Question
  open: (shown: Shown) => void
}) => {
  if (!answer || question.formula) return null
  return shownOf(answer, question)
    .slice(0, 5)
    .map((shown) => (
      <Menu.Item key={shown.key} leftSection={<IconUsers size={15} stroke={1.6} />} onClick={() => open(shown)}>
        Persons of {shown.label.length > 24 ? `${letter(shown.line.order)}` : shown.label}
      </Menu.Item>
    ))
}

interface SpanRow {
  span: string
  values: number[]
}

const spansTable = (lines: Shown[], interval: Interval) => {
  const isTotal = lines.some(({ line }) => line.aggregated_value !== undefined)
  const spans = isTotal ? ['Total'] : (lines[0]?.line.days ?? [])
  const rows: SpanRow[] = spans.map((span, index) => ({
    span,
    values: lines.map(({ line }) => line.aggregated_value ?? line.data[index] ?? 0),
  }))
  return {
    rows,
    columns: [
      {
        title: interval === 'hour' || interval === 'minute' ? 'Time' : 'Date',
        of: (row: SpanRow) => row.span,
        show: (row: SpanRow) => (isTotal ? row.span : format.span(row.span, interval)),
      },
      ...lines.map(({ label }, index) => ({
        title: label,
        of: (row: SpanRow) => row.values[index] ?? 0,
        isNumber: true,
      })),
    ],
  }
}
