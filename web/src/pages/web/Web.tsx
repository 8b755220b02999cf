// Visits: how many, from where, to what.
import { Menu, SegmentedControl, Skeleton } from '@mantine/core'
import { IconUsers } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { Interval } from '~/api/types'
import { TimeChart } from '~/charts/TimeChart'
import { endOf, intervalsOf, rangeOfSpans, usualInterval } from '~/filters/range'
import { momentOf } from '~/format/civil'
import * as format from '~/format/format'
import { type Scope, useMinute, useScope } from '~/scope'
import { FilterBar } from '~/ui/FilterBar'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { type Behind, PersonsDrawer } from '~/ui/PersonsDrawer'
import { SendSome, Trouble } from '~/ui/States'
import { Breakdowns, tablesOf } from './Breakdowns'
import { Figures } from './Figures'
import { FIGURES, type Figure } from './visits'
import { askVisitors, useOverview, useSeries } from './useWeb'
import classes from './Web.module.css'

const Web = () => {
  const scope = useScope()
  const search = useSearch({ from: '/app/web' })
  const navigate = useNavigate({ from: '/web' })
  const [behind, setBehind] = useState<Behind>()
  const overview = useOverview(scope, tablesOf(search))
  const figure = FIGURES.find(({ metric }) => metric === search.metric) ?? (FIGURES[0] as Figure)
  const offered = intervalsOf(scope.range)
  const interval = offered.find((one) => one === search.interval) ?? usualInterval(scope.range)
  const show = (members: Record<string, string | undefined>) =>
    void navigate({ search: (old) => ({ ...old, ...members }), replace: true, resetScroll: false })
  return (
    <Page title="Web" end={<FilterBar />}>
      {overview.error && !overview.data ? (
        <Trouble error={overview.error} retry={() => void overview.refetch()} what="The figures could not be shown" />
      ) : (
        <Figures
          answer={overview.data}
          isCompared={scope.comparison !== undefined}
          isStale={overview.isPlaceholderData}
          chosen={figure.metric}
          onChoose={(metric) => show({ metric: metric === 'visitors' ? undefined : metric })}
        />
      )}
      <Chart
        scope={scope}
        figure={figure}
        interval={interval}
        offered={offered}
        onInterval={(chosen) => show({ interval: chosen === usualInterval(scope.range) ? undefined : chosen })}
        onBehind={setBehind}
      />
      <Breakdowns scope={scope} overview={overview} chosen={search} onChoose={show} />
      {behind && <PersonsDrawer behind={behind} onClose={() => setBehind(undefined)} />}
    </Page>
  )
}

interface ChartProps {
  scope: Scope
  figure: Figure
  interval: Interval
  offered: Interval[]
  onInterval: (interval: Interval) => void
  onBehind: (behind: Behind) => void
}

const HEIGHT = 260

const Chart = ({ scope, figure, interval, offered, onInterval, onBehind }: ChartProps) => {
  const series = useSeries(figure.metric, interval, scope)
  const now = useMinute()
  const { range } = scope
  const personsOf = (title: string, { since, until }: Pick<Scope['range'], 'since' | 'until'>): Behind => ({
    title,
    key: ['visitors', scope.team, JSON.stringify(scope.within), since, until],
    ask: (offset, signal) => askVisitors(scope, { since, until }, offset, signal),
  })
  const ofSpan = (span: string) => {
    const since = momentOf(span.includes(' ') ? span : `${span}T00:00:00`, range.zone)
    const within = {
      since: Math.max(range.since, since),
      until: Math.min(range.until, endOf(span, interval, range.zone)),
    }
    onBehind(personsOf(`Visitors, ${format.span(span, interval)}`, within))
  }
  return (
    <Panel
      title={figure.label}
      query={series}
      isEmpty={({ now: current, before }) => [...current.data, ...(before?.data ?? [])].every((value) => value === 0)}
      empty={{
        title: 'Nobody in this range',
        text: 'A longer range or fewer filters may show somebody.',
        action: scope.project.events === 0 && <SendSome />,
      }}
      height={HEIGHT + 8}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      table={({ now, before }) =>
        tableOf({
          rows: now.spans.map((span, index) => ({ span, value: now.data[index] ?? 0, before: before?.data[index] })),
          columns: [
            {
              title: interval === 'hour' || interval === 'minute' ? 'Time' : 'Date',
              of: (row) => row.span,
              show: (row) => format.span(row.span, interval),
            },
            { title: figure.label, of: (row) => row.value, show: (row) => figure.show(row.value), isNumber: true },
            ...(before
              ? [
                  {
                    title: 'Before',
                    of: (row: { before?: number | undefined }) => row.before ?? null,
                    show: (row: { before?: number | undefined }) => figure.show(row.before ?? null),
                    isNumber: true,
                  },
                ]
              : []),
          ],
        })
      }
      menu={
        <Menu.Item
          leftSection={<IconUsers size={15} stroke={1.6} />}
          onClick={() => onBehind(personsOf('Visitors of the whole range', range))}
        >
          These persons
        </Menu.Item>
      }
      head={
        <div className={classes.chartHead}>
          <span className={classes.chartTitle}>{figure.label}</span>
          <SegmentedControl
            value={interval}
            onChange={(chosen) => onInterval(chosen as Interval)}
            data={offered.map((one) => ({ value: one, label: one[0]?.toUpperCase() + one.slice(1) }))}
            aria-label="How long a point is"
          />
        </div>
      }
    >
      {({ now: current, before }) => (
        <TimeChart
          label={figure.label}
          height={HEIGHT}
          look="area"
          spans={current.spans}
          series={[
            { key: 'now', label: figure.label, data: current.data, colour: 0 },
            ...(before
              ? [
                  {
                    key: 'before',
                    label: 'Before',
                    data: fitted(before.data, current.data.length),
                    spans: before.spans,
                    colour: 0,
                    isBefore: true,
                  },
                ]
              : []),
          ]}
          tick={(span) => format.tick(span, interval)}
          title={(span) => format.span(span, interval)}
          value={(value) =>
            figure.metric === 'visitors' || figure.metric === 'views' || figure.metric === 'sessions'
              ? format.number(value)
              : figure.show(value)
          }
          isRunning={endOf(current.spans.at(-1) ?? '1970-01-01', interval, range.zone) > now}
          onZoom={(first, last) =>
            scope.setRange(rangeOfSpans(current.spans[first] ?? '', current.spans[last] ?? '', interval))
          }
          onPick={(span) => ofSpan(current.spans[span] ?? '')}
        />
      )}
    </Panel>
  )
}

/** As many points as the chart has; months are not all as long. */
const fitted = (data: number[], length: number): number[] => Array.from({ length }, (_, index) => data[index] ?? 0)

export default Web
