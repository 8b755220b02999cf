// Who is asking, and what every request shows for it. The one place that decides.
//
// A server with users has sessions: a cookie that no script can read, and a token against forged requests. Every server
// takes its read key, which stays in this tab alone.
import { useSyncExternalStore } from 'react'
import type { Permission, Role } from './types'

export interface User {
  id: string
  email: string
  role: Role
}

interface Session {
  user: User
  permissions: Permission[]
  csrf: string
  /** What SDKs and people are pointed at, where the server was told. */
  public_url?: string | null
}

export type Access =
  | ({ by: 'session' } & Session)
  | { by: 'key'; key: string }
  // What the login page asks for: an account, where the server has them.
  | { by: 'nobody'; offers: 'account' | 'key' }

const KEY = 'hogflare.read-key'

let current: Access | undefined
const listeners = new Set<() => void>()

const become = (access: Access) => {
  current = access
  for (const listener of listeners) listener()
  return access
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const accessNow = () => current
export const useAccess = () => useSyncExternalStore(subscribe, accessNow)

/** What whoever is asking may do; a key reads, and nothing else is done with it here. */
export const may = (access: Access | undefined, permission: Permission): boolean =>
  access?.by === 'session' ? (access.permissions ?? []).includes(permission) : permission === 'read'

export const useMay = (permission: Permission): boolean => may(useAccess(), permission)

/** What SDKs and people are pointed at: where this page came from, unless the server says otherwise. */
export const hostOf = (access: Access | undefined): string =>
  (access?.by === 'session' && access.public_url) || location.origin

/** The headers that a request needs. */
export const headersOf = (access: Access | undefined, method: string): Record<string, string> => {
  if (access?.by === 'key') return { authorization: `Bearer ${access.key}` }
  if (access?.by === 'session' && method !== 'GET') return { 'x-hogflare-csrf': access.csrf }
  return {}
}

const send = (method: string, path: string, body?: unknown) =>
  fetch(path, {
    method,
    credentials: 'same-origin',
    headers: { ...headersOf(current, method), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const reasonOf = async (response: Response) => {
  const said = (await response.json().catch(() => undefined)) as { error?: string } | undefined
  return said?.error ?? `The server answered ${response.status}.`
}

/** Finds out who is asking: a session, or a key of this tab. Asked once, before the first page. */
export const findAccess = async (): Promise<Access> => {
  if (current) return current
  const key = sessionStorage.getItem(KEY)
  if (key) return become({ by: 'key', key })
  const response = await send('GET', '/api/session').catch(() => undefined)
  if (response?.ok) return become({ by: 'session', ...((await response.json()) as Session) })
  return become({ by: 'nobody', offers: response?.status === 401 ? 'account' : 'key' })
}

/** Opens a session; what is wrong is thrown as the server says it. */
export const logIn = async (email: string, password: string) => {
  const response = await send('POST', '/api/session', { email, password })
  if (!response.ok) throw new Error(await reasonOf(response))
  become({ by: 'session', ...((await response.json()) as Session) })
}

/**
 * Follows a link: makes the owner, with the token that the server printed at its first start, or chooses a password
 * for somebody whom the link is for, which needs no email. Opens a session.
 */
export const setUp = async (token: string, email: string | undefined, password: string) => {
  const response = await send('POST', '/api/setup', { token, ...(email === undefined ? {} : { email }), password })
  if (!response.ok) throw new Error(await reasonOf(response))
  become({ by: 'session', ...((await response.json()) as Session) })
}

/** Takes a read key, if it opens. */
export const showKey = async (key: string) => {
  const response = await fetch('/api/sql', {
    method: 'POST',
    headers: { ...headersOf({ by: 'key', key }, 'POST'), 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'SELECT 1' }),
  })
  if (response.status === 401) throw new Error('This is not the read key of this server.')
  if (!response.ok) throw new Error(await reasonOf(response))
  sessionStorage.setItem(KEY, key)
  become({ by: 'key', key })
}

export const logOut = async () => {
  if (current?.by === 'session') await send('DELETE', '/api/session').catch(() => undefined)
  forget()
}

/** What was shown no longer opens. */
export const forget = () => {
  // Several requests may learn of it, and the first one has told.
  if (current?.by === 'nobody') return
  const offers = current?.by === 'session' ? 'account' : 'key'
  sessionStorage.removeItem(KEY)
  become({ by: 'nobody', offers })
}
