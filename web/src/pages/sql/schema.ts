// The tables that there are, as the server tells them.
import { queryOptions } from '@tanstack/react-query'
import { askSql } from '~/api/sql'

export interface Table {
  table: string
  columns: { name: string; type: string }[]
}

export type Schema = Table[]

/** Those that people ask first. */
const FIRST = ['events', 'persons', 'groups', 'person_distinct_ids', 'sessions', 'pageviews', 'errors']

const rank = (table: string) => {
  const at = FIRST.indexOf(table)
  if (at >= 0) return at
  return table.endsWith('_raw') ? 100 : 50
}

/** Types as people say them. */
const typeOf = (type: string): string => {
  if (type.startsWith('Timestamp')) return 'time'
  if (/^U?Int/.test(type)) return 'integer'
  if (/^Float|^Decimal/.test(type)) return 'number'
  if (/^(Large)?Utf8/.test(type)) return 'text'
  return type.toLowerCase()
}

export const schemaQuery = queryOptions({
  queryKey: ['schema'],
  queryFn: async ({ signal }): Promise<Schema> => {
    const rows = await askSql<{ table_name: string; column_name: string; data_type: string }>(
      "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'default' ORDER BY table_name, ordinal_position",
      signal,
    )
    const tables = new Map<string, Table['columns']>()
    for (const { table_name, column_name, data_type } of rows) {
      tables.set(table_name, [...(tables.get(table_name) ?? []), { name: column_name, type: typeOf(data_type) }])
    }
    const found = [...tables].map(([table, columns]) => ({ table, columns }))
    return found.sort((one, other) => rank(one.table) - rank(other.table) || one.table.localeCompare(other.table))
  },
  staleTime: 10 * 60_000,
})
