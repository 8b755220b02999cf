// Questions in SQL.
import { ask, askText } from './client'

export type Cell = string | number | boolean | null | Cell[] | { [name: string]: Cell }
export type Row = Record<string, Cell>

export const askSql = <R = Row>(query: string, signal?: AbortSignal): Promise<R[]> =>
  ask('/api/sql', { method: 'POST', body: { query, format: 'json' }, signal })

export const askCsv = (query: string, signal?: AbortSignal): Promise<string> =>
  askText('/api/sql', { method: 'POST', body: { query, format: 'csv' }, signal })

/** A text as SQL has it. */
export const text = (value: string) => `'${value.replaceAll("'", "''")}'`

/** A moment as SQL has it. */
export const moment = (time: number | Date) => `TIMESTAMP '${new Date(time).toISOString()}'`

/** A name, in quotes where it needs them. */
export const name = (value: string) => (/^[a-z_][a-z0-9_]*$/.test(value) ? value : `"${value.replaceAll('"', '""')}"`)
