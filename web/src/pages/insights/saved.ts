// What is kept of an insight: its request, as PostHog keeps it, with a range that goes on with time; and the question
// that such a request was.
import type { BreakdownFilter, Display, Requests, SeriesNode } from '~/api/types'
import { fromInsight, toAddress } from '~/filters/model'
import { rangeOfSaved, savedRange, USUAL } from '~/filters/range'
import type { SharedSearch } from '~/filters/search'
import type { Scope } from '~/scope'
import {
  type Asked,
  funnels,
  type KindName,
  lifecycle,
  type Look,
  MATHS,
  paths,
  type Question,
  readQuestion,
  retention,
  stickiness,
  trends,
  webOverview,
} from './question'
import { intervalOf } from './interval'

/** What PostHog calls the requests. */
const NAMES: Record<KindName, string> = {
  trends: 'TrendsQuery',
  funnels: 'FunnelsQuery',
  retention: 'RetentionQuery',
  paths: 'PathsQuery',
  lifecycle: 'LifecycleQuery',
  stickiness: 'StickinessQuery',
  'web-overview': 'WebOverviewQuery',
}

/** The request of a question, whatever its kind. */
export const requestOf = (kind: KindName, question: Question, scope: Scope): Requests[KindName] => {
  switch (kind) {
    case 'trends':
      return trends(question, intervalOf(question, scope), scope)
    case 'funnels':
      return funnels(question, scope)
    case 'retention':
      return retention(question, scope)
    case 'paths':
      return paths(question, scope)
    case 'lifecycle':
      return lifecycle(question, intervalOf(question, scope), scope)
    case 'stickiness':
      return stickiness(question, intervalOf(question, scope), scope)
    case 'web-overview':
      return webOverview(question, scope)
  }
}

/** What is kept of a question. */
export const writeSaved = (kind: KindName, question: Question, scope: Scope, now: number): Record<string, unknown> => {
  const request = requestOf(kind, question, scope)
  const isCompared = 'compareFilter' in request && scope.comparison !== undefined
  return {
    kind: NAMES[kind],
    ...request,
    dateRange: savedRange(scope.rangeName, scope.zone, now),
    // The length of the period before changes with the month.
    ...(isCompared
      ? { compareFilter: scope.comparison === 'year' ? { compare: true, compare_to: '-1y' } : { compare: true } }
      : {}),
  }
}

export interface Opened {
  kind: KindName
  question: Question
  search: SharedSearch
}

type Members = Record<string, unknown>

const members = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {})
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

const LOOKS: Partial<Record<Display, Look>> = {
  ActionsAreaGraph: 'area',
  ActionsBar: 'bar',
  ActionsStackedBar: 'stack',
  ActionsBarValue: 'total',
  ActionsPie: 'total',
  ActionsTable: 'total',
  WorldMap: 'total',
  BoldNumber: 'number',
}

const asked = (node: SeriesNode & { id?: string | null }): Asked => {
  const filters = fromInsight(node.properties)
  const known = MATHS.find(({ value }) => value === node.math && value !== 'total')
  return {
    event: node.event ?? node.id ?? null,
    ...(known ? { math: known.value } : {}),
    ...(node.math_property ? { property: node.math_property } : {}),
    ...(node.math_property_type === 'person_properties' ? { of: 'person' as const } : {}),
    ...(filters.length > 0 ? { f: filters.map(toAddress) } : {}),
    ...(node.custom_name ? { name: node.custom_name } : {}),
  }
}

const breakdownOf = (filter: BreakdownFilter | null | undefined): Question['breakdown'] => {
  const first = filter?.breakdowns?.[0]
  const key = first?.property ?? (Array.isArray(filter?.breakdown) ? filter.breakdown[0] : filter?.breakdown)
  const of = first?.type ?? filter?.breakdown_type ?? 'event'
  if (typeof key !== 'string' || (of !== 'event' && of !== 'person' && of !== 'event_metadata')) return undefined
  return { of, key }
}

/** Reads what is kept. What no page has is left out; what is of another kind is not read. */
export const readSaved = (definition: unknown, zone: string, now: number): Opened | undefined => {
  const said = members(definition)
  const found = Object.entries(NAMES).find(([, name]) => name === said.kind)
  if (!found) return undefined
  const kind = found[0] as KindName
  const filters = fromInsight(said.properties)
  const compare = members(said.compareFilter)
  const range = rangeOfSaved(said.dateRange as never, zone, now)
  const search: SharedSearch = {
    ...(range === USUAL ? {} : { range }),
    ...(compare.compare === true
      ? { compare: /^-(1y|365d)$/.test(String(compare.compare_to)) ? ('year' as const) : ('previous' as const) }
      : {}),
    ...(filters.length > 0 ? { f: filters.map(toAddress) } : {}),
    ...(said.filterBots === true ? { bots: 'out' as const } : {}),
    ...(said.filterTestAccounts === true ? { test: 'out' as const } : {}),
  }
  // What was read is checked as an address is.
  return { kind, question: readQuestion(JSON.stringify(questionOf(kind, said))), search }
}

const questionOf = (kind: KindName, said: Members): Partial<Question> => {
  const series = Array.isArray(said.series) ? (said.series as SeriesNode[]).map(asked) : []
  const breakdown = breakdownOf(said.breakdownFilter as BreakdownFilter)
  const common = {
    series,
    ...(breakdown ? { breakdown } : {}),
    ...(said.interval ? { interval: said.interval as Question['interval'] } : {}),
  }
  switch (kind) {
    case 'trends': {
      const { display, formula } = members(said.trendsFilter)
      const look = LOOKS[display as Display]
      return {
        ...common,
        ...(text(formula) ? { formula: formula as string } : {}),
        ...(look ? { look } : {}),
        ...(display === 'ActionsLineGraphCumulative' ? { isCumulative: true } : {}),
      }
    }
    case 'funnels': {
      const { funnelOrderType, funnelWindowInterval, funnelWindowIntervalUnit } = members(said.funnelsFilter)
      return {
        ...common,
        order: funnelOrderType as never,
        window: funnelWindowInterval as never,
        unit: funnelWindowIntervalUnit as never,
      }
    }
    case 'stickiness':
      return {
        ...common,
        ...(members(said.stickinessFilter).computedAs === 'cumulative' ? { isCumulative: true } : {}),
      }
    case 'retention': {
      const filter = members(said.retentionFilter)
      const [target, returning] = [filter.targetEntity, filter.returningEntity].map((one) =>
        one ? asked(one as SeriesNode) : { event: '$pageview' },
      )
      const isSame = JSON.stringify(target) === JSON.stringify(returning)
      const who = { retention_first_time: 'first', retention_first_ever_occurrence: 'ever' } as const
      return {
        ...common,
        series: (isSame ? [target] : [target, returning]) as Asked[],
        period: filter.period as never,
        spans: filter.totalIntervals as never,
        who: who[filter.retentionType as keyof typeof who],
        ...(filter.cumulative === true ? { isCumulative: true } : {}),
      }
    }
    case 'paths': {
      const filter = members(said.pathsFilter)
      return {
        types: filter.includeEventTypes as never,
        start: filter.startPoint as never,
        end: filter.endPoint as never,
        steps: filter.stepLimit as never,
        without: filter.excludeEvents as never,
      }
    }
    case 'lifecycle':
      return common
    case 'web-overview':
      return { table: (Array.isArray(said.tables) ? said.tables[0] : undefined) as never }
  }
}

const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(
    entries.sort(([one], [other]) => one.localeCompare(other)).map(([key, one]) => [key, inOrder(one)]),
  )
}

/** Whether two say the same, in whatever order: the server tells members in another one. */
export const isSameJson = (one: unknown, other: unknown): boolean =>
  JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other))
