// Filters: one model for every page. It stands in the address, and becomes what insights take, and SQL.
//
// In an address a filter is `key~operator~value~value`; a person's property begins with `person.`, a column of the
// event with `event.`.
import type { Operator, PropertyFilter } from '~/api/types'

export type Of = 'event' | 'person' | 'event_metadata'

export interface Filter {
  of: Of
  key: string
  operator: Operator
  values: string[]
}

/** The operators that people choose from, as they are said. */
export const OPERATORS = {
  exact: 'is',
  is_not: 'is not',
  icontains: 'contains',
  not_icontains: 'does not contain',
  regex: 'matches',
  not_regex: 'does not match',
  gt: 'more than',
  gte: 'at least',
  lt: 'less than',
  lte: 'at most',
  is_set: 'is set',
  is_not_set: 'is not set',
} as const satisfies Partial<Record<Operator, string>>

export type Offered = keyof typeof OPERATORS

export const takesNoValue = (operator: Operator) => operator === 'is_set' || operator === 'is_not_set'
export const takesManyValues = (operator: Operator) => operator === 'exact' || operator === 'is_not'

const escape = (part: string) => part.replaceAll('%', '%25').replaceAll('~', '%7E')
const unescape = (part: string) => part.replaceAll('%7E', '~').replaceAll('%25', '%')

const PREFIXES: Record<Of, string> = { event: '', person: 'person.', event_metadata: 'event.' }

export const toAddress = ({ of, key, operator, values }: Filter): string => {
  const known = of === 'event' && /^(person|event|property)\./.test(key) ? `property.${key}` : `${PREFIXES[of]}${key}`
  return [known, operator, ...values].map(escape).join('~')
}

/** Reads a filter of an address; what is none is left out. */
export const fromAddress = (text: string): Filter | undefined => {
  const [name, operator, ...values] = text.split('~').map(unescape)
  if (!name || !operator || !Object.hasOwn(OPERATORS, operator)) return undefined
  const [, prefix = '', key = ''] = /^(?:(person|event|property)\.)?(.*)$/s.exec(name) ?? []
  const of: Of = prefix === 'person' ? 'person' : prefix === 'event' ? 'event_metadata' : 'event'
  const known = operator as Offered
  if (!key || (values.length === 0 && !takesNoValue(known))) return undefined
  return { of, key, operator: known, values: takesNoValue(known) ? [] : values }
}

/** Filters as insights take them. */
export const toInsight = (filters: Filter[]): PropertyFilter[] =>
  filters.map(({ of, key, operator, values }) => ({
    key,
    type: of,
    operator,
    ...(takesNoValue(operator) ? {} : { value: takesManyValues(operator) ? values : (values[0] ?? '') }),
  }))

/** The filters of a request, as far as pages have them: a list, or a group whose parts must all hold. */
export const fromInsight = (properties: unknown): Filter[] => {
  if (!Array.isArray(properties)) {
    const group = properties as { type?: unknown; values?: unknown } | null | undefined
    return group?.type === 'OR' ? [] : Array.isArray(group?.values) ? fromInsight(group.values) : []
  }
  return properties.flatMap((one: Record<string, unknown>) => {
    if (Array.isArray(one.values)) return fromInsight(one)
    const { key, type = 'event', operator = 'exact', value } = one
    const isOf = type === 'event' || type === 'person' || type === 'event_metadata'
    if (typeof key !== 'string' || !isOf || !Object.hasOwn(OPERATORS, operator as string)) return []
    const known = operator as Offered
    const values = value === undefined || value === null ? [] : (Array.isArray(value) ? value : [value]).map(String)
    return [{ of: type, key, operator: known, values: takesNoValue(known) ? [] : values }]
  })
}

const sameProperty = (one: Filter, other: Filter) => one.of === other.of && one.key === other.key

export const isSame = (one: Filter, other: Filter) => toAddress(one) === toAddress(other)

/** The filters with one value picked: only it, or, of a value that was excluded, no longer excluded. */
export const narrowed = (filters: Filter[], picked: Filter): Filter[] => [
  ...filters.filter((filter) => !(sameProperty(filter, picked) && takesManyValues(filter.operator))),
  picked,
]

/** The filters without a value. */
export const excluding = (filters: Filter[], picked: Filter): Filter[] => {
  const there = filters.find((filter) => sameProperty(filter, picked) && filter.operator === 'is_not')
  if (!there) return [...filters, { ...picked, operator: 'is_not' }]
  const values = [...new Set([...there.values, ...picked.values])]
  return filters.map((filter) => (filter === there ? { ...there, values } : filter))
}

/** What people call a property. */
export const LABELS: Record<string, string> = {
  $pathname: 'Page',
  $current_url: 'Address',
  $host: 'Host',
  $referring_domain: 'Referrer',
  $referrer: 'Referring page',
  $channel_type: 'Channel',
  $geoip_country_code: 'Country',
  $geoip_subdivision_1_name: 'Region',
  $geoip_city_name: 'City',
  $browser: 'Browser',
  $browser_version: 'Browser version',
  $os: 'System',
  $os_version: 'System version',
  $device_type: 'Device',
  $screen_width: 'Screen width',
  $lib: 'SDK',
  $lib_version: 'SDK version',
  $bot: 'Bot',
  $ip: 'IP address',
  $session_id: 'Session',
  utm_source: 'UTM source',
  utm_medium: 'UTM medium',
  utm_campaign: 'UTM campaign',
  utm_content: 'UTM content',
  utm_term: 'UTM term',
}

const COLUMN_LABELS: Record<string, string> = { event: 'Event', distinct_id: 'Distinct id', person_id: 'Person' }

export const labelOf = (of: Of, key: string): string => {
  if (of === 'event_metadata') return COLUMN_LABELS[key] ?? key
  return LABELS[key] ?? first(key) ?? key
}

/** What SDKs keep of a person's first visit. */
const first = (key: string): string | undefined => {
  const label = key.startsWith('$initial_') ? (LABELS[`$${key.slice(9)}`] ?? LABELS[key.slice(9)]) : undefined
  return label && `First ${label.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())}`
}
