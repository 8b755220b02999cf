// Visits: the figures of a range and their tables, as the insights of the web answer them.
import type { WebBreakdown, WebOverviewAnswer, WebRow } from '~/api/types'
import type { Filter } from '~/filters/model'
import * as format from '~/format/format'

export type Metric = 'visitors' | 'views' | 'sessions' | 'depth' | 'bounced' | 'seconds'

export interface Figure {
  metric: Metric
  label: string
  show: (value: number | null) => string
  isBadMore?: boolean
}

export const FIGURES: Figure[] = [
  { metric: 'visitors', label: 'Visitors', show: format.compact },
  { metric: 'views', label: 'Views', show: format.compact },
  { metric: 'sessions', label: 'Sessions', show: format.compact },
  {
    metric: 'depth',
    label: 'Views per session',
    show: (value) => (value === null ? format.NOTHING : value.toFixed(1)),
  },
  { metric: 'bounced', label: 'Bounce rate', show: format.percent, isBadMore: true },
  { metric: 'seconds', label: 'Duration', show: format.duration },
]

/** A figure of an answer, now or before; a share is of 1. */
export const figureOf = (
  { results }: Pick<WebOverviewAnswer, 'results'>,
  metric: Metric,
  when: 'value' | 'previous' = 'value',
): number | null => {
  const of = (key: string) => results.find((one) => one.key === key)?.[when] ?? null
  const sessions = of('sessions')
  switch (metric) {
    case 'visitors':
    case 'views':
    case 'sessions':
      return of(metric)
    case 'depth':
      return sessions ? (of('views') ?? 0) / sessions : null
    case 'bounced': {
      const percent = of('bounce rate')
      return percent === null || !sessions ? null : percent / 100
    }
    case 'seconds':
      return sessions ? of('session duration') : null
  }
}

/** What is clicked of a table becomes a filter on this property. */
export const PROPERTIES: Partial<Record<WebBreakdown, string>> = {
  Page: '$pathname',
  Host: '$host',
  InitialPage: '$pathname',
  ExitPage: '$pathname',
  ScreenName: '$screen_name',
  InitialChannelType: '$channel_type',
  InitialReferringDomain: '$referring_domain',
  InitialUTMSource: 'utm_source',
  InitialUTMMedium: 'utm_medium',
  InitialUTMCampaign: 'utm_campaign',
  Browser: '$browser',
  OS: '$os',
  DeviceType: '$device_type',
  Country: '$geoip_country_code',
  Region: '$geoip_subdivision_1_name',
  City: '$geoip_city_name',
}

/** The value of a row: of a place within a country the place. */
export const valueOf = ({ breakdown_value }: WebRow): string | null => {
  const value = Array.isArray(breakdown_value) ? (breakdown_value.at(-1) ?? null) : breakdown_value
  return value === '' ? null : value
}

/** The same for all rows of a table, and for it alone. */
export const keyOf = ({ breakdown_value }: WebRow): string => JSON.stringify(breakdown_value)

/** A value as people say it. */
export const said = (table: WebBreakdown, row: WebRow): string => {
  const value = valueOf(row)
  if (table === 'InitialReferringDomain') return value === null || value === '$direct' ? 'Direct' : value
  if (value === null) return '(none)'
  return table === 'Country' ? format.country(value) : value
}

/** What stands beside a value: the code of a country, the country of a place. */
export const beside = (table: WebBreakdown, { breakdown_value }: WebRow): string | undefined => {
  if (table === 'Country') return typeof breakdown_value === 'string' ? breakdown_value : undefined
  return Array.isArray(breakdown_value) ? (breakdown_value[0] ?? undefined) : undefined
}

/** The filter that a row stands for. */
export const filterOf = (table: WebBreakdown, row: WebRow): Filter | undefined => {
  const key = PROPERTIES[table]
  const value = valueOf(row)
  // Which channel is not known, no event says.
  if (!key || value === 'Unknown') return undefined
  return value === null
    ? { of: 'event', key, operator: 'is_not_set', values: [] }
    : { of: 'event', key, operator: 'exact', values: [value] }
}
