// One glance: who is there now, how today goes beside the same day last week, and what just happened.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { askInsight } from '~/api/insights'
import type { DateRange, WebBreakdown, WebRow } from '~/api/types'
import { TimeChart } from '~/charts/TimeChart'
import { type Filter, toAddress } from '~/filters/model'
import { keep } from '~/filters/search'
import { addDays, civilOf, dateOf } from '~/format/civil'
import * as format from '~/format/format'
import { useNewest } from '~/pages/live/events'
import { barsOf, columnsOf } from '~/pages/web/Breakdowns'
import { sqlScope } from '~/pages/web/useWeb'
import { filterOf } from '~/pages/web/visits'
import { type Scope, useScope } from '~/scope'
import { BarList, BarListSkeleton, Change } from '~/ui/BarList'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { Empty, Trouble } from '~/ui/States'
import classes from './Home.module.css'
import { type Day, useDays } from './useDays'

const Onboarding = lazy(() => import('~/pages/connect/Onboarding').then((parts) => ({ default: parts.Onboarding })))

const Home = () => {
  const scope = useScope()
  const navigate = useNavigate()
  if (scope.project.events === 0) {
    return (
      <Page title="Send your first event">
        <Suspense>
          <Onboarding
            onSdk={(sdk) =>
              void navigate({ to: '/connect', search: ((old: object) => ({ ...keep(old), sdk })) as never })
            }
          />
        </Suspense>
      </Page>
    )
  }
  return <Glance scope={scope} />
}

const Glance = ({ scope }: { scope: Scope }) => {
  const days = useDays(scope)
  return (
    <Page title="Home" isTitleHidden>
      <div className={classes.top}>
        <Now scope={scope} />
        <Today scope={scope} days={days} />
      </div>
      <div className={classes.columns}>
        <div className={classes.lists}>
          <TopOf days={days} title="Top pages today" head="Page" table="Page" />
          <TopOf days={days} title="Sources today" head="Source" table="InitialReferringDomain" />
          <TopOf days={days} title="Countries today" head="Country" table="Country" />
        </div>
        <Newest scope={scope} />
      </div>
    </Page>
  )
}

const NOW_MS = 10_000
const MINUTES = 30

interface Present {
  visitors: number
  minutes: number[]
  sql: string[]
}

/** Whoever did anything: in the last five minutes, and in each of the last thirty. */
const askPresent = async ({ team, zone, withoutBots }: Scope, signal: AbortSignal): Promise<Present> => {
  const now = Date.now()
  const bots = withoutBots ? { filterBots: true } : {}
  const since = (minutes: number): DateRange => ({
    date_from: `${civilOf(now - minutes * 60_000, zone).slice(0, 16)}:00`,
    date_to: civilOf(now, zone),
    explicitDate: true,
  })
  const [by, of] = await Promise.all([
    askInsight(
      'trends',
      { ...bots, dateRange: since(MINUTES - 1), interval: 'minute', series: [{ event: null, math: 'dau' }] },
      team,
      signal,
    ),
    askInsight(
      'trends',
      {
        ...bots,
        dateRange: { date_from: civilOf(now - 5 * 60_000, zone), date_to: civilOf(now, zone), explicitDate: true },
        series: [{ event: null, math: 'dau' }],
        trendsFilter: { display: 'BoldNumber' },
      },
      team,
      signal,
    ),
  ])
  const minutes = by.results[0]?.data.slice(-MINUTES) ?? []
  return { visitors: of.results[0]?.aggregated_value ?? 0, minutes, sql: [...of.sql, ...by.sql] }
}

const Now = ({ scope }: { scope: Scope }) => {
  const present = useQuery({
    queryKey: ['present', scope.team],
    queryFn: ({ signal }) => askPresent(scope, signal),
    refetchInterval: NOW_MS,
  })
  return (
    <Panel title="Now" query={present} height={208} skeleton={<Skeleton height={180} />} sql={({ sql }) => sql}>
      {({ visitors, minutes }) => (
        <div className={classes.now}>
          <span className={classes.big}>
            {format.number(visitors)}
            <span className={classes.pulse} data-live={visitors > 0 || undefined} aria-hidden />
          </span>
          <span className="muted">{visitors === 1 ? 'person' : 'persons'} in the last 5 minutes</span>
          <div
            className={classes.minutes}
            role="img"
            aria-label={`Persons in each of the last ${MINUTES} minutes, ${minutes.at(-1) ?? 0} in this one`}
          >
            {minutes.map((count, index) => (
              <span
                key={index}
                style={{ height: `${(count / Math.max(1, ...minutes)) * 100}%` }}
                title={`${format.plural(count, 'person', 'persons')}, ${MINUTES - 1 - index} min ago`}
              />
            ))}
          </div>
          <span className="unit">Last {MINUTES} minutes</span>
        </div>
      )}
    </Panel>
  )
}

const FIGURES: { label: string; of: (day: Day) => number }[] = [
  { label: 'Visitors', of: ({ visitors }) => visitors },
  { label: 'Views', of: ({ views }) => views },
  { label: 'Sessions', of: ({ sessions }) => sessions },
]

const CHART = 132

type Days = ReturnType<typeof useDays>

const Today = ({ scope, days }: { scope: Scope; days: Days }) => {
  const weekday = format.span(addDays(dateOf(civilOf(Date.now(), scope.zone)), -7), 'day').slice(0, 3)
  return (
    <Panel
      title="Today"
      query={days}
      height={208}
      skeleton={<Skeleton height={196} />}
      sql={({ sql }) => sql}
      table={({ today, before, spans }) =>
        tableOf({
          rows: spans.map((span, hour) => ({ span, now: today.hours[hour] ?? 0, then: before.hours[hour] ?? 0 })),
          columns: [
            { title: 'Hour', of: ({ span }) => span, show: ({ span }) => format.tick(span, 'hour') },
            { title: 'Views today', of: ({ now }) => now, isNumber: true },
            { title: 'Views a week ago', of: ({ then }) => then, isNumber: true },
          ],
        })
      }
    >
      {({ today, before, spans, hour }) => (
        <>
          <div className={classes.figures}>
            {FIGURES.map(({ label, of }) => (
              <div key={label}>
                <span className="muted">{label}</span>
                <span className={classes.figure}>{format.compact(of(today))}</span>
                <span className={classes.change}>
                  <Change now={of(today)} before={of(before)} />
                  <span className="unit">from {format.compact(of(before))}</span>
                </span>
              </div>
            ))}
            <span className={`unit ${classes.note}`}>beside last {weekday} until now</span>
          </div>
          <TimeChart
            label="Views by hour"
            height={CHART}
            look="area"
            spans={spans}
            series={[
              { key: 'today', label: 'Today', data: today.hours.slice(0, hour + 1), colour: 0 },
              { key: 'before', label: 'A week ago', data: before.hours, colour: 0, isBefore: true },
            ]}
            tick={(span) => format.tick(span, 'hour')}
            title={(span) => format.tick(span, 'hour')}
            isRunning
          />
        </>
      )}
    </Panel>
  )
}

const SHOWN = 8

interface TopProps {
  days: Days
  title: string
  head: string
  table: WebBreakdown
}

const TopOf = ({ days, title, head, table }: TopProps) => {
  const navigate = useNavigate()
  const rowsOf = ({ tables }: { tables: Partial<Record<WebBreakdown, WebRow[]>> }) => tables[table] ?? []
  const open = (filter: Filter) =>
    void navigate({
      to: '/web',
      search: ((old: object) => ({ ...keep(old), range: 'today', f: [toAddress(filter)] })) as never,
    })
  return (
    <Panel
      title={title}
      query={days}
      height={SHOWN * 30 + 30}
      skeleton={<BarListSkeleton rows={SHOWN} />}
      sql={({ sql }) => sql}
      isEmpty={(data) => rowsOf(data).length === 0}
      empty={{ title: 'None yet today' }}
      table={(data) => tableOf({ rows: rowsOf(data), columns: columnsOf(table, head) })}
    >
      {(data) => (
        <BarList
          heads={[head, 'Visitors']}
          bars={barsOf(rowsOf(data), table, undefined, SHOWN).map((bar, index) => {
            const row = rowsOf(data)[index]
            const filter = row && filterOf(table, row)
            return { ...bar, other: undefined, onPick: filter && (() => open(filter)) }
          })}
        />
      )}
    </Panel>
  )
}

const Newest = ({ scope }: { scope: Scope }) => {
  const newest = useNewest({ ...sqlScope(scope), filters: [] }, 24, 3_000, 60 * 24)
  return (
    <section className={classes.newest} aria-label="Newest events">
      <header>
        <h2>Newest events</h2>
        <Link to="/live" search={keep as never} className="unit">
          Live
        </Link>
      </header>
      {newest.error && !newest.data && <Trouble error={newest.error} retry={() => void newest.refetch()} />}
      {!newest.data &&
        !newest.error &&
        Array.from({ length: 12 }, (_, index) => <Skeleton key={index} height={20} mb={12} />)}
      {newest.data?.length === 0 && <Empty title="None in the last day" />}
      <ol>
        {newest.data?.map((event) => (
          <li key={event.uuid}>
            <Link
              to="/live"
              search={((old: object) => ({ ...keep(old), event: `${event.uuid}~${event.timestamp}` })) as never}
              className={classes.event}
            >
              <span className="cut">
                {format.eventName(event.event)} <span className="muted">{event.pathname ?? ''}</span>
              </span>
              <span className="unit">{format.ago(event.created_at)}</span>
            </Link>
          </li>
        ))}
      </ol>
    </section>
  )
}

export default Home
