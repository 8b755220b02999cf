// Today until now, and the same weekday of last week until the same time.
import { useQuery } from '@tanstack/react-query'
import { askInsight } from '~/api/insights'
import type { DateRange, SeriesNode, WebBreakdown, WebOverviewAnswer } from '~/api/types'
import { addDays, civilOf, dateOf } from '~/format/civil'
import { figureOf } from '~/pages/web/visits'
import { type Scope, useMinute } from '~/scope'

export interface Day {
  visitors: number
  views: number
  sessions: number
  /** Views by hour of the clock. */
  hours: number[]
}

/** What else is asked of today, all in one pass. */
export const TABLES: WebBreakdown[] = ['Page', 'InitialReferringDomain', 'Country']
const ROWS = 50
const HOURS = 24

const VIEWS: SeriesNode = {
  kind: 'GroupNode',
  nodes: [
    { kind: 'EventsNode', event: '$pageview' },
    { kind: 'EventsNode', event: '$screen' },
  ],
}

const dayOf = (answer: WebOverviewAnswer, hours: number[]): Day => ({
  visitors: figureOf(answer, 'visitors') ?? 0,
  views: figureOf(answer, 'views') ?? 0,
  sessions: figureOf(answer, 'sessions') ?? 0,
  hours,
})

/** Views by hour: of an hour that comes twice both, of one that does not come none. */
const byHour = (days: string[], data: number[]): number[] => {
  const hours = Array.from({ length: HOURS }, () => 0)
  days.forEach((day, index) => {
    const hour = Number(day.slice(11, 13))
    hours[hour] = (hours[hour] ?? 0) + (data[index] ?? 0)
  })
  return hours
}

export const useDays = ({ team, zone, withoutBots }: Scope) => {
  const now = useMinute()
  const today = dateOf(civilOf(now, zone))
  const before = addDays(today, -7)
  return useQuery({
    // Asked anew when it is time, not with each minute that passes.
    queryKey: ['days', team, today, withoutBots],
    queryFn: async ({ signal }) => {
      const clock = civilOf(Date.now(), zone).slice(10)
      const bots = withoutBots ? { filterBots: true } : {}
      const overview = (range: DateRange, tables: WebBreakdown[]) =>
        askInsight('web-overview', { ...bots, dateRange: range, tables, limit: ROWS }, team, signal)
      const hours = (date: string) =>
        askInsight(
          'trends',
          { ...bots, dateRange: { date_from: date, date_to: `${date}T23:59:59` }, interval: 'hour', series: [VIEWS] },
          team,
          signal,
        )
      const [nowOf, thenOf, nowHours, thenHours] = await Promise.all([
        overview({ date_from: today, date_to: today }, TABLES),
        overview({ date_from: `${before}T00:00:00`, date_to: `${before}${clock}`, explicitDate: true }, []),
        hours(today),
        hours(before),
      ])
      const [line, lineBefore] = [nowHours.results[0], thenHours.results[0]]
      return {
        today: dayOf(nowOf, byHour(line?.days ?? [], line?.data ?? [])),
        before: dayOf(thenOf, byHour(lineBefore?.days ?? [], lineBefore?.data ?? [])),
        tables: nowOf.tables ?? {},
        spans: Array.from({ length: HOURS }, (_, hour) => `${today} ${String(hour).padStart(2, '0')}:00:00`),
        hour: Number(civilOf(Date.now(), zone).slice(11, 13)),
        sql: [...nowOf.sql, ...thenOf.sql, ...nowHours.sql, ...thenHours.sql],
      }
    },
    refetchInterval: 60_000,
  })
}
