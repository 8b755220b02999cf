// Insights, and the persons behind their points.
import { ask } from './client'
import type { Answers, PersonsBehind, Point, Requests } from './types'

export const askInsight = <K extends keyof Requests>(
  kind: K,
  request: Requests[K],
  project: number,
  signal?: AbortSignal,
): Promise<Answers[K]> => ask(`/api/insights/${kind}?project=${project}`, { method: 'POST', body: request, signal })

export const askPersonsBehind = <K extends keyof Requests>(
  kind: K,
  request: Requests[K],
  point: Point,
  project: number,
  signal?: AbortSignal,
): Promise<PersonsBehind> =>
  ask(`/api/insights/${kind}?project=${project}`, { method: 'POST', body: { ...request, persons: point }, signal })
