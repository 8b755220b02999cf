// Insights, and the persons behind their points.
import type { QueryClient, QueryKey } from '@tanstack/react-query'
import { ask, askOld } from './client'
import type { Answers, PersonsBehind, Point, Requests } from './types'

export const askInsight = <K extends keyof Requests>(
  kind: K,
  request: Requests[K],
  project: number,
  signal?: AbortSignal,
): Promise<Answers[K]> => ask(`/api/insights/${kind}?project=${project}`, { method: 'POST', body: request, signal })

/** How many seconds old an answer may be that is shown until there is one of the newest rows. */
const MAX_STALE = 600

interface Asking {
  client: QueryClient
  queryKey: QueryKey
  signal: AbortSignal
}

/** Likewise, for a query that shows the last answer of the server while it works out one of the newest rows. */
export const askInsightSoon = async <K extends keyof Requests, Shown>(
  kind: K,
  request: Requests[K],
  project: number,
  { client, queryKey, signal }: Asking,
  shown: (answer: Answers[K]) => Shown,
): Promise<Shown> => {
  if (client.getQueryData(queryKey) === undefined) {
    const path = `/api/insights/${kind}?project=${project}`
    const asked = { method: 'POST', body: request, signal, maxStale: MAX_STALE } as const
    const { answer, isOld } = await askOld<Answers[K]>(path, asked)
    if (!isOld) return shown(answer)
    client.setQueryData(queryKey, shown(answer))
  }
  return shown(await askInsight(kind, request, project, signal))
}

export const askPersonsBehind = <K extends keyof Requests>(
  kind: K,
  request: Requests[K],
  point: Point,
  project: number,
  signal?: AbortSignal,
): Promise<PersonsBehind> =>
  ask(`/api/insights/${kind}?project=${project}`, { method: 'POST', body: { ...request, persons: point }, signal })
