// What every page has in its address: project, range, what it is compared with, filters.
import { type Filter, fromAddress, toAddress } from './model'
import { type Comparison, parseRange, type RangeName, USUAL } from './range'

/** The members of an address, as it has them; what is usual is not there. */
export interface SharedSearch {
  project?: number
  range?: RangeName
  compare?: Comparison
  /** Filters. */
  f?: string[]
  /** Without bots, without test users. */
  bots?: 'out'
  test?: 'out'
}

export const SHARED = ['project', 'range', 'compare', 'f', 'bots', 'test'] as const

const list = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  return typeof value === 'string' ? [value] : []
}

/** What goes along to another page. */
export const keep = (search: SharedSearch): SharedSearch =>
  Object.fromEntries(SHARED.filter((name) => search[name] !== undefined).map((name) => [name, search[name]]))

/** Reads what all pages share, and leaves out what is wrong or usual. */
export const parseShared = (search: Record<string, unknown>): SharedSearch => {
  const shared: SharedSearch = {}
  const project = Number(search.project)
  if (search.project !== undefined && Number.isSafeInteger(project) && project >= 0) shared.project = project
  const range = parseRange(search.range)
  if (range !== USUAL) shared.range = range
  if (search.compare === 'previous' || search.compare === 'year') shared.compare = search.compare
  const filters = list(search.f).filter((text) => fromAddress(text))
  if (filters.length > 0) shared.f = filters
  if (search.bots === 'out') shared.bots = 'out'
  if (search.test === 'out') shared.test = 'out'
  return shared
}

export const filtersOf = (search: SharedSearch): Filter[] =>
  (search.f ?? []).map(fromAddress).filter((filter) => filter !== undefined)

export const withFilters = <S extends SharedSearch>(search: S, filters: Filter[]): S => {
  const { f: _, ...others } = search
  return (filters.length > 0 ? { ...others, f: filters.map(toAddress) } : others) as S
}

/** An address's query, with lists as repeated members, so that people can read it. */
export const stringifySearch = (search: object): string => {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === '') continue
    for (const item of Array.isArray(value) ? value : [value]) {
      params.append(name, typeof item === 'object' ? JSON.stringify(item) : String(item))
    }
  }
  // Characters that need no escape in a query, and are easier to read without.
  const query = params
    .toString()
    .replaceAll('%7E', '~')
    .replaceAll('%24', '$')
    .replaceAll('%2F', '/')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
  return query ? `?${query}` : ''
}

export const parseSearch = (query: string): Record<string, unknown> => {
  const found: Record<string, unknown> = {}
  const params = new URLSearchParams(query)
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    found[name] = values.length > 1 ? values : values[0]
  }
  return found
}
