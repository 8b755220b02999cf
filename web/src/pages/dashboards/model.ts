// A dashboard: which insights, where each stands, and in which range all of them are asked.
import { correctBounds, type Layout, type LayoutItem, moveElement, verticalCompactor } from 'react-grid-layout/core'
import type { DateRange } from '~/api/types'
import { parseRange, type RangeName, savedRange } from '~/filters/range'

export const COLUMNS = 12
export const LEAST = { w: 3, h: 2 }
const USUAL_SIZE = { w: 6, h: 5 }

export interface Tile {
  /** The id of what was saved. */
  insight: string
  x: number
  y: number
  w: number
  h: number
}

export interface Dashboard {
  tiles: Tile[]
  /** In place of each insight's own. */
  range?: RangeName
}

const count = (value: unknown, least: number, most: number, usual: number) =>
  typeof value === 'number' && Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : usual

/** Reads a dashboard; what is wrong in it is left out. */
export const readDashboard = (definition: unknown): Dashboard => {
  const { tiles, range } = (definition ?? {}) as { tiles?: unknown; range?: unknown }
  const seen = new Set<string>()
  const found = (Array.isArray(tiles) ? (tiles as Record<string, unknown>[]) : []).flatMap((tile): Tile[] => {
    const insight = tile?.insight
    if (typeof insight !== 'string' || seen.has(insight)) return []
    seen.add(insight)
    const w = count(tile.w, LEAST.w, COLUMNS, USUAL_SIZE.w)
    return [
      {
        insight,
        w,
        h: count(tile.h, LEAST.h, 40, USUAL_SIZE.h),
        x: count(tile.x, 0, COLUMNS - w, 0),
        y: count(tile.y, 0, 10_000, 0),
      },
    ]
  })
  const isRange = typeof range === 'string' && parseRange(range) === range
  return { tiles: inOrder(found), ...(isRange ? { range: parseRange(range) } : {}) }
}

/** What is kept; the range also as insights take it, for whoever follows a link. */
export const writeDashboard = ({ tiles, range }: Dashboard, zone: string, now: number): Record<string, unknown> => ({
  tiles,
  ...(range ? { range, dateRange: savedRange(range, zone, now) satisfies DateRange } : {}),
})

/** As they are read: from above, and from the left. */
export const inOrder = (tiles: Tile[]): Tile[] =>
  [...tiles].sort((one, other) => one.y - other.y || one.x - other.x || one.insight.localeCompare(other.insight))

const end = (tiles: Tile[]) => Math.max(0, ...tiles.map(({ y, h }) => y + h))

/** With one more: beside the last one where there is room, or below. */
export const withTile = (tiles: Tile[], insight: string): Tile[] => {
  if (tiles.some((tile) => tile.insight === insight)) return tiles
  const last = inOrder(tiles).at(-1)
  const isBeside =
    last !== undefined &&
    last.x + last.w + USUAL_SIZE.w <= COLUMNS &&
    tiles.every(({ y, h }) => y + h <= last.y + last.h)
  return [
    ...tiles,
    {
      insight,
      ...USUAL_SIZE,
      ...(isBeside ? { x: last.x + last.w, y: last.y, h: last.h } : { x: 0, y: end(tiles) }),
    },
  ]
}

export const layoutOf = (tiles: Tile[]): LayoutItem[] =>
  tiles.map(({ insight, x, y, w, h }) => ({ i: insight, x, y, w, h, minW: LEAST.w, minH: LEAST.h }))

export const tilesOf = (layout: Layout): Tile[] =>
  inOrder(layout.map(({ i, x, y, w, h }) => ({ insight: i, x, y, w, h })))

/** Tiles close up, and none stands upon another. */
const settled = (layout: Layout): Tile[] =>
  tilesOf(verticalCompactor.compact(correctBounds(layoutOf(tilesOf(layout)), { cols: COLUMNS }), COLUMNS))

/** A tile one step further: what stands there makes room. */
export const moved = (tiles: Tile[], insight: string, [right, down]: [number, number]): Tile[] => {
  const layout = layoutOf(tiles)
  const item = layout.find(({ i }) => i === insight)
  if (!item) return tiles
  const x = Math.min(COLUMNS - item.w, Math.max(0, item.x + right))
  const sharesColumns = (one: LayoutItem) => one !== item && one.x < item.x + item.w && item.x < one.x + one.w
  // By one row nothing would change, since tiles close up: a step is past the next tile.
  const next = layout
    .filter((one) => sharesColumns(one) && one.y >= item.y + item.h)
    .sort((one, two) => one.y - two.y)[0]
  const last = layout.filter((one) => sharesColumns(one) && one.y < item.y).sort((one, two) => two.y - one.y)[0]
  const y = down > 0 ? (next ? next.y + next.h : item.y) : down < 0 ? (last?.y ?? 0) : item.y
  return settled(moveElement(layout, item, x, y, true, false, 'vertical', COLUMNS))
}

/** A tile larger or smaller by a step. */
export const resized = (tiles: Tile[], insight: string, [wider, higher]: [number, number]): Tile[] =>
  settled(
    layoutOf(tiles).map((item) =>
      item.i === insight
        ? {
            ...item,
            w: Math.min(COLUMNS - item.x, Math.max(LEAST.w, item.w + wider)),
            h: Math.max(LEAST.h, item.h + higher),
          }
        : item,
    ),
  )

/** What a key does to a tile: arrows move it, with Shift they change its size. */
export const arranged = (tiles: Tile[], insight: string, key: string, isShift: boolean): Tile[] | undefined => {
  const steps: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  }
  const step = steps[key]
  return step && (isShift ? resized : moved)(tiles, insight, step)
}
