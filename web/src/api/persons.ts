// Persons, and what they did.
import { ask } from './client'
import type { Person, PersonsPage, TimelinePage } from './types'

const query = (members: Record<string, string | number | null | undefined>) => {
  const given = Object.entries(members).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

export const askPersons = (
  project: number,
  search: string,
  after: number | null,
  signal?: AbortSignal,
): Promise<PersonsPage> => ask(`/api/persons?${query({ project, search, after, limit: 50 })}`, { signal })

export const askPerson = (project: number, id: string, signal?: AbortSignal): Promise<Person> =>
  ask(`/api/persons/${encodeURIComponent(id)}?${query({ project })}`, { signal })

export const askTimeline = (
  project: number,
  id: string,
  before: string | null,
  signal?: AbortSignal,
): Promise<TimelinePage> =>
  ask(`/api/persons/${encodeURIComponent(id)}/events?${query({ project, before, limit: 100 })}`, { signal })
