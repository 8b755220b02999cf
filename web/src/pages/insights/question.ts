// What is asked on the insights' page: it stands in the address, and becomes what the server takes.
//
// One question for all kinds, so that somebody who looks at a trend and wonders about the funnel keeps the series.
import type {
  BreakdownFilter,
  Display,
  FunnelsRequest,
  Interval,
  LifecycleRequest,
  Math,
  PathsRequest,
  PathType,
  RetentionPeriod,
  RetentionRequest,
  SeriesNode,
  StickinessRequest,
  TrendsRequest,
  WebBreakdown,
  WebOverviewRequest,
} from '~/api/types'
import { type Filter, fromAddress, toAddress, toInsight } from '~/filters/model'
import type { Scope } from '~/scope'

/** The kinds that have a page; each also has a view. */
export const KINDS = {
  trends: 'Trends',
  funnels: 'Funnels',
  retention: 'Retention',
  paths: 'Paths',
  lifecycle: 'Lifecycle',
  stickiness: 'Stickiness',
  'web-overview': 'Web',
} as const

export type KindName = keyof typeof KINDS

export const isKind = (name: string): name is KindName => Object.hasOwn(KINDS, name)

export interface Asked {
  event: string | null
  math?: Math
  /** Of which property the math is. */
  property?: string
  of?: 'person'
  /** Filters, as an address has them. */
  f?: string[]
  name?: string
}

export type Look = 'line' | 'area' | 'bar' | 'stack' | 'total' | 'number'

export interface Question {
  series: Asked[]
  breakdown?: { of: Filter['of']; key: string }
  interval?: Interval
  formula?: string
  look?: Look
  isCumulative?: boolean
  order?: 'strict' | 'unordered'
  window?: number
  unit?: 'minute' | 'hour' | 'week'
  /** Of retention: how long a span is, how many, and who came. */
  period?: RetentionPeriod
  spans?: number
  who?: 'first' | 'ever'
  /** Of paths: which events are items, where ways begin and end, how long they are, and what is left out. */
  types?: PathType[]
  start?: string
  end?: string
  steps?: number
  without?: string[]
  /** Of visits: by what. */
  table?: WebBreakdown
}

export const PERIODS = ['Hour', 'Day', 'Week', 'Month'] as const satisfies RetentionPeriod[]
export const PATH_TYPES = {
  $pageview: 'Pages',
  $screen: 'Screens',
  custom_event: 'Own events',
} as const satisfies Record<PathType, string>
export const TABLES = {
  Page: 'Page',
  InitialPage: 'Entry page',
  ExitPage: 'Exit page',
  ScreenName: 'Screen',
  InitialReferringDomain: 'Referrer',
  InitialChannelType: 'Channel',
  InitialUTMSource: 'UTM source',
  InitialUTMMedium: 'UTM medium',
  InitialUTMCampaign: 'UTM campaign',
  Country: 'Country',
  Region: 'Region',
  City: 'City',
  DeviceType: 'Device',
  Browser: 'Browser',
  OS: 'System',
} as const satisfies Partial<Record<WebBreakdown, string>>

/** The first and the last that people choose of a number. */
export const MOST_SPANS = 31
export const MOST_STEPS = 10

export const USUAL: Question = { series: [{ event: '$pageview', math: 'dau' }] }

export const MATHS: { value: Math; label: string; of?: 'number' }[] = [
  { value: 'total', label: 'Events' },
  { value: 'dau', label: 'Persons' },
  { value: 'weekly_active', label: 'Persons of 7 days' },
  { value: 'monthly_active', label: 'Persons of 30 days' },
  { value: 'unique_session', label: 'Sessions' },
  { value: 'first_time_for_user', label: 'Persons, first time ever' },
  { value: 'avg_count_per_actor', label: 'Events per person, average' },
  { value: 'median_count_per_actor', label: 'Events per person, median' },
  { value: 'sum', label: 'Sum of', of: 'number' },
  { value: 'avg', label: 'Average of', of: 'number' },
  { value: 'median', label: 'Median of', of: 'number' },
  { value: 'min', label: 'Least of', of: 'number' },
  { value: 'max', label: 'Most of', of: 'number' },
  { value: 'p90', label: '90th percentile of', of: 'number' },
  { value: 'p95', label: '95th percentile of', of: 'number' },
  { value: 'p99', label: '99th percentile of', of: 'number' },
]

export const isOfNumber = (math: Math | undefined) => MATHS.some((one) => one.value === math && one.of === 'number')

const isText = (value: unknown): value is string => typeof value === 'string'
const one = <T extends string>(value: unknown, known: readonly T[]): T | undefined =>
  known.find((name) => name === value)

const readSeries = (value: unknown): Asked | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { event, math, property, of, f, name } = value as Record<string, unknown>
  const asked: Asked = { event: isText(event) ? event : null }
  const known = MATHS.find((one) => one.value === math)
  if (known && known.value !== 'total') asked.math = known.value
  if (isText(property)) asked.property = property
  if (of === 'person') asked.of = of
  const filters = Array.isArray(f) ? f.filter((text) => isText(text) && fromAddress(text) !== undefined) : []
  if (filters.length > 0) asked.f = filters as string[]
  if (isText(name) && name !== '') asked.name = name
  return asked
}

const whole = (value: unknown, least: number, most: number): number | undefined =>
  typeof value === 'number' && value >= least && value <= most ? globalThis.Math.floor(value) : undefined

const readRetention = (said: Record<string, unknown>): Partial<Question> => {
  const found: Partial<Question> = {}
  const period = one(said.period, ['Hour', 'Week', 'Month'] as const)
  if (period) found.period = period
  const spans = whole(said.spans, 2, MOST_SPANS)
  if (spans) found.spans = spans
  const who = one(said.who, ['first', 'ever'] as const)
  if (who) found.who = who
  return found
}

const readPaths = (said: Record<string, unknown>): Partial<Question> => {
  const found: Partial<Question> = {}
  const types = Object.keys(PATH_TYPES).filter((type) => Array.isArray(said.types) && said.types.includes(type))
  if (types.length > 0) found.types = types as PathType[]
  if (isText(said.start) && said.start !== '') found.start = said.start
  if (isText(said.end) && said.end !== '') found.end = said.end
  const steps = whole(said.steps, 2, MOST_STEPS)
  if (steps) found.steps = steps
  const without = (Array.isArray(said.without) ? said.without : []).filter(isText)
  if (without.length > 0) found.without = without
  const table = one(said.table, Object.keys(TABLES) as (keyof typeof TABLES)[])
  if (table) found.table = table
  return found
}

/** Reads the question of an address; what is wrong in it is left out. */
export const readQuestion = (text: string | undefined): Question => {
  if (!text) return USUAL
  let said: Record<string, unknown>
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return USUAL
    said = parsed as Record<string, unknown>
  } catch {
    return USUAL
  }
  const series = (Array.isArray(said.series) ? said.series : []).map(readSeries).filter((asked) => asked !== undefined)
  const question: Question = { series: series.length > 0 ? series.slice(0, 26) : USUAL.series }
  const breakdown = said.breakdown as { of?: unknown; key?: unknown } | undefined
  const of = one(breakdown?.of, ['event', 'person', 'event_metadata'] as const)
  if (of && isText(breakdown?.key)) question.breakdown = { of, key: breakdown.key }
  const interval = one(said.interval, ['minute', 'hour', 'day', 'week', 'month'] as const)
  if (interval) question.interval = interval
  if (isText(said.formula) && said.formula !== '') question.formula = said.formula
  const look = one(said.look, ['area', 'bar', 'stack', 'total', 'number'] as const)
  if (look) question.look = look
  if (said.isCumulative === true) question.isCumulative = true
  const order = one(said.order, ['strict', 'unordered'] as const)
  if (order) question.order = order
  if (typeof said.window === 'number' && said.window >= 1) question.window = globalThis.Math.floor(said.window)
  const unit = one(said.unit, ['minute', 'hour', 'week'] as const)
  if (unit) question.unit = unit
  return { ...question, ...readRetention(said), ...readPaths(said) }
}

/** The question as an address has it; the usual one is not said. */
export const writeQuestion = (question: Question): string | undefined => {
  const text = JSON.stringify(question)
  return text === JSON.stringify(USUAL) ? undefined : text
}

const node = ({ event, math, property, of, f, name }: Asked, withMath: boolean): SeriesNode => {
  const filters = toInsight((f ?? []).map(fromAddress).filter((filter) => filter !== undefined))
  return {
    kind: 'EventsNode',
    event,
    ...(name ? { custom_name: name } : {}),
    ...(withMath && math ? { math } : {}),
    ...(withMath && isOfNumber(math) && property
      ? { math_property: property, ...(of === 'person' ? { math_property_type: 'person_properties' as const } : {}) }
      : {}),
    ...(filters.length > 0 ? { properties: filters } : {}),
  }
}

/** Series that can be asked: one with a math of a property needs the property. */
export const isWhole = ({ math, property }: Asked) => !isOfNumber(math) || Boolean(property)

const DISPLAYS: Record<Look, Display> = {
  line: 'ActionsLineGraph',
  area: 'ActionsAreaGraph',
  bar: 'ActionsBar',
  stack: 'ActionsStackedBar',
  total: 'ActionsBarValue',
  number: 'BoldNumber',
}

const breakdownFilter = ({ breakdown }: Question): { breakdownFilter?: BreakdownFilter } =>
  breakdown ? { breakdownFilter: { breakdown: breakdown.key, breakdown_type: breakdown.of } } : {}

type Within = Pick<Scope, 'within' | 'compareFilter'>

export const trends = (question: Question, interval: Interval, { within, compareFilter }: Within): TrendsRequest => {
  const look = question.look ?? 'line'
  const isCumulative = question.isCumulative && (look === 'line' || look === 'area')
  return {
    ...within,
    series: question.series.filter(isWhole).map((asked) => node(asked, true)),
    interval,
    ...breakdownFilter(question),
    ...(compareFilter ? { compareFilter } : {}),
    trendsFilter: {
      display: isCumulative ? 'ActionsLineGraphCumulative' : DISPLAYS[look],
      ...(question.formula ? { formula: question.formula } : {}),
    },
  }
}

export const funnels = (question: Question, { within }: Within): FunnelsRequest => ({
  ...within,
  series: question.series.map((asked) => node(asked, false)),
  ...breakdownFilter(question),
  funnelsFilter: {
    ...(question.order ? { funnelOrderType: question.order } : {}),
    ...(question.window
      ? { funnelWindowInterval: question.window, funnelWindowIntervalUnit: question.unit ?? 'day' }
      : {}),
  },
})

export const lifecycle = (question: Question, interval: Interval, { within }: Within): LifecycleRequest => ({
  ...within,
  series: question.series.slice(0, 1).map((asked) => node(asked, false)),
  interval,
})

export const stickiness = (
  question: Question,
  interval: Interval,
  { within, compareFilter }: Within,
): StickinessRequest => ({
  ...within,
  series: question.series.map((asked) => node(asked, false)),
  interval,
  ...(compareFilter ? { compareFilter } : {}),
  ...(question.isCumulative ? { stickinessFilter: { computedAs: 'cumulative' as const } } : {}),
})

const entity = ({ event, f, name }: Asked) => {
  const filters = toInsight((f ?? []).map(fromAddress).filter((filter) => filter !== undefined))
  return {
    id: event,
    kind: 'EventsNode' as const,
    type: 'events' as const,
    ...(name ? { custom_name: name } : {}),
    ...(filters.length > 0 ? { properties: filters } : {}),
  }
}

const COMING = {
  first: 'retention_first_time',
  ever: 'retention_first_ever_occurrence',
} as const

export const USUAL_SPANS = 8

export const retention = (question: Question, { within }: Within): RetentionRequest => {
  const [target = { event: '$pageview' }, returning = target] = question.series
  return {
    ...within,
    ...breakdownFilter(question),
    retentionFilter: {
      period: question.period ?? 'Day',
      totalIntervals: question.spans ?? USUAL_SPANS,
      retentionType: question.who ? COMING[question.who] : 'retention_recurring',
      targetEntity: entity(target),
      returningEntity: entity(returning),
      ...(question.isCumulative ? { cumulative: true } : {}),
    },
  }
}

export const USUAL_STEPS = 5

export const paths = (question: Question, { within }: Within): PathsRequest => ({
  ...within,
  pathsFilter: {
    includeEventTypes: question.types ?? ['$pageview', '$screen'],
    stepLimit: question.steps ?? USUAL_STEPS,
    ...(question.start ? { startPoint: question.start } : {}),
    ...(question.end ? { endPoint: question.end } : {}),
    ...(question.without ? { excludeEvents: question.without } : {}),
  },
})

export const webOverview = (question: Question, { within, compareFilter }: Within): WebOverviewRequest => ({
  ...within,
  ...(compareFilter ? { compareFilter } : {}),
  ...(question.table ? { tables: [question.table], limit: 100 } : {}),
})

export const filtersOfSeries = ({ f }: Asked): Filter[] =>
  (f ?? []).map(fromAddress).filter((filter) => filter !== undefined)

export const withSeriesFilters = (asked: Asked, filters: Filter[]): Asked => {
  const { f: _, ...others } = asked
  return filters.length > 0 ? { ...others, f: filters.map(toAddress) } : others
}

/** A, B, C: what formulas call series. */
export const letter = (index: number): string => String.fromCharCode(65 + index)
