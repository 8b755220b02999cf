// Values over time, or over any row of points: lines, areas or columns.
//
// Hover shows the whole column of values; dragging zooms; a click opens the persons behind the point. A span that is
// not over yet is dashed. What is drawn is in a table beside every chart, for those who cannot see or point.
import { useComputedColorScheme } from '@mantine/core'
import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import * as format from '~/format/format'
import type { ECharts } from './echarts'
import classes from './TimeChart.module.css'
import { type Drawn, type Look, optionOf } from './option'

export interface Series {
  key: string
  label: string
  data: number[]
  /** Which colour. */
  colour: number
  /** Of the period before: drawn behind, and pale. */
  isBefore?: boolean
  /** The points' own names, where they are not the chart's. */
  spans?: string[]
}

export interface TimeChartProps {
  label: string
  spans: string[]
  series: Series[]
  /** How a point's name is written. */
  tick: (span: string) => string
  title: (span: string) => string
  value?: (value: number) => string
  look?: Look
  height?: number
  /** The last span goes on. */
  isRunning?: boolean
  onZoom?: ((first: number, last: number) => void) | undefined
  onPick?: ((span: number, series: string) => void) | undefined
}

const HEIGHT = 280
/** A drag that is shorter is a click. */
const DRAG_PX = 8

export const TimeChart = (props: TimeChartProps) => {
  const { label, spans, series, height = HEIGHT, onZoom, onPick } = props
  const scheme = useComputedColorScheme('light')
  const canvas = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(undefined)
  const [isReady, setReady] = useState(false)
  const drawn: Drawn = { ...props, value: props.value ?? format.number, look: props.look ?? 'line' }
  const latest = useRef(drawn)
  latest.current = drawn

  useEffect(() => {
    let made: ECharts | undefined
    let isGone = false
    const watcher = new ResizeObserver(() => made?.resize())
    void import('./echarts').then(({ init }) => {
      if (isGone || !canvas.current) return
      made = init(canvas.current)
      chart.current = made
      watcher.observe(canvas.current)
      setReady(true)
    })
    return () => {
      isGone = true
      watcher.disconnect()
      made?.dispose()
      chart.current = undefined
    }
  }, [])

  useEffect(() => {
    if (isReady) chart.current?.setOption(optionOf(latest.current), { notMerge: true, lazyUpdate: true })
  }, [isReady, scheme, spans, series, props.look, props.isRunning, height])

  const drag = useDrag(
    chart,
    spans.length,
    onZoom,
    onPick && ((span, y) => onPick(span, nearest(chart.current, latest.current, span, y))),
  )
  const summary = useMemo(() => summaryOf(label, spans, series, drawn), [label, spans, series])
  return (
    <div className={classes.chart} style={{ height }} data-zooms={onZoom ? true : undefined} {...drag.handlers}>
      <div ref={canvas} className={classes.canvas} role="img" aria-label={summary} />
      {drag.band && <div className={classes.band} style={{ left: drag.band[0], width: drag.band[1] - drag.band[0] }} />}
    </div>
  )
}

const summaryOf = (label: string, spans: string[], series: Series[], { title, value }: Drawn): string => {
  const [first, last] = [spans[0], spans.at(-1)]
  const range = first && last ? ` from ${title(first)} to ${title(last)}` : ''
  const lines = series
    .slice(0, 6)
    .map(
      (one) =>
        `${one.label}${one.isBefore ? ' before' : ''}: ${value(one.data.at(-1) ?? 0)} last, ${value(Math.max(0, ...one.data))} at most`,
    )
  return `${label}${range}. ${lines.join('. ')}`
}

/** The series whose line is nearest to where somebody clicked. */
const nearest = (chart: ECharts | undefined, { series }: Drawn, span: number, y: number): string => {
  const distance = (value: number) => {
    const at = chart?.convertToPixel({ yAxisIndex: 0 }, value)
    return typeof at === 'number' ? Math.abs(at - y) : Infinity
  }
  const near = series
    .filter((one) => !one.isBefore)
    .map((one) => ({ key: one.key, far: distance(one.data[span] ?? 0) }))
  return near.sort((one, other) => one.far - other.far)[0]?.key ?? ''
}

const useDrag = (
  chart: React.RefObject<ECharts | undefined>,
  spans: number,
  onZoom: ((first: number, last: number) => void) | undefined,
  onClick: ((span: number, y: number) => void) | undefined,
) => {
  const [band, setBand] = useState<[number, number]>()
  const from = useRef<number>(undefined)
  const at = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  const spanAt = (x: number) => {
    const found = chart.current?.convertFromPixel({ xAxisIndex: 0 }, x)
    return typeof found === 'number' ? Math.min(spans - 1, Math.max(0, Math.round(found))) : undefined
  }
  const handlers = {
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      if (event.button === 0 && event.pointerType !== 'touch') from.current = at(event).x
    },
    onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
      if (from.current === undefined || !onZoom) return
      const { x } = at(event)
      setBand(Math.abs(x - from.current) > DRAG_PX ? [Math.min(x, from.current), Math.max(x, from.current)] : undefined)
    },
    onPointerUp: (event: PointerEvent<HTMLDivElement>) => {
      const { x, y } = at(event)
      const begun = from.current
      from.current = undefined
      setBand(undefined)
      if (begun === undefined) return
      const [first, last] = [spanAt(Math.min(begun, x)), spanAt(Math.max(begun, x))]
      if (first === undefined || last === undefined) return
      if (Math.abs(x - begun) > DRAG_PX) {
        if (onZoom && last > first) onZoom(first, last)
      } else onClick?.(first, y)
    },
    onPointerLeave: () => {
      from.current = undefined
      setBand(undefined)
    },
  }
  return { band, handlers }
}
