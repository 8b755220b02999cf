// Clocks: which date and time they show at a moment in a time zone, and which moment that is.
//
// A civil time is text, `2026-11-23T14:05:09`, or a date, `2026-11-23`: what people say and what the server takes. Days
// are counted on the calendar, so that one with 23 hours is a day, too.

export interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

const formatOf = (zone: string) => {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  formats.set(zone, made)
  return made
}

/** What clocks of the zone show at a moment. */
export const civilOf = (moment: number, zone: string): string => {
  const found: Record<string, string> = {}
  for (const { type, value } of formatOf(zone).formatToParts(moment)) found[type] = value
  return `${found.year}-${found.month}-${found.day}T${found.hour}:${found.minute}:${found.second}`
}

export const dateOf = (civil: string) => civil.slice(0, 10)

export const partsOf = (civil: string): Parts => {
  const [year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0] = civil.split(/[-T: ]/).map(Number)
  return { year, month, day, hour, minute, second }
}

/** The number of milliseconds that a civil time would be in UTC. */
const asUtc = (civil: string) => {
  const { year, month, day, hour, minute, second } = partsOf(civil)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** The moment at which clocks of the zone show this; the later one where none does, the first where they do twice. */
export const momentOf = (civil: string, zone: string): number => {
  const utc = asUtc(civil)
  const offsetAt = (moment: number) => asUtc(civilOf(moment, zone)) - moment
  const [early, late] = [utc - offsetAt(utc - 86_400_000), utc - offsetAt(utc + 86_400_000)]
  const shown = [early, late].filter((moment) => asUtc(civilOf(moment, zone)) === utc)
  return shown.length > 0 ? Math.min(...shown) : Math.max(early, late)
}

const fromUtc = (utc: number) => new Date(utc).toISOString().slice(0, 19)

export const addDays = (date: string, days: number): string => dateOf(fromUtc(asUtc(dateOf(date)) + days * 86_400_000))

/** The same day of another month, or that month's last one. */
export const addMonths = (date: string, months: number): string => {
  const { year, month, day } = partsOf(date)
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate()
  return dateOf(fromUtc(Date.UTC(year, month - 1 + months, Math.min(day, last))))
}

/** Days from one date to another. */
export const daysBetween = (from: string, to: string): number =>
  Math.round((asUtc(dateOf(to)) - asUtc(dateOf(from))) / 86_400_000)

/** Which day of the week, Sunday being 0. */
export const weekday = (date: string): number => new Date(asUtc(dateOf(date))).getUTCDay()
