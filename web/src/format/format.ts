// Numbers, shares, durations and times as people read them. The one place that decides.
import { civilOf, partsOf } from './civil'

const locale = 'en'
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })
const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 })

/** What stands where there is nothing. */
export const NOTHING = '–'

/** `12,345`, `0.25`. */
export const number = (value: number | null | undefined): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? whole.format(value) : fine.format(value)
}

/** `12.3K`, for where space is short; below 10,000 as it is. */
export const compact = (value: number | null | undefined): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING
  return Math.abs(value) < 10_000 ? number(value) : short.format(value)
}

/** `12%`, `0.4%`, of a share from 0 to 1. */
export const percent = (share: number | null | undefined): string => {
  if (share === null || share === undefined || !Number.isFinite(share)) return NOTHING
  const hundredth = share * 100
  const digits = hundredth !== 0 && Math.abs(hundredth) < 10 && !Number.isInteger(hundredth) ? 1 : 0
  return `${hundredth.toFixed(digits)}%`
}

/** `812 B`, `1.2 MB`. */
export const bytes = (value: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  const shown = value / 1000 ** power
  return `${shown >= 100 || power === 0 ? Math.round(shown) : shown.toFixed(1)} ${units[power]}`
}

/** How much more it is than before: `+12%`, `−3%`, or nothing to compare with. */
export const change = (now: number, before: number | null | undefined): string | undefined => {
  if (!before) return undefined
  const share = (now - before) / before
  const shown = Math.abs(share) >= 10 ? `${number(Math.round(Math.abs(share) + 1))}×` : percent(Math.abs(share))
  if (Math.abs(share) < 0.0005) return '0%'
  return share > 0 ? `+${shown}` : `−${shown}`
}

/** `45s`, `3m 20s`, `2h 5m`, `4d 3h`. */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NOTHING
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))}ms`
  const rounded = Math.round(seconds)
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => rounded >= size)
  if (first < 0) return '0s'
  const shown = units.slice(first, first + 2)
  let left = rounded
  const parts = shown.map(([size, unit]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return { count, text: `${count}${unit}` }
  })
  return parts
    .filter(({ count }, index) => index === 0 || count > 0)
    .map(({ text }) => text)
    .join(' ')
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

const dayName = (year: number, month: number, day: number) => DAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]

/** A clock's time as an axis has it: `14:00`, `23 Nov`, `Nov 2026`. */
export const tick = (civil: string, interval: string): string => {
  const { year, month, day, hour, minute } = partsOf(civil)
  if (interval === 'hour' || interval === 'minute') return `${pad(hour)}:${pad(minute)}`
  if (interval === 'month') return month === 1 ? `${MONTHS[month - 1]} ${year}` : `${MONTHS[month - 1]}`
  return `${day} ${MONTHS[month - 1]}`
}

/** The same, whole, as a tooltip has it: `Mon 23 Nov 2026, 14:00`. */
export const span = (civil: string, interval: string): string => {
  const { year, month, day, hour, minute } = partsOf(civil)
  const date = `${dayName(year, month, day)} ${day} ${MONTHS[month - 1]} ${year}`
  if (interval === 'hour' || interval === 'minute') return `${date}, ${pad(hour)}:${pad(minute)}`
  if (interval === 'week') return `Week of ${date}`
  if (interval === 'month') return `${MONTHS[month - 1]} ${year}`
  return date
}

/** A date without its time: `23 Nov`, with the year where it is another one. */
export const day = (civil: string, thisYear?: number): string => {
  const { year, month, day } = partsOf(civil)
  return year === thisYear ? `${day} ${MONTHS[month - 1]}` : `${day} ${MONTHS[month - 1]} ${year}`
}

/** A moment by the project's clocks: `23 Nov 2026, 14:05:09`. */
export const time = (moment: string | number | Date, zone: string): string => {
  const parsed = instant(moment)
  if (parsed === undefined) return NOTHING
  const { year, month, day, hour, minute, second } = partsOf(civilOf(parsed, zone))
  return `${day} ${MONTHS[month - 1]} ${year}, ${pad(hour)}:${pad(minute)}:${pad(second)}`
}

/** The time of day alone: `14:05:09`. */
export const clock = (moment: string | number | Date, zone: string): string => {
  const parsed = instant(moment)
  if (parsed === undefined) return NOTHING
  const { hour, minute, second } = partsOf(civilOf(parsed, zone))
  return `${pad(hour)}:${pad(minute)}:${pad(second)}`
}

/** `just now`, `5m ago`, `3d ago`. */
export const ago = (moment: string | number | Date, now = Date.now()): string => {
  const parsed = instant(moment)
  if (parsed === undefined) return NOTHING
  const seconds = Math.round((now - parsed) / 1000)
  if (Math.abs(seconds) < 5) return 'just now'
  const text = (duration(Math.abs(seconds)).split(' ')[0] ?? '').replace(/^(\d+)d$/, (_, days: string) =>
    longSpan(Number(days)),
  )
  return seconds > 0 ? `${text} ago` : `in ${text}`
}

const longSpan = (days: number) => {
  if (days < 60) return `${days}d`
  return days < 730 ? `${Math.floor(days / 30)}mo` : `${Math.floor(days / 365)}y`
}

/** A moment as the server writes it: RFC 3339, or the same with a space and no zone, which is UTC. */
export const instant = (moment: string | number | Date): number | undefined => {
  if (typeof moment !== 'string') return Number.isFinite(Number(moment)) ? Number(moment) : undefined
  const iso = moment.replace(' ', 'T')
  const found = Date.parse(/[zZ]$|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(found) ? undefined : found
}

const pad = (value: number) => String(value).padStart(2, '0')

/** A value of JSON in one line. */
export const value = (json: unknown): string => {
  if (json === null || json === undefined) return NOTHING
  if (typeof json === 'string') return json
  if (typeof json === 'number') return Number.isInteger(json) ? String(json) : number(json)
  return JSON.stringify(json)
}

const regions = new Intl.DisplayNames([locale], { type: 'region', fallback: 'none' })

/** A country by its code; the code where nobody knows it. */
export const country = (code: string): string => {
  if (!/^[A-Za-z]{2}$/.test(code)) return code
  return regions.of(code.toUpperCase()) ?? code
}

/** `1 event`, `2 events`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`

/** Names of PostHog's own events as people say them. */
const EVENTS: Record<string, string> = {
  $pageview: 'Pageview',
  $pageleave: 'Pageleave',
  $autocapture: 'Autocapture',
  $identify: 'Identify',
  $set: 'Set person properties',
  $screen: 'Screen',
  $exception: 'Exception',
  $web_vitals: 'Web vitals',
  $rageclick: 'Rageclick',
  $dead_click: 'Dead click',
  $groupidentify: 'Group identify',
  $create_alias: 'Alias',
  $feature_flag_called: 'Feature flag called',
  $ai_generation: 'AI generation',
  $ai_trace: 'AI trace',
  $ai_span: 'AI span',
}

export const eventName = (event: string | null | undefined): string => {
  if (event === null || event === undefined) return 'All events'
  return EVENTS[event] ?? event
}

/** What answers say where an event has no value, and for all beyond the limit. */
export const NONE = '$$_posthog_breakdown_null_$$'
export const OTHER = '$$_posthog_breakdown_other_$$'

export const breakdown = (found: string | string[] | undefined): string => {
  if (found === undefined) return ''
  if (Array.isArray(found)) return found.every((part) => part === OTHER) ? 'Other' : found.map(breakdown).join(' · ')
  if (found === NONE) return '(none)'
  return found === OTHER ? 'Other' : found
}
