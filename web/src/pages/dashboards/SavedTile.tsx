// One saved insight among others, drawn as it was saved.
import type { ReactNode } from 'react'
import type { Saved } from '~/api/types'
import type { RangeName } from '~/filters/range'
import { readSaved } from '~/pages/insights/saved'
import { type Place, PlaceProvider } from '~/pages/insights/view'
import { VIEWS } from '~/pages/insights/views'
import { type Ground, scopeOf, useMinute } from '~/scope'
import type { Behind } from '~/ui/PersonsDrawer'
import { Empty } from '~/ui/States'

interface Props {
  saved: Pick<Saved, 'id' | 'name' | 'definition'>
  ground: Ground
  range?: RangeName | undefined
  height: number
  menu?: ReactNode
  ask?: Place['ask']
  onBehind?: ((behind: Behind) => void) | undefined
}

const nothing = () => undefined

export const SavedTile = ({ saved, ground, range, height, menu, ask, onBehind }: Props) => {
  const now = useMinute()
  const opened = readSaved(saved.definition, ground.zone, now)
  if (!opened) {
    return <Empty title={saved.name}>No page draws this kind of insight.</Empty>
  }
  const scope = scopeOf(ground, { ...opened.search, ...(range ? { range } : {}) }, now, nothing)
  const View = VIEWS[opened.kind]
  return (
    <PlaceProvider value={{ title: saved.name, height, menu, ...(ask ? { ask } : {}) }}>
      <View scope={scope} question={opened.question} onChange={nothing} onBehind={onBehind ?? nothing} />
    </PlaceProvider>
  )
}
