// What events, properties and values there are, for those who choose.
import { queryOptions } from '@tanstack/react-query'
import { askSql, moment, text } from './api/sql'
import { property } from './filters/sql'

const DAY = 86_400_000
const SAMPLE = 5_000

/** To the hour, so that an answer is kept for a while. */
const daysAgo = (days: number) => moment(Math.floor(Date.now() / 3_600_000) * 3_600_000 - days * DAY)

export interface NamedEvent {
  event: string
  total: number
  last: string
}

/** Events of the last 30 days, the most frequent first. */
export const eventsQuery = (team: number) =>
  queryOptions({
    queryKey: ['events', team],
    queryFn: ({ signal }) =>
      askSql<NamedEvent>(
        `SELECT event, count(*) AS total, max(timestamp) AS last FROM events WHERE team_id = ${team} AND timestamp >= ${daysAgo(30)} GROUP BY event ORDER BY total DESC, event LIMIT 500`,
        signal,
      ),
    staleTime: 5 * 60_000,
  })

export interface NamedProperty {
  key: string
  total: number
}

/** Properties that events, or persons, have; of a sample, since all would take long. */
export const propertiesQuery = (team: number, of: 'event' | 'person', event?: string | null) => {
  const from =
    of === 'event'
      ? `events WHERE team_id = ${team} AND timestamp >= ${daysAgo(30)}${event ? ` AND event = ${text(event)}` : ''}`
      : `persons WHERE team_id = ${team}`
  return queryOptions({
    queryKey: ['properties', team, of, event ?? null],
    queryFn: ({ signal }) =>
      askSql<NamedProperty>(
        `SELECT key, count(*) AS total FROM (SELECT unnest(json_object_keys(properties)) AS key FROM (SELECT properties FROM ${from} LIMIT ${SAMPLE})) GROUP BY key ORDER BY total DESC, key LIMIT 500`,
        signal,
      ),
    staleTime: 5 * 60_000,
  })
}

export interface NamedValue {
  value: string
  total: number
}

/** Values that a property has, the most frequent first. */
export const valuesQuery = (team: number, of: 'event' | 'person' | 'event_metadata', key: string) => {
  const value = of === 'event' ? property(key) : of === 'event_metadata' ? key : `properties->>${text(key)}`
  const from =
    of === 'person'
      ? `persons WHERE team_id = ${team}`
      : `events WHERE team_id = ${team} AND timestamp >= ${daysAgo(14)}`
  return queryOptions({
    queryKey: ['values', team, of, key],
    queryFn: ({ signal }) =>
      askSql<NamedValue>(
        `SELECT ${value} AS value, count(*) AS total FROM ${from} AND ${value} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200`,
        signal,
      ),
    staleTime: 5 * 60_000,
  })
}
