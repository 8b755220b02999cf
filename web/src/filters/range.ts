// Ranges of time: how they are named in the address, and what they mean by the project's clocks.
import type { DateRange, Interval } from '~/api/types'
import { addDays, addMonths, civilOf, dateOf, daysBetween, momentOf, partsOf, weekday } from '~/format/civil'

/** Ranges that go on with time. */
export const PRESETS = {
  today: 'Today',
  yesterday: 'Yesterday',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  '12mo': 'Last 12 months',
  month: 'This month',
  year: 'This year',
} as const

export type Preset = keyof typeof PRESETS

/** A preset, or from one civil time to another, both included: `2026-11-01..2026-11-15`. */
export type RangeName = Preset | `${string}..${string}`

export const USUAL: RangeName = '7d'

const DATE = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d)?)?$/

const isReal = (civil: string) => {
  const { year, month, day } = partsOf(civil)
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

/** Reads a range of an address; the usual one where it is none. */
export const parseRange = (text: unknown): RangeName => {
  if (typeof text !== 'string') return USUAL
  if (Object.hasOwn(PRESETS, text)) return text as Preset
  const [from = '', to = ''] = text.split('..')
  const isRange =
    DATE.test(from) && DATE.test(to) && isReal(from) && isReal(to) && from.length === to.length && from <= to
  return isRange ? `${from}..${to}` : USUAL
}

export interface Resolved {
  /** The first and the last day, or hour, as clocks show them. */
  from: string
  to: string
  /** The first moment, and the first that is no longer in it. */
  since: number
  until: number
  zone: string
  /** Whether it is told in hours, not in days. */
  isExact: boolean
  /** Days, or where it is told in hours, hours. */
  length: number
}

const HOUR = 3_600_000

/** What a range means now. */
export const resolve = (name: RangeName, zone: string, now: number): Resolved => {
  const [from, to] = bounds(name, zone, now)
  return from.includes('T') ? ofHours(from, to, zone) : ofDays(from, to, zone)
}

const bounds = (name: RangeName, zone: string, now: number): [string, string] => {
  const civil = civilOf(now, zone)
  const today = dateOf(civil)
  switch (name) {
    case 'today':
      return [today, today]
    case 'yesterday':
      return [addDays(today, -1), addDays(today, -1)]
    case '24h':
      return [hourOf(civilOf(now - 23 * HOUR, zone)), hourOf(civil)]
    case '7d':
      return [addDays(today, -6), today]
    case '30d':
      return [addDays(today, -29), today]
    case '90d':
      return [addDays(today, -89), today]
    case '12mo':
      return [`${dateOf(addMonths(today, -11)).slice(0, 8)}01`, today]
    case 'month':
      return [`${today.slice(0, 8)}01`, today]
    case 'year':
      return [`${today.slice(0, 5)}01-01`, today]
    default: {
      const [from = today, to = today] = name.split('..')
      return [from, to]
    }
  }
}

const hourOf = (civil: string) => civil.slice(0, 13)

const ofDays = (from: string, to: string, zone: string): Resolved => ({
  from,
  to,
  since: momentOf(`${from}T00:00:00`, zone),
  until: momentOf(`${addDays(to, 1)}T00:00:00`, zone),
  zone,
  isExact: false,
  length: daysBetween(from, to) + 1,
})

const ofHours = (from: string, to: string, zone: string): Resolved => {
  const since = momentOf(whole(from), zone)
  const until = momentOf(whole(to), zone) + (to.length > 13 ? 60_000 : HOUR)
  return { from, to, since, until, zone, isExact: true, length: Math.max(1, Math.round((until - since) / HOUR)) }
}

const whole = (civil: string) => `${civil}${civil.length === 13 ? ':00' : ''}:00`

export type Comparison = 'previous' | 'year'

/** Before which the same length is compared; as `compare_to` says it, too. */
export const comparedTo = (range: Resolved, comparison: Comparison): string => {
  if (comparison === 'year') return range.isExact ? '-365d' : '-1y'
  return range.isExact ? `-${range.length}h` : `-${range.length}d`
}

/** The range that it is compared with. */
export const before = (range: Resolved, comparison: Comparison): Resolved => {
  if (range.isExact) {
    const shift = comparison === 'year' ? 365 * 24 * HOUR : range.length * HOUR
    const [since, until] = [range.since - shift, range.until - shift]
    const told = (moment: number) => civilOf(moment, range.zone).slice(0, range.from.length)
    return { ...range, since, until, from: told(since), to: told(until - HOUR) }
  }
  if (comparison === 'year') return ofDays(addMonths(range.from, -12), addMonths(range.to, -12), range.zone)
  return ofDays(addDays(range.from, -range.length), addDays(range.to, -range.length), range.zone)
}

/** The range as insights take it. */
export const dateRange = (range: Resolved): DateRange => {
  // Told with its last second, a day is whole where points are hours, too.
  if (!range.isExact) return { date_from: range.from, date_to: `${range.to}T23:59:59` }
  const last = civilOf(range.until - 1000, range.zone)
  return { date_from: whole(range.from), date_to: last, explicitDate: true }
}

/** Ranges that go on with time, as insights say them: what is saved is asked later, too. */
const RELATIVE: Record<Preset, DateRange> = {
  today: { date_from: 'dStart' },
  yesterday: { date_from: '-1dStart', date_to: '-1dEnd' },
  '24h': { date_from: '-23h' },
  '7d': { date_from: '-6d' },
  '30d': { date_from: '-29d' },
  '90d': { date_from: '-89d' },
  '12mo': { date_from: '-11mStart' },
  month: { date_from: 'mStart' },
  year: { date_from: 'yStart' },
}

/** A range as it is saved. */
export const savedRange = (name: RangeName, zone: string, now: number): DateRange =>
  Object.hasOwn(RELATIVE, name) ? RELATIVE[name as Preset] : dateRange(resolve(name, zone, now))

/** The range that a saved request means now. */
export const rangeOfSaved = (saved: DateRange | null | undefined, zone: string, now: number): RangeName => {
  const [from, to] = [saved?.date_from ?? '-7d', saved?.date_to ?? undefined]
  const known = Object.entries(RELATIVE).find(([, range]) => range.date_from === from && range.date_to === to)
  if (known) return known[0] as Preset
  const today = dateOf(civilOf(now, zone))
  const begin = civilIn(from, today, now, zone)
  const end = to === undefined ? today : civilIn(to, today, now, zone)
  if (!begin || !end) return USUAL
  const isExact = saved?.explicitDate === true || from.includes('T')
  return parseRange(isExact ? `${hourOf(long(begin))}..${hourOf(long(end))}` : `${dateOf(begin)}..${dateOf(end)}`)
}

const long = (civil: string) => (civil.includes('T') ? civil : `${civil}T00:00`)

/** A date of a request: as it is, or so long ago. */
const civilIn = (text: string, today: string, now: number, zone: string): string | undefined => {
  if (/^\d{4}-\d\d-\d\d/.test(text)) return text.replace(' ', 'T')
  const [, count = '', unit = ''] = /^-(\d+)(h|[dwmy]|d(?:Start|End))$/.exec(text) ?? []
  const many = Number(count)
  if (unit === 'h') return civilOf(now - many * HOUR, zone)
  if (unit.startsWith('d')) return addDays(today, -many)
  if (unit === 'w') return addDays(today, -7 * many)
  if (unit === 'm') return addMonths(today, -many)
  return unit === 'y' ? addMonths(today, -12 * many) : undefined
}

/** How long points are, where nobody says. */
export const usualInterval = (range: Resolved): Interval => {
  const hours = (range.until - range.since) / HOUR
  if (hours <= 2) return 'minute'
  if (hours <= 49) return 'hour'
  if (hours <= 24 * 95) return 'day'
  return hours <= 24 * 300 ? 'week' : 'month'
}

/** The lengths of points that a range can have. */
export const intervalsOf = (range: Resolved): Interval[] => {
  const hours = (range.until - range.since) / HOUR
  const fits: [Interval, number, number][] = [
    ['minute', 0, 6],
    ['hour', 2, 24 * 14],
    ['day', 24, 24 * 400],
    ['week', 24 * 14, 24 * 2000],
    ['month', 24 * 28, Infinity],
  ]
  return fits.filter(([, least, most]) => hours >= least && hours <= most).map(([interval]) => interval)
}

/** The beginnings of the points in a range, as insights name them. Weeks begin on Sunday. */
export const spansOf = (range: Resolved, interval: Interval): string[] => {
  const spans: string[] = []
  if (interval === 'hour' || interval === 'minute') {
    const step = interval === 'hour' ? HOUR : 60_000
    for (let moment = range.since; moment < range.until; moment += step)
      spans.push(civilOf(moment, range.zone).replace('T', ' '))
    return spans
  }
  const first = dateOf(civilOf(range.since, range.zone))
  const last = dateOf(civilOf(range.until - 1, range.zone))
  const start = { day: first, week: addDays(first, -weekday(first)), month: `${first.slice(0, 8)}01` }[interval]
  const next = (date: string) =>
    interval === 'month' ? addMonths(date, 1) : addDays(date, interval === 'week' ? 7 : 1)
  for (let date = start; date <= last; date = next(date)) spans.push(date)
  return spans
}

/** The moment at which a span ends. */
export const endOf = (span: string, interval: Interval, zone: string): number => {
  if (interval === 'hour' || interval === 'minute') return momentOf(span, zone) + (interval === 'hour' ? HOUR : 60_000)
  const date = dateOf(span)
  const next = interval === 'month' ? addMonths(`${date.slice(0, 8)}01`, 1) : addDays(date, interval === 'week' ? 7 : 1)
  return momentOf(`${next}T00:00:00`, zone)
}

/** The range from one point of a chart to another, as an address has it. */
export const rangeOfSpans = (first: string, last: string, interval: Interval): RangeName => {
  if (interval === 'hour') return `${first.slice(0, 13).replace(' ', 'T')}..${last.slice(0, 13).replace(' ', 'T')}`
  if (interval === 'minute') return `${first.slice(0, 16).replace(' ', 'T')}..${last.slice(0, 16).replace(' ', 'T')}`
  const end = interval === 'day' ? last : addDays(interval === 'week' ? addDays(last, 7) : addMonths(last, 1), -1)
  return `${dateOf(first)}..${dateOf(end)}`
}
