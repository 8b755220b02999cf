// What people keep of a project: insights, dashboards, notes.
import { accessNow, hostOf } from './access'
import { ask } from './client'
import type { Saved } from './types'

export type SavedKind = 'insight' | 'dashboard' | 'query' | 'note'

const DOORS: Record<SavedKind, string> = {
  insight: '/api/insights/saved',
  dashboard: '/api/dashboards',
  query: '/api/queries',
  note: '/api/notes',
}

export interface ToSave {
  name: string
  description?: string
  definition: Record<string, unknown>
}

export const askSaved = async (kind: SavedKind, project: number, signal?: AbortSignal): Promise<Saved[]> => {
  const { saved } = await ask<{ saved: Saved[] }>(`${DOORS[kind]}?project=${project}`, { signal })
  return saved
}

export const askSavedOne = (kind: SavedKind, id: string, signal?: AbortSignal): Promise<Saved> =>
  ask(`${DOORS[kind]}/${encodeURIComponent(id)}`, { signal })

export const save = (kind: SavedKind, project: number, body: ToSave): Promise<Saved> =>
  ask(`${DOORS[kind]}?project=${project}`, { method: 'POST', body })

export const changeSaved = (kind: SavedKind, id: string, body: ToSave): Promise<Saved> =>
  ask(`${DOORS[kind]}/${encodeURIComponent(id)}`, { method: 'PUT', body })

export const deleteSaved = (kind: SavedKind, id: string): Promise<void> =>
  ask(`${DOORS[kind]}/${encodeURIComponent(id)}`, { method: 'DELETE' })

/** Makes a link. */
export const share = async (kind: SavedKind, id: string): Promise<string> => {
  const { token } = await ask<{ token: string }>(`${DOORS[kind]}/${encodeURIComponent(id)}/share`, { method: 'POST' })
  return `${hostOf(accessNow())}/shared/${token}`
}

export const unshare = (kind: SavedKind, id: string): Promise<void> =>
  ask(`${DOORS[kind]}/${encodeURIComponent(id)}/share`, { method: 'DELETE' })

/** What a link opens. */
export interface Shared {
  id: string
  kind: 'insight' | 'dashboard' | 'query'
  name: string
  description: string
  definition: Record<string, unknown>
  time_zone: string
  insights: Pick<Saved, 'id' | 'name' | 'description' | 'definition'>[]
}

export const askShared = (token: string, signal?: AbortSignal): Promise<Shared> =>
  ask(`/api/shared/${encodeURIComponent(token)}`, { signal })

export const askSharedAnswer = <Answer>(token: string, id: string, signal?: AbortSignal): Promise<Answer> =>
  ask(`/api/shared/${encodeURIComponent(token)}/answers/${encodeURIComponent(id)}`, { signal })
