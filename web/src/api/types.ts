// The words of the server's own description, and of its answers where it describes them as objects only.
import type { components, paths } from './schema.gen'

type Schemas = components['schemas']

export type TrendsRequest = Schemas['Trends']
export type FunnelsRequest = Schemas['Funnels']
export type LifecycleRequest = Schemas['Lifecycle']
export type StickinessRequest = Schemas['Stickiness']
export type RetentionRequest = Schemas['Retention']
export type PathsRequest = Schemas['Paths']
export type ErrorsRequest = Schemas['Errors']
export type WebOverviewRequest = Schemas['WebOverview']
export type WebTableRequest = Schemas['WebTable']
export type WebBreakdown = Schemas['WebBreakdown']
export type RetentionPeriod = Schemas['RetentionPeriod']
export type PathType = Schemas['PathType']
export type Saved = Schemas['Saved']
export type ApiKey = Schemas['ApiKey']
export type Project = Schemas['Project']
export type Receipt = Schemas['Receipt']
export type Member = Schemas['User']
export type Role = Member['role']
export type Permission = Schemas['Session']['permissions'][number]
export type Point = Schemas['Point']
export type SeriesNode = Schemas['Node']
export type PropertyFilter = Schemas['PropertyFilter']
export type Operator = Schemas['Operator']
export type PropertyType = Schemas['PropertyType']
export type Interval = Schemas['Interval']
export type Math = Schemas['Math']
export type Display = Schemas['Display']
export type DateRange = Schemas['DateRange']
export type BreakdownFilter = Schemas['BreakdownFilter']
export type Person = Schemas['Person']
export type DeadLetters = paths['/api/dead-letters']['get']['responses'][200]['content']['application/json']
export type Resending = DeadLetters['resending']
export type RowsAsOf = paths['/api/freshness']['get']['responses'][200]['content']['application/json']
export type Kind = paths['/api/insights/{kind}']['post']['parameters']['path']['kind']

export interface Requests {
  trends: TrendsRequest
  funnels: FunnelsRequest
  lifecycle: LifecycleRequest
  stickiness: StickinessRequest
  retention: RetentionRequest
  paths: PathsRequest
  errors: ErrorsRequest
  'web-overview': WebOverviewRequest
  'web-table': WebTableRequest
}

interface Answered {
  timezone: string
  resolved_date_range: { date_from: string; date_to: string }
  /** The statements that were run. */
  sql: string[]
}

export type BreakdownValue = string | string[]

export interface Line {
  order: number
  label: string
  data: number[]
  days: string[]
  count: number
  aggregated_value?: number
  breakdown_value?: BreakdownValue
  compare_label?: 'current' | 'previous'
}

export interface TrendsAnswer extends Answered {
  results: Line[]
  interval: Interval
  hasMore: boolean
}

export interface LifecycleLine {
  status: 'new' | 'returning' | 'resurrecting' | 'dormant'
  label: string
  data: number[]
  days: string[]
  count: number
}

export interface LifecycleAnswer extends Answered {
  results: LifecycleLine[]
  interval: Interval
}

export interface StickinessLine {
  action: { order: number }
  label: string
  data: number[]
  days: (number | string)[]
  count: number
  compare_label?: 'current' | 'previous'
}

export interface StickinessAnswer extends Answered {
  results: StickinessLine[]
  interval: Interval
}

export interface Step {
  order: number
  name: string
  custom_name: string | null
  count: number
  average_conversion_time: number | null
  median_conversion_time: number | null
  breakdown_value?: BreakdownValue
}

export interface FunnelsAnswer extends Answered {
  /** A list for each value where there is a breakdown. */
  results: Step[] | Step[][]
}

export interface Cohort {
  date: string
  label: string
  /** Who came, and how many of them so many spans later. */
  values: { label: string; count: number }[]
  breakdown_value?: BreakdownValue
}

export interface RetentionAnswer extends Answered {
  results: Cohort[]
}

export interface Edge {
  source: string
  target: string
  value: number
  /** Milliseconds. */
  average_conversion_time: number
}

export interface PathsAnswer extends Answered {
  results: Edge[]
}

export interface Issue {
  fingerprint: string
  name: string | null
  description: string | null
  frame: string | null
  first_seen: string
  last_seen: string
  aggregations: { occurrences: number; users: number; sessions: number; volumeRange: number[] }
  last_event: {
    uuid: string
    timestamp: string
    distinct_id: string
    person_id: string
    properties: Record<string, unknown>
  }
}

export interface ErrorsAnswer extends Answered {
  results: Issue[]
  days: string[]
  interval: Interval
  hasMore: boolean
}

export type WebFigure = 'visitors' | 'views' | 'sessions' | 'session duration' | 'bounce rate'

interface WebCounts {
  visitors: number
  views: number
  sessions: number
  /** Of 1. */
  bounce_rate: number | null
}

export interface WebRow extends WebCounts {
  breakdown_value: string | null | (string | null)[]
  previous?: WebCounts | null
}

export interface WebOverviewAnswer extends Answered {
  results: { key: WebFigure; value: number | null; previous: number | null }[]
  /** Who did anything within five minutes. */
  visitors_now: number
  tables?: Partial<Record<WebBreakdown, WebRow[]>>
}

export interface WebTableAnswer extends Answered {
  results: WebRow[]
  hasMore: boolean
}

export interface Answers {
  trends: TrendsAnswer
  funnels: FunnelsAnswer
  lifecycle: LifecycleAnswer
  stickiness: StickinessAnswer
  retention: RetentionAnswer
  paths: PathsAnswer
  errors: ErrorsAnswer
  'web-overview': WebOverviewAnswer
  'web-table': WebTableAnswer
}

export interface PersonBehind {
  id: string
  /** Where the kind counts events. */
  event_count?: number
  properties: Record<string, unknown>
}

export interface PersonsBehind {
  persons: PersonBehind[]
  next: number | null
  sql: string[]
}

export interface PersonsPage {
  persons: Person[]
  next: number | null
}

export interface TimelineEvent {
  uuid: string
  event: string
  distinct_id: string
  timestamp: string
  session_id: string | null
  current_url: string | null
  properties: Record<string, unknown>
}

export interface TimelinePage {
  events: TimelineEvent[]
  next: string | null
}
