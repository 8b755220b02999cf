// What every page works with: the project, its clocks, the range, the filters; and how to change them.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react'
import { askProjects } from './api/people'
import { askSql } from './api/sql'
import type { Project as Configured } from './api/types'
import { excluding, type Filter, isSame, narrowed, toInsight } from './filters/model'
import {
  before,
  type Comparison,
  comparedTo,
  dateRange,
  parseRange,
  type RangeName,
  resolve,
  type Resolved,
  USUAL,
} from './filters/range'
import { filtersOf, type SharedSearch, withFilters } from './filters/search'

export interface Project {
  team: number
  name: string
  token: string | null
  zone: string
  /** As far as is known; what is stored of events of later comes by and by. `undefined` until they are counted. */
  events: number | undefined
}

/** Of tokens that no project has. */
const NOBODYS: Project = { team: 0, name: 'No project', token: null, zone: 'UTC', events: undefined }

/** Where there is no project yet: that of `POSTHOG_API_KEY`. */
const FIRST = 1

interface Counted {
  team: number
  token: string | null
  events: number
  last: string | null
}

/** How many events there are of each project. */
const countsQuery = queryOptions({
  queryKey: ['events-of-projects'],
  queryFn: ({ signal }) =>
    askSql<Counted>(
      'SELECT team_id AS team, max(token) AS token, count(*) AS events, max(timestamp) AS last FROM events GROUP BY team_id LIMIT 1000',
      signal,
    ),
  staleTime: 5 * 60_000,
})

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: ({ signal }) => askProjects(signal),
  staleTime: 60_000,
})

export const useCounts = (poll = false) => useQuery({ ...countsQuery, refetchInterval: poll ? 2_000 : false })

/** All projects by their numbers, and that which is none where it has events. */
const listOf = (configured: Configured[], counts: Counted[] | undefined): Project[] => {
  const eventsOf = (team: number) => counts && (counts.find((one) => one.team === team)?.events ?? 0)
  const projects = configured.map(({ id, name, token, time_zone }) => ({
    team: id,
    name: name || `Project ${id}`,
    token,
    zone: time_zone,
    events: eventsOf(id),
  }))
  // Of an earlier configuration.
  const others = (counts ?? [])
    .filter(({ team }) => team > 0 && !projects.some((one) => one.team === team))
    .map(({ team, token, events }) => ({ team, name: `Project ${team}`, token, zone: 'UTC', events }))
  const nobodys = eventsOf(0) ? [{ ...NOBODYS, events: eventsOf(0) }] : []
  return [...[...projects, ...others].sort((one, other) => one.team - other.team), ...nobodys]
}

// A clock that ticks once a minute, so that ranges go on with time, and not with every drawing.
const MINUTE = 60_000
let minute = Math.floor(Date.now() / MINUTE) * MINUTE
const waiting = new Set<() => void>()
setInterval(() => {
  const next = Math.floor(Date.now() / MINUTE) * MINUTE
  if (next === minute) return
  minute = next
  for (const listener of waiting) listener()
}, 5_000)
const onMinute = (listener: () => void) => {
  waiting.add(listener)
  return () => waiting.delete(listener)
}
export const useMinute = () => useSyncExternalStore(onMinute, () => minute)

export interface Ground {
  project: Project
  projects: Project[]
  zone: string
}

const GroundContext = createContext<Ground | undefined>(undefined)
export const GroundProvider = GroundContext.Provider

/**
 * Finds the project and its clocks: what all questions need first.
 *
 * To count all events takes a while where there are many, and fails where the lake does. It is waited for only to find
 * the project with the most of several.
 */
export const useGround = () => {
  const search: SharedSearch = useSearch({ strict: false })
  const configured = useQuery(projectsQuery)
  const counts = useCounts()
  const ground = useMemo<Ground | undefined>(() => {
    if (!configured.data) return undefined
    const isKnown = search.project !== undefined || configured.data.length === 1
    if (!counts.data && !counts.error && !isKnown) return undefined
    const projects = listOf(configured.data, counts.data)
    const most = [...projects].sort((one, other) => (other.events ?? 0) - (one.events ?? 0))
    const usual = projects.find(({ team, events }) => team > 0 && events) ?? most[0]
    const team = search.project ?? usual?.team ?? FIRST
    const unknown = team === NOBODYS.team ? NOBODYS : { ...NOBODYS, team, name: `Project ${team}` }
    const project = projects.find((one) => one.team === team) ?? unknown
    return { project, projects, zone: project.zone }
  }, [configured.data, counts.data, counts.error, search.project])
  return { ground, error: configured.error, retry: () => configured.refetch() }
}

export interface Scope extends Ground {
  team: number
  rangeName: RangeName
  range: Resolved
  comparison: Comparison | undefined
  compared: Resolved | undefined
  filters: Filter[]
  withoutBots: boolean
  withoutTests: boolean
  setRange: (range: RangeName) => void
  setComparison: (comparison: Comparison | undefined) => void
  setFilters: (filters: Filter[]) => void
  setWithoutBots: (without: boolean) => void
  setWithoutTests: (without: boolean) => void
  /** Only what has this value. */
  pick: (filter: Filter) => void
  /** Only what has it not. */
  exclude: (filter: Filter) => void
  /** What insights are asked within. */
  within: {
    dateRange: ReturnType<typeof dateRange>
    properties?: ReturnType<typeof toInsight>
    filterBots?: true
    filterTestAccounts?: true
  }
  compareFilter: { compare: true; compare_to: string } | undefined
}

export const useGroundNow = (): Ground => {
  const ground = useContext(GroundContext)
  if (!ground) throw new Error('a page without a project')
  return ground
}

/** What a page works with, of an address; `change` writes another one. */
export const scopeOf = (
  ground: Ground,
  search: SharedSearch,
  now: number,
  change: (make: (search: SharedSearch) => SharedSearch) => void,
): Scope => {
  const { project, zone } = ground
  const rangeName = parseRange(search.range)
  const range = resolve(rangeName, zone, now)
  const filters = filtersOf(search)
  const comparison = search.compare
  const replace = (filters: Filter[]) =>
    change((old) => ({ ...old, f: undefined, ...withFilters({} as SharedSearch, filters) }))
  const properties = toInsight(filters)
  return {
    ...ground,
    team: project.team,
    rangeName,
    range,
    comparison,
    compared: comparison && before(range, comparison),
    filters,
    withoutBots: search.bots === 'out',
    withoutTests: search.test === 'out',
    setRange: (name) => change((old) => ({ ...old, range: name === USUAL ? undefined : name })),
    setComparison: (compare) => change((old) => ({ ...old, compare })),
    setFilters: replace,
    setWithoutBots: (without) => change((old) => ({ ...old, bots: without ? 'out' : undefined })),
    setWithoutTests: (without) => change((old) => ({ ...old, test: without ? 'out' : undefined })),
    pick: (filter) =>
      replace(
        filters.some((one) => isSame(one, filter))
          ? filters.filter((one) => !isSame(one, filter))
          : narrowed(filters, filter),
      ),
    exclude: (filter) => replace(excluding(filters, filter)),
    within: {
      dateRange: dateRange(range),
      ...(properties.length > 0 ? { properties } : {}),
      ...(search.bots === 'out' ? { filterBots: true as const } : {}),
      ...(search.test === 'out' ? { filterTestAccounts: true as const } : {}),
    },
    compareFilter: comparison && { compare: true, compare_to: comparedTo(range, comparison) },
  }
}

export const useScope = (): Scope => {
  const ground = useGroundNow()
  const search: SharedSearch = useSearch({ strict: false })
  const navigate = useNavigate()
  const now = useMinute()
  return useMemo(
    () =>
      scopeOf(
        ground,
        search,
        now,
        (make) => void navigate({ to: '.', search: (old: SharedSearch) => make(old) as never }),
      ),
    // The address is compared by what it says, since every page of it makes a new object.
    [ground, now, navigate, JSON.stringify(search)],
  )
}
