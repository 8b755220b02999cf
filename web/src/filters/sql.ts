// Filters in SQL, for pages whose questions no insight answers.
//
// A property is compared by its text; what is not there is not set. A column of `events` answers where there is one:
// it is far cheaper to read than JSON.
import { moment, text } from '~/api/sql'
import type { Operator } from '~/api/types'
import type { Filter } from './model'
import type { Resolved } from './range'

/** Properties that are columns of `events`; docs/events.md has them all. */
export const COLUMNS: Record<string, string> = {
  $session_id: 'session_id',
  $window_id: 'window_id',
  $current_url: 'current_url',
  $host: 'host',
  $pathname: 'pathname',
  $referrer: 'referrer',
  $referring_domain: 'referring_domain',
  $browser: 'browser',
  $browser_version: 'browser_version',
  $os: 'os',
  $os_version: 'os_version',
  $device_type: 'device_type',
  $screen_width: 'screen_width',
  $screen_height: 'screen_height',
  $lib: 'lib',
  $lib_version: 'lib_version',
  $geoip_country_code: 'country_code',
  $geoip_subdivision_1_name: 'region',
  $geoip_city_name: 'city',
  utm_source: 'utm_source',
  utm_medium: 'utm_medium',
  utm_campaign: 'utm_campaign',
  utm_content: 'utm_content',
  utm_term: 'utm_term',
  $ip: 'ip',
  $bot: 'bot',
  $channel_type: 'channel_type',
  $screen_name: 'screen_name',
}

const NUMBERS = new Set(['screen_width', 'screen_height'])
const METADATA = new Set(['event', 'distinct_id', 'person_id', 'uuid', 'person_mode'])

/** SQL for the text of an event's property. */
export const property = (key: string): string => {
  const column = COLUMNS[key]
  if (!column) return `properties->>${text(key)}`
  return NUMBERS.has(column) ? `CAST(${column} AS VARCHAR)` : column
}

const NEGATIVE: Partial<Record<Operator, Operator>> = {
  is_not: 'exact',
  not_icontains: 'icontains',
  not_regex: 'regex',
  is_not_set: 'is_set',
}

/** SQL for what a filter asks for. */
export const condition = (filter: Filter, team: number): string => {
  if (filter.of === 'person') return ofPersons(filter, team)
  if (filter.of === 'event') return compare(property(filter.key), filter)
  return compare(METADATA.has(filter.key) ? filter.key : 'NULL', filter)
}

/** The persons are picked first, and no statement needs a join. Who has no profile has no property either. */
const ofPersons = (filter: Filter, team: number): string => {
  const opposite = NEGATIVE[filter.operator]
  const found = compare(`properties->>${text(filter.key)}`, { ...filter, operator: opposite ?? filter.operator })
  return `person_id ${opposite ? 'NOT IN' : 'IN'} (SELECT id FROM persons WHERE team_id = ${team} AND ${found})`
}

const compare = (value: string, { operator, values }: Filter): string => {
  const [first = ''] = values
  const list = values.map(text).join(', ')
  const number = Number(first)
  const isNumber = first.trim() !== '' && Number.isFinite(number)
  const ordered = (sign: string) =>
    isNumber ? `number_of(${value}) ${sign} ${number}` : `${value} ${sign} ${text(first)}`
  switch (operator) {
    case 'exact':
      return `${value} IN (${list})`
    case 'is_not':
      return `(${value} IS NULL OR ${value} NOT IN (${list}))`
    case 'icontains':
      return `contains(lower(${value}), ${text(first.toLowerCase())})`
    case 'not_icontains':
      return `(${value} IS NULL OR NOT contains(lower(${value}), ${text(first.toLowerCase())}))`
    case 'regex':
      return `regexp_like(${value}, ${text(first)})`
    case 'not_regex':
      return `(${value} IS NULL OR NOT regexp_like(${value}, ${text(first)}))`
    case 'gt':
      return ordered('>')
    case 'gte':
      return ordered('>=')
    case 'lt':
      return ordered('<')
    case 'lte':
      return ordered('<=')
    case 'is_set':
      return `${value} IS NOT NULL`
    case 'is_not_set':
      return `${value} IS NULL`
    default:
      throw new Error(`${operator} is not offered`)
  }
}

export interface Scope {
  team: number
  filters: Filter[]
  /** Without what bots sent. */
  withoutBots: boolean
}

/** SQL for the events of a project that pass the filters. */
export const passing = ({ team, filters, withoutBots }: Scope): string => {
  const conditions = [`team_id = ${team}`, ...filters.map((filter) => condition(filter, team))]
  if (withoutBots) conditions.push('bot IS NULL')
  return conditions.join(' AND ')
}

/** SQL for the events of a range. */
export const within = (range: Resolved): string =>
  `timestamp >= ${moment(range.since)} AND timestamp < ${moment(range.until)}`
