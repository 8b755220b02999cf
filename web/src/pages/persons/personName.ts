// What a person is called: by name, by email, else by an id; and when it was there last.
import { ago, instant, NOTHING } from '~/format/format'

interface Named {
  id: string
  properties: Record<string, unknown>
  distinct_ids: string[]
}

const said = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value : undefined)

const MADE_UP = /^[0-9a-f]{8}-[0-9a-f]{4}-/i

/** The beginning of an id that a browser made up, which is enough to tell two apart. */
export const shortId = (id: string): string => (MADE_UP.test(id) ? id.slice(0, 8) : id)

/** For lists: nobody reads an id that a browser made up. */
export const shortName = (person: Named): string => {
  const name = personName(person)
  return MADE_UP.test(name) ? `Anonymous ${shortId(name)}` : name
}

/** An id that the application chose tells more than one that a browser made up. */
export const ownId = (ids: string[]): string | undefined => ids.find((one) => !MADE_UP.test(one)) ?? ids[0]

export const personName = ({ id, properties, distinct_ids }: Named): string => {
  const { name, email, username } = properties
  const given = said(name) ?? said(email) ?? said(username)
  return given ?? ownId(distinct_ids) ?? id
}

const HOUR = 3_600_000

interface Seen {
  created_at: string
  last_seen_at?: string | null
}

/** When a person was seen last is kept as the hour's beginning, which may be before the first time. */
export const lastSeen = ({ created_at, last_seen_at }: Seen, now = Date.now()): string => {
  const last = last_seen_at ? instant(last_seen_at) : undefined
  if (last === undefined) return NOTHING
  const at = Math.max(last, instant(created_at) ?? last)
  return now - at < HOUR ? 'this hour' : ago(at, now)
}
