// What people say of events and properties.
import { queryOptions } from '@tanstack/react-query'
import { askSaved, changeSaved, deleteSaved, save } from '~/api/saved'
import type { Saved } from '~/api/types'

export type Of = 'event' | 'property' | 'person'

export interface Note {
  description: string
  owner: string
}

/** The name that a note is kept under. */
export const nameOf = (of: Of, key: string) => `${of}:${key}`.slice(0, 200)

export const notesQuery = (team: number) =>
  queryOptions({
    queryKey: ['saved', 'note', team],
    queryFn: ({ signal }) => askSaved('note', team, signal),
    enabled: team > 0,
    staleTime: 60_000,
  })

/** The note on something; of several the one that was changed last. */
export const noteOn = (notes: Saved[] | undefined, of: Of, key: string): Saved | undefined =>
  notes
    ?.filter(({ name }) => name === nameOf(of, key))
    .sort((one, other) => other.updated_at.localeCompare(one.updated_at))[0]

export const ownerOf = (note: Saved | undefined): string => {
  const owner = (note?.definition as { owner?: unknown } | undefined)?.owner
  return typeof owner === 'string' ? owner : ''
}

/** Keeps a note; one that says nothing is deleted. */
export const keepNote = async (
  team: number,
  of: Of,
  key: string,
  { description, owner }: Note,
  old: Saved | undefined,
) => {
  if (description === '' && owner === '') return old && deleteSaved('note', old.id)
  const body = { name: nameOf(of, key), description, definition: { of, key, owner } }
  await (old ? changeSaved('note', old.id, body) : save('note', team, body))
}
