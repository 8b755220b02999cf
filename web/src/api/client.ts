// How the server is asked. Every request of every page goes through `ask`.
import { accessNow, forget, headersOf } from './access'

export type Trouble =
  // Nothing answered.
  | 'unreachable'
  // The answer took longer than a query may.
  | 'slow'
  // More at once than the server takes, or it is stopping: the same may work later.
  | 'busy'
  // Nothing is there, or what would answer is off.
  | 'missing'
  // The question cannot be answered as it is.
  | 'wrong'
  // Nobody is logged in any more.
  | 'access'
  | 'broken'

/** Why there is no answer. */
export class Failure extends Error {
  readonly trouble: Trouble
  constructor(trouble: Trouble, message: string) {
    super(message)
    this.name = 'Failure'
    this.trouble = trouble
  }
}

const troubleOf = (status: number): Trouble => {
  if (status === 401) return 'access'
  if (status === 404) return 'missing'
  if (status === 408 || status === 504) return 'slow'
  if (status === 429 || status === 503) return 'busy'
  // A proxy without a server behind it.
  if (status === 502) return 'unreachable'
  return status >= 500 ? 'broken' : 'wrong'
}

interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  body?: unknown
  signal?: AbortSignal | undefined
  /** How many seconds old the answer may be. */
  maxStale?: number
}

const respond = async (path: string, { method = 'GET', body, signal, maxStale }: Asked): Promise<Response> => {
  const headers = headersOf(accessNow(), method)
  const request: RequestInit = { method, headers, credentials: 'same-origin' }
  if (body !== undefined) {
    request.body = JSON.stringify(body)
    request.headers = { ...headers, 'content-type': 'application/json' }
  }
  if (maxStale !== undefined) request.headers = { ...request.headers, 'cache-control': `max-stale=${maxStale}` }
  if (signal) request.signal = signal
  const response = await fetch(path, request).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Failure('unreachable', 'The server does not answer.')
  })
  if (response.ok) return response
  const trouble = troubleOf(response.status)
  if (trouble === 'access') forget()
  const text = await response.text()
  throw new Failure(trouble, saidIn(text) ?? unsaid(trouble, response.status))
}

/** What is said where the server says nothing. */
const unsaid = (trouble: Trouble, status: number) =>
  trouble === 'unreachable' ? 'The server does not answer.' : `The server answered ${status}.`

/** The server's own words in an answer that is a failure. */
const saidIn = (text: string): string | undefined => {
  try {
    const said = JSON.parse(text) as { error?: unknown }
    return typeof said.error === 'string' ? said.error : undefined
  } catch {
    return undefined
  }
}

export const ask = async <Answer>(path: string, asked: Asked = {}): Promise<Answer> => {
  const response = await respond(path, asked)
  // What was done without a word is no answer.
  return (response.status === 204 ? undefined : await response.json()) as Answer
}

/** An answer that may be old, and whether it is: whether rows came since it was worked out. */
export const askOld = async <Answer>(path: string, asked: Asked): Promise<{ answer: Answer; isOld: boolean }> => {
  const response = await respond(path, asked)
  return { answer: (await response.json()) as Answer, isOld: response.headers.has('age') }
}

export const askText = async (path: string, asked: Asked = {}): Promise<string> => {
  const response = await respond(path, asked)
  return response.text()
}

/** Says `heard` whenever there are newer rows, and once when it is listening, until it is told to stop. */
export const listen = async (path: string, heard: () => void, signal: AbortSignal): Promise<void> => {
  const response = await respond(path, { signal })
  const reader = response.body?.getReader()
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) return
    // What keeps the connection open begins with a colon.
    if (new TextDecoder().decode(piece.value).includes('event: rows')) heard()
  }
}

export interface Readiness {
  status: string
  sinks: Record<string, string>
}

/** How the server is; what it says while it takes no events is an answer, too. */
export const askReadiness = async (signal?: AbortSignal): Promise<Readiness> => {
  const response = await fetch('/_readiness', signal ? { signal } : {}).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Failure('unreachable', 'The server does not answer.')
  })
  const said = (await response.json().catch(() => undefined)) as Readiness | undefined
  if (!said?.sinks) throw new Failure(troubleOf(response.status), `The server answered ${response.status}.`)
  return said
}
