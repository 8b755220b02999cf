// Ways from step to step, as broad as they are gone. What is drawn is in a table beside it.
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import * as format from '~/format/format'
import type { ECharts } from './echarts'
import { colour, token } from './palette'
import classes from './TimeChart.module.css'

export interface SankeyNode {
  key: string
  label: string
  step: number
  value: number
}

export interface SankeyEdge {
  source: string
  target: string
  value: number
}

interface Props {
  label: string
  nodes: SankeyNode[]
  edges: SankeyEdge[]
  height: number
  onNode: (key: string) => void
  onEdge: (source: string, target: string) => void
  /** What a tooltip says of an edge besides. */
  about: (source: string, target: string) => string
}

/** A column is not narrower than that; what is more can be scrolled to. */
const COLUMN_PX = 150

export const Sankey = (props: Props) => {
  const { nodes, edges, height, label } = props
  const scheme = useComputedColorScheme('light')
  const canvas = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(undefined)
  const [isReady, setReady] = useState(false)
  const latest = useRef(props)
  latest.current = props
  const columns = Math.max(1, ...nodes.map(({ step }) => step))

  useEffect(() => {
    let made: ECharts | undefined
    let isGone = false
    const watcher = new ResizeObserver(() => made?.resize())
    void import('./sankey').then(({ init }) => {
      if (isGone || !canvas.current) return
      made = init(canvas.current)
      chart.current = made
      made.on('click', ({ dataType, data }: { dataType?: string; data?: unknown }) => {
        if (dataType === 'node') latest.current.onNode((data as { name: string }).name)
        const { source, target } = data as { source: string; target: string }
        if (dataType === 'edge') latest.current.onEdge(source, target)
      })
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
    if (isReady) chart.current?.setOption(optionOf(latest.current) as never, { notMerge: true })
  }, [isReady, scheme, nodes, edges, height])

  const most = [...edges].sort((one, other) => other.value - one.value).slice(0, 5)
  const names = new Map(nodes.map((node) => [node.key, node.label]))
  const summary = `${label}. ${most.map(({ source, target, value }) => `From ${names.get(source)} to ${names.get(target)}: ${format.number(value)}`).join('. ')}`
  return (
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={label}>
      <div className={classes.chart} style={{ height, minWidth: columns * COLUMN_PX }}>
        <div ref={canvas} className={classes.canvas} role="img" aria-label={summary} />
      </div>
    </div>
  )
}

const optionOf = ({ nodes, edges, about }: Props) => {
  const names = new Map(nodes.map((node) => [node.key, node]))
  const last = Math.max(...nodes.map(({ step }) => step))
  return {
    animation: false,
    tooltip: {
      confine: true,
      transitionDuration: 0,
      padding: 0,
      borderWidth: 0,
      backgroundColor: 'transparent',
      extraCssText: 'box-shadow:none',
      formatter: (params: unknown) => {
        const { dataType, data } = params as {
          dataType: string
          data: { name: string; source: string; target: string; value: number }
        }
        const node = names.get(data.name)
        return dataType === 'node'
          ? tip(node?.label ?? '', `Step ${node?.step}`, node?.value ?? 0)
          : tip(
              `${names.get(data.source)?.label} → ${names.get(data.target)?.label}`,
              about(data.source, data.target),
              data.value,
            )
      },
    },
    series: [
      {
        type: 'sankey',
        left: 4,
        right: 132,
        top: 8,
        bottom: 8,
        nodeWidth: 10,
        nodeGap: 10,
        nodeAlign: 'left',
        draggable: false,
        layoutIterations: 0,
        emphasis: { focus: 'adjacency' },
        lineStyle: { color: token('series-quiet'), opacity: 0.22, curveness: 0.5 },
        label: {
          color: token('text'),
          fontSize: 12,
          fontFamily: "'Inter Variable', system-ui, sans-serif",
          width: 116,
          overflow: 'truncate',
          formatter: ({ name }: { name: string }) => names.get(name)?.label ?? '',
        },
        data: nodes.map(({ key, step }) => ({
          name: key,
          depth: step - 1,
          itemStyle: { color: colour(step === last ? 1 : 0), borderWidth: 0 },
        })),
        links: edges.map(({ source, target, value }) => ({ source, target, value })),
      },
    ],
  }
}

/** Made of elements and not of text: names are strangers' words. */
const tip = (title: string, about: string, value: number): HTMLElement => {
  const box = document.createElement('div')
  box.className = 'chart-tip'
  for (const [name, text] of [
    ['chart-tip-name', title],
    ['chart-tip-title', about],
    ['chart-tip-row', format.number(value)],
  ] as const) {
    const line = document.createElement('div')
    line.className = name
    line.textContent = text
    box.append(line)
  }
  return box
}
