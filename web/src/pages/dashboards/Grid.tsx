// Tiles on a grid: as they were put there, or, while they are arranged, to be dragged, resized, and moved with keys.
import 'react-grid-layout/css/styles.css'
import 'react-resizable/css/styles.css'

import { IconGripVertical } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import ReactGridLayout, { useContainerWidth } from 'react-grid-layout'
import classes from './Dashboards.module.css'
import { arranged, COLUMNS, inOrder, layoutOf, type Tile, tilesOf } from './model'

const ROW = 64
const GAP = 16
/** Narrower than this, tiles stand below each other. */
const NARROW = 720

/** How high what is drawn in a tile may be. */
const inside = (h: number) => h * ROW + (h - 1) * GAP - 76

interface Props {
  tiles: Tile[]
  nameOf: (insight: string) => string
  draw: (insight: string, height: number) => ReactNode
  /** While it is arranged. */
  onArrange?: ((tiles: Tile[]) => void) | undefined
}

export const Grid = ({ tiles, nameOf, draw, onArrange }: Props) => {
  const { width, containerRef, mounted } = useContainerWidth()
  const [said, setSaid] = useState('')
  const press = (insight: string, key: string, isShift: boolean): boolean => {
    const changed = arranged(tiles, insight, key, isShift)
    if (!changed || !onArrange) return false
    onArrange(changed)
    const at = changed.find((tile) => tile.insight === insight)
    if (at) setSaid(`${nameOf(insight)}: column ${at.x + 1}, row ${at.y + 1}, ${at.w} wide, ${at.h} high`)
    return true
  }
  return (
    <div ref={containerRef as React.RefObject<HTMLDivElement>} className={classes.grid}>
      <p className="hidden" role="status">
        {said}
      </p>
      {mounted && width < NARROW && (
        <div className={classes.stack}>
          {inOrder(tiles).map(({ insight, h }) => (
            <div key={insight} style={{ height: Math.max(4, h) * ROW + (Math.max(4, h) - 1) * GAP }}>
              {draw(insight, inside(Math.max(4, h)))}
            </div>
          ))}
        </div>
      )}
      {mounted && width >= NARROW && (
        <ReactGridLayout
          width={width}
          layout={layoutOf(tiles)}
          gridConfig={{ cols: COLUMNS, rowHeight: ROW, margin: [GAP, GAP], containerPadding: [0, 0] }}
          dragConfig={{ enabled: Boolean(onArrange), handle: `.${classes.handle}` }}
          resizeConfig={{ enabled: Boolean(onArrange), handles: ['se'] }}
          onDragStop={(layout) => onArrange?.(tilesOf(layout))}
          onResizeStop={(layout) => onArrange?.(tilesOf(layout))}
        >
          {tiles.map(({ insight, h }) => (
            <div key={insight} className={classes.tile} data-arranged={onArrange ? true : undefined}>
              {draw(insight, inside(h))}
              {onArrange && (
                <button
                  type="button"
                  className={classes.handle}
                  aria-label={`Move ${nameOf(insight)}: arrow keys move it, with Shift they change its size`}
                  onKeyDown={(event) => press(insight, event.key, event.shiftKey) && event.preventDefault()}
                >
                  <IconGripVertical size={16} stroke={1.6} aria-hidden />
                </button>
              )}
            </div>
          ))}
        </ReactGridLayout>
      )}
    </div>
  )
}
