// Events as they come, newest first.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { listen } from '~/api/client'
import { askSql, moment, text } from '~/api/sql'
import { passing, type Scope } from '~/filters/sql'

export interface LiveEvent {
  uuid: string
  event: string
  distinct_id: string
  person_id: string
  timestamp: string
  created_at: string
  current_url: string | null
  pathname: string | null
  browser: string | null
  os: string | null
  country_code: string | null
  lib: string | null
}

const COLUMNS =
  'uuid, event, distinct_id, person_id, timestamp, created_at, current_url, pathname, browser, os, country_code, lib'

/** What came since a moment; by when it came, for events of yesterday come today. */
export const newest = (scope: Scope, since: number, limit: number): string => `SELECT ${COLUMNS}
FROM events
WHERE ${passing(scope)}
  AND created_at >= ${moment(since)}
  AND timestamp >= ${moment(since - 2 * 86_400_000)}
ORDER BY created_at DESC, uuid
LIMIT ${limit}`

/** A moment as the server wrote it: to the microsecond, which a number of milliseconds is not. */
const exactly = (timestamp: string) => (/^[0-9T:.Z-]+$/.test(timestamp) ? `TIMESTAMP ${text(timestamp)}` : 'NULL')

/** One event, whole. Its day is said, for a search through all days would take long. */
export const whole = (team: number, uuid: string, timestamp: string): string => `SELECT *
FROM events
WHERE team_id = ${team} AND uuid = ${text(uuid)} AND timestamp = ${exactly(timestamp)}
LIMIT 1`

const MINUTE = 60_000

/** When to ask again where the server cannot tell, and how long to wait after it was gone. */
const POLL_MS = 2_000

/** Asks again whenever the server tells of newer rows; a server that cannot tell is asked every two seconds. */
export const useFollowing = (team: number, isOn: boolean) => {
  const client = useQueryClient()
  useEffect(() => {
    if (!isOn) return
    const stop = new AbortController()
    const again = () => void client.invalidateQueries({ queryKey: ['newest'], refetchType: 'active' })
    const follow = async () => {
      while (!stop.signal.aborted) {
        // Of team 0 nobody tells: they are no project's.
        const heard = team > 0 ? listen(`/api/live?project=${team}`, again, stop.signal) : Promise.reject(new Error())
        await heard.catch(() => new Promise((resolve) => setTimeout(resolve, POLL_MS)).then(again))
      }
    }
    void follow()
    return () => stop.abort()
  }, [client, team, isOn])
}

/** The newest events, asked for again and again. */
export const useNewest = (scope: Scope, limit: number, every: number | false, minutes = 60) =>
  useQuery({
    queryKey: ['newest', scope, limit, minutes],
    queryFn: ({ signal }) =>
      askSql<LiveEvent>(newest(scope, Math.floor(Date.now() / MINUTE) * MINUTE - minutes * MINUTE, limit), signal),
    refetchInterval: every,
    staleTime: 0,
  })
