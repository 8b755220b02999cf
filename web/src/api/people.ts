// Who may come in, with which keys, to which projects, and who did what.
import { accessNow, hostOf } from './access'
import { ask } from './client'
import type { ApiKey, Member, Permission, Project, Receipt, Role } from './types'

export interface Projects {
  projects: Project[]
  /** How long rows are kept; for ever without it. */
  retention: string | null
}

export const askAllProjects = (signal?: AbortSignal): Promise<Projects> => ask('/api/projects', { signal })

export const askProjects = async (signal?: AbortSignal): Promise<Project[]> => (await askAllProjects(signal)).projects

export interface ToProject {
  name: string
  time_zone: string
  /** One that events come with already. */
  token?: string
}

export const makeProject = (body: ToProject): Promise<Project> => ask('/api/projects', { method: 'POST', body })
export const changeProject = (id: number, body: Pick<ToProject, 'name' | 'time_zone'>): Promise<Project> =>
  ask(`/api/projects/${id}`, { method: 'PUT', body })

export interface Tokens {
  unclaimed: { token: string; events: number; last_event_at: string }[]
  blocked: { token: string; created_at: string; created_by: string }[]
}

export const askTokens = (signal?: AbortSignal): Promise<Tokens> => ask('/api/tokens', { signal })
export const blockToken = (token: string): Promise<void> => ask('/api/tokens', { method: 'POST', body: { token } })
export const unblockToken = (token: string): Promise<void> =>
  ask(`/api/tokens/${encodeURIComponent(token)}`, { method: 'DELETE' })

/** Of a link that works once: the page's own address, where the server does not know its. */
interface Link {
  link: { token: string; expires_at: string | null }
}

const linkOf = ({ link }: Link) => `${hostOf(accessNow())}/setup?token=${encodeURIComponent(link.token)}`

export const askMembers = async (signal?: AbortSignal): Promise<Member[]> =>
  (await ask<{ users: Member[] }>('/api/users', { signal })).users
export const invite = async (email: string, role: Role): Promise<string> =>
  linkOf(await ask<Link>('/api/users', { method: 'POST', body: { email, role } }))
export const changeRole = (id: string, role: Role): Promise<Member> =>
  ask(`/api/users/${id}`, { method: 'PUT', body: { role } })
export const removeMember = (id: string): Promise<void> => ask(`/api/users/${id}`, { method: 'DELETE' })
export const linkToPassword = async (id: string): Promise<string> =>
  linkOf(await ask<Link>(`/api/users/${id}/link`, { method: 'POST' }))

export const changePassword = (present: string, password: string): Promise<void> =>
  ask('/api/session/password', { method: 'PUT', body: { present, password } })

export interface ToKey {
  kind: ApiKey['kind']
  label: string
  scopes: Exclude<Permission, 'users' | 'owners'>[]
  projects?: number[]
  expires_at?: string | null
}

export const askKeys = async (signal?: AbortSignal): Promise<ApiKey[]> =>
  (await ask<{ keys: ApiKey[] }>('/api/keys', { signal })).keys
export const makeKey = (body: ToKey): Promise<{ key: ApiKey; secret: string }> =>
  ask('/api/keys', { method: 'POST', body })
export const deleteKey = (id: string): Promise<void> => ask(`/api/keys/${id}`, { method: 'DELETE' })

export interface AuditEntry {
  id: string
  at: string
  who: string
  action: string
  subject: string
  address: string | null
}

export const askAudit = (
  before: string | null,
  signal?: AbortSignal,
): Promise<{ entries: AuditEntry[]; next: string | null }> =>
  ask(`/api/audit?limit=100${before ? `&before=${before}` : ''}`, { signal })

export const askErasures = async (signal?: AbortSignal): Promise<Receipt[]> =>
  (await ask<{ erasures: Receipt[] }>('/api/erasures', { signal })).erasures

/** What is said to somebody who is not logged in. */
export interface SetUp {
  is_done: boolean
  /** Why a password should not be sent from here, and how to do it. */
  insecure: { reason: string; tunnel: string; then: string; https: string } | null
}

export const askSetUp = (signal?: AbortSignal): Promise<SetUp> => ask('/api/setup', { signal })
