// What every view of an insight gets, and how it asks.
import { useQuery } from '@tanstack/react-query'
import { createContext, useContext } from 'react'
import { askInsightSoon, askPersonsBehind } from '~/api/insights'
import type { Answers, Point, Requests } from '~/api/types'
import type { Scope } from '~/scope'
import type { Behind } from '~/ui/PersonsDrawer'
import type { Question } from './question'

export { intervalOf } from './interval'

export interface ViewProps {
  scope: Scope
  question: Question
  onChange: (question: Question) => void
  /** Where persons may be looked up. */
  onBehind: (behind: Behind) => void
}

/** Where a view stands, if not on the page of insights: among others, with a name of its own, and as it was saved. */
export interface Place {
  title: string
  height: number
  /** More of the menu. */
  menu?: React.ReactNode
  /** Asks in another way: with a link, which opens its own answer alone. */
  ask?: { key: string; answer: (signal: AbortSignal) => Promise<unknown> }
}

const PlaceContext = createContext<Place | undefined>(undefined)
export const PlaceProvider = PlaceContext.Provider
export const usePlace = () => useContext(PlaceContext)

export const useInsight = <K extends keyof Requests>(kind: K, request: Requests[K], team: number, isAskable = true) => {
  const ask = usePlace()?.ask
  return useQuery({
    queryKey: ['insight', kind, team, ask?.key ?? request],
    queryFn: (asking) =>
      ask
        ? (ask.answer(asking.signal) as Promise<Answers[K]>)
        : askInsightSoon(kind, request, team, asking, (answer) => answer),
    enabled: isAskable,
    // The series of another question under this one's names would be wrong.
    placeholderData: (old, query) =>
      query?.queryKey[1] === kind && query.queryKey[2] === team && !ask ? old : undefined,
  })
}

const PAGE = 100

export const behindOf = <K extends keyof Requests>(
  kind: K,
  request: Requests[K],
  team: number,
  title: string,
  point: Point,
): Behind => ({
  title,
  key: [kind, team, request, point],
  ask: (offset, signal) => askPersonsBehind(kind, request, { ...point, limit: PAGE, offset }, team, signal),
})
