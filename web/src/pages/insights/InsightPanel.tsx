// The panel of an answer: whole on the page of insights, and with the name of what was saved where it is one of many.
import type { ReactNode } from 'react'
import { Panel, type PanelProps } from '~/ui/Panel'
import { usePlace } from './view'

/** How high a chart is where it has the page to itself. */
export const HEIGHT = 320

/** How high a chart is here. */
export const useHeight = () => usePlace()?.height ?? HEIGHT

export const InsightPanel = <T,>({ head, menu, ...panel }: PanelProps<T> & { head?: ReactNode }) => {
  const place = usePlace()
  if (!place) return <Panel {...panel} head={head} menu={menu} />
  const { height: _, skeleton: __, ...others } = panel
  return <Panel {...others} title={place.title} menu={place.menu} isFilling canHideSql={Boolean(place.ask)} />
}
