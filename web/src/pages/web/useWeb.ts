// Questions of the page about visits: one for all figures and tables, and one for the chart.
import { useQuery } from '@tanstack/react-query'
import { askInsightSoon, askPersonsBehind } from '~/api/insights'
import { askSql } from '~/api/sql'
import type {
  Interval,
  Line,
  PersonsBehind,
  SeriesNode,
  TrendsRequest,
  WebBreakdown,
  WebOverviewRequest,
} from '~/api/types'
import { type Resolved, spansOf } from '~/filters/range'
import type { Scope as SqlScope } from '~/filters/sql'
import { civilOf } from '~/format/civil'
import { instant } from '~/format/format'
import type { Scope } from '~/scope'
import { sessionSeries } from './sessionSeries'
import type { Metric } from './visits'

export const sqlScope = ({
  team,
  filters,
  withoutBots,
}: Pick<Scope, 'team' | 'filters' | 'withoutBots'>): SqlScope => ({ team, filters, withoutBots })

/** Rows of a table at most. */
const ROWS = 200

export const useOverview = (scope: Scope, tables: WebBreakdown[]) => {
  const request: WebOverviewRequest = {
    ...scope.within,
    ...(scope.compareFilter ? { compareFilter: scope.compareFilter } : {}),
    tables,
    limit: ROWS,
  }
  return useQuery({
    queryKey: ['web-overview', scope.team, request],
    queryFn: (asking) => askInsightSoon('web-overview', request, scope.team, asking, (answer) => answer),
  })
}

export interface Points {
  spans: string[]
  data: number[]
}

export interface Pair<T> {
  now: T
  before: T | undefined
  sql: string[]
}

const VIEWS: SeriesNode = {
  kind: 'GroupNode',
  custom_name: 'Views',
  nodes: [
    { kind: 'EventsNode', event: '$pageview' },
    { kind: 'EventsNode', event: '$screen' },
  ],
}

/** What a trend counts of the views; what is of whole sessions no trend says. */
const COUNTED = {
  visitors: [{ ...VIEWS, math: 'dau' }],
  views: [VIEWS],
  sessions: [{ ...VIEWS, math: 'unique_session' }],
  depth: [VIEWS, { ...VIEWS, math: 'unique_session' }],
} satisfies Partial<Record<Metric, SeriesNode[]>>

const isCounted = (metric: Metric): metric is keyof typeof COUNTED => Object.hasOwn(COUNTED, metric)

export const useSeries = (metric: Metric, interval: Interval, scope: Scope) => {
  const { range, compared, team } = scope
  const request: TrendsRequest | undefined = isCounted(metric)
    ? {
        ...scope.within,
        interval,
        series: COUNTED[metric],
        ...(scope.compareFilter ? { compareFilter: scope.compareFilter } : {}),
        ...(metric === 'depth' ? { trendsFilter: { formula: 'A / B' } } : {}),
      }
    : undefined
  const of = sqlScope(scope)
  const sql = isCounted(metric)
    ? []
    : [range, ...(compared ? [compared] : [])].map((one) => sessionSeries(metric, interval, of, one))
  return useQuery({
    queryKey: ['web-series', team, metric, request ?? sql],
    queryFn: async (asking): Promise<Pair<Points>> => {
      if (request) {
        return askInsightSoon('trends', request, team, asking, ({ results, sql }) => {
          const of = (when: Line['compare_label']) => results.find((line) => (line.compare_label ?? 'current') === when)
          const points = (line: Line | undefined): Points => ({ spans: line?.days ?? [], data: line?.data ?? [] })
          return { now: points(of('current')), before: compared && points(of('previous')), sql }
        })
      }
      const [now, before] = await Promise.all(sql.map((one) => askSql<SessionRow>(one, asking.signal)))
      return {
        now: pointsOf(now ?? [], interval, range),
        before: compared && pointsOf(before ?? [], interval, compared),
        sql,
      }
    },
  })
}

interface SessionRow {
  day: string
  value: number | null
}

/** How the chart names the span that begins at a moment. */
const spanAt = (moment: number, interval: Interval, zone: string): string => {
  const civil = civilOf(moment, zone)
  return interval === 'hour' || interval === 'minute' ? civil.replace('T', ' ') : civil.slice(0, 10)
}

const pointsOf = (rows: SessionRow[], interval: Interval, range: Resolved): Points => {
  const found = new Map(rows.map(({ day, value }) => [spanAt(instant(day) ?? 0, interval, range.zone), value ?? 0]))
  const spans = spansOf(range, interval)
  return { spans, data: spans.map((span) => found.get(span) ?? 0) }
}

const PAGE = 100

/** A page of the persons who viewed something. */
export const askVisitors = (
  { team, within, zone }: Pick<Scope, 'team' | 'within' | 'zone'>,
  { since, until }: Pick<Resolved, 'since' | 'until'>,
  offset: number,
  signal: AbortSignal,
): Promise<PersonsBehind> =>
  askPersonsBehind(
    'trends',
    {
      ...within,
      dateRange: { date_from: civilOf(since, zone), date_to: civilOf(until - 1000, zone), explicitDate: true },
      series: [{ ...VIEWS, math: 'dau' }],
      trendsFilter: { display: 'BoldNumber' },
    },
    { series: 0, limit: PAGE, offset },
    team,
    signal,
  )
