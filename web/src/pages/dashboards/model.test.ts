import { describe, expect, it } from 'vitest'
import { arranged, readDashboard, type Tile, withTile, writeDashboard } from './model'

const tile = (insight: string, x: number, y: number, w = 6, h = 4): Tile => ({ insight, x, y, w, h })
const places = (tiles: Tile[] | undefined) => tiles?.map(({ insight, x, y, w, h }) => `${insight} ${x},${y} ${w}×${h}`)

describe('a dashboard that was kept', () => {
  it('is read as it was written', () => {
    const dashboard = { tiles: [tile('a', 0, 0), tile('b', 6, 0)], range: '30d' as const }
    const written = writeDashboard(dashboard, 'UTC', Date.UTC(2026, 10, 23))
    expect(written.dateRange).toEqual({ date_from: '-29d' })
    expect(readDashboard(JSON.parse(JSON.stringify(written)))).toEqual(dashboard)
  })

  it('leaves out what is wrong', () => {
    expect(readDashboard(undefined)).toEqual({ tiles: [] })
    expect(
      readDashboard({
        tiles: [{ insight: 1 }, { insight: 'a', x: 40, w: 'wide', h: 0 }, { insight: 'a' }],
        range: 'x',
      }),
    ).toEqual({
      tiles: [tile('a', 6, 0, 6, 2)],
    })
  })
})

it('one more stands beside the last, or below', () => {
  const one = withTile([], 'a')
  const two = withTile(one, 'b')
  expect(places(withTile(two, 'c'))).toEqual(['a 0,0 6×5', 'b 6,0 6×5', 'c 0,5 6×5'])
  expect(withTile(two, 'a')).toBe(two)
})

describe('keys', () => {
  const tiles = [tile('a', 0, 0), tile('b', 6, 0), tile('c', 0, 4, 12, 3)]

  it('move a tile, and others make room', () => {
    const up = arranged(tiles, 'c', 'ArrowUp', false)
    expect(places(up)?.[0]).toBe('c 0,0 12×3')
    const down = arranged(tiles, 'a', 'ArrowDown', false) ?? []
    const order = down.map(({ insight }) => insight)
    expect(order.indexOf('c')).toBeLessThan(order.indexOf('a'))
    const overlaps = down.some((one) =>
      down.some(
        (other) =>
          one !== other &&
          one.x < other.x + other.w &&
          other.x < one.x + one.w &&
          one.y < other.y + other.h &&
          other.y < one.y + one.h,
      ),
    )
    expect(overlaps).toBe(false)
  })

  it('with Shift make it larger and smaller, within bounds', () => {
    expect(places(arranged([tile('a', 0, 0)], 'a', 'ArrowRight', true))).toEqual(['a 0,0 7×4'])
    expect(places(arranged([tile('a', 6, 0)], 'a', 'ArrowRight', true))).toEqual(['a 6,0 6×4'])
    expect(places(arranged([tile('a', 0, 0, 3, 2)], 'a', 'ArrowUp', true))).toEqual(['a 0,0 3×2'])
  })

  it('do nothing else', () => {
    expect(arranged(tiles, 'a', 'Enter', false)).toBeUndefined()
    expect(places(arranged(tiles, 'a', 'ArrowLeft', false))).toEqual(places(tiles))
  })
})
