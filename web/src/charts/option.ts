// A chart in ECharts' words.
import * as format from '~/format/format'
import type { EChartsCoreOption } from './echarts'
import { colour, token } from './palette'
import type { Series, TimeChartProps } from './TimeChart'

export type Look = 'line' | 'area' | 'bar' | 'stack'

export type Drawn = TimeChartProps & { value: (value: number) => string; look: Look }

/** More lines than these have no names in a tooltip. */
const IN_TOOLTIP = 12

export const optionOf = (drawn: Drawn): EChartsCoreOption => {
  const { spans, series, tick, value, look } = drawn
  const isBar = look === 'bar' || look === 'stack'
  const text = { color: token('muted'), fontSize: 12, fontFamily: "'Inter Variable', system-ui, sans-serif" }
  return {
    animation: false,
    textStyle: text,
    grid: { left: 4, right: 12, top: 12, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      padding: 0,
      borderWidth: 0,
      backgroundColor: 'transparent',
      extraCssText: 'box-shadow:none',
      axisPointer: isBar
        ? { type: 'shadow', shadowStyle: { color: token('text'), opacity: 0.05 } }
        : { type: 'line', lineStyle: { color: token('line-strong'), type: 'solid' } },
      formatter: (params: unknown) => tooltip(drawn, indexOf(params)),
    },
    xAxis: {
      type: 'category',
      data: spans,
      boundaryGap: isBar,
      axisLine: { lineStyle: { color: token('line-strong') } },
      axisTick: { show: false },
      axisLabel: {
        ...text,
        hideOverlap: true,
        margin: 10,
        formatter: (span: string) => tick(span),
        showMinLabel: true,
      },
    },
    yAxis: {
      type: 'value',
      splitNumber: 4,
      minInterval: series.every((one) => one.data.every(Number.isInteger)) ? 1 : undefined,
      axisLabel: {
        ...text,
        formatter: (shown: number) => (value === format.number ? format.compact(shown) : value(shown)),
      },
      splitLine: { lineStyle: { color: token('line') } },
    },
    series: series.flatMap((one) => drawnSeries(one, drawn, isBar)),
  }
}

const indexOf = (params: unknown): number => {
  const [first] = Array.isArray(params) ? (params as { dataIndex?: number }[]) : []
  return first?.dataIndex ?? 0
}

/** A line that goes on is two: the part that is settled, and a dashed one to the last point. */
const drawnSeries = (one: Series, { look, isRunning, spans }: Drawn, isBar: boolean): object[] => {
  const shade = colour(one.colour)
  const opacity = one.isBefore ? 0.38 : 1
  if (isBar) {
    const last = spans.length - 1
    const data = one.data.map((value, index) =>
      isRunning && index === last ? { value, itemStyle: { opacity: 0.45 * opacity } } : value,
    )
    const radius = look === 'stack' ? 0 : [3, 3, 0, 0]
    return [
      {
        type: 'bar',
        data,
        stack: look === 'stack' ? 'all' : undefined,
        barMaxWidth: 36,
        barCategoryGap: '28%',
        itemStyle: { color: shade, opacity, borderRadius: radius },
      },
    ]
  }
  const line = (data: (number | null)[], type: 'solid' | 'dashed') => ({
    type: 'line',
    data,
    symbol: data.filter((value) => value !== null).length === 1 ? 'circle' : 'none',
    symbolSize: 6,
    lineStyle: { color: shade, width: one.isBefore ? 1.5 : 2, type, opacity },
    itemStyle: { color: shade, opacity },
    emphasis: { disabled: true },
    z: one.isBefore ? 2 : 3,
    ...(look === 'area' && !one.isBefore ? { areaStyle: { color: shade, opacity: 0.08 } } : {}),
  })
  if (!isRunning || one.isBefore || one.data.length < 2) return [line(one.data, 'solid')]
  const last = one.data.length - 1
  return [
    line(
      one.data.map((value, index) => (index < last ? value : null)),
      'solid',
    ),
    line(
      one.data.map((value, index) => (index >= last - 1 ? value : null)),
      'dashed',
    ),
  ]
}

/** Made of elements and not of text: names and values are strangers' words. */
const tooltip = ({ spans, series, title, value, isRunning }: Drawn, index: number): HTMLElement => {
  const box = element('div', 'chart-tip')
  const span = spans[index]
  const goesOn = isRunning && index === spans.length - 1 ? ' · so far' : ''
  box.append(element('div', 'chart-tip-title', span === undefined ? '' : `${title(span)}${goesOn}`))
  const rows = [...series].map((one) => ({ one, at: one.data[index] ?? 0 }))
  const shown = rows.length > IN_TOOLTIP ? rows.sort((left, right) => right.at - left.at).slice(0, IN_TOOLTIP) : rows
  for (const { one, at } of shown) {
    const row = element('div', 'chart-tip-row')
    const mark = element('span', 'chart-tip-mark')
    mark.style.background = colour(one.colour)
    if (one.isBefore) mark.style.opacity = '0.4'
    const own = one.isBefore && one.spans?.[index] ? title(one.spans[index]) : one.label
    row.append(mark, element('span', 'chart-tip-name', own), element('span', 'chart-tip-value', value(at)))
    box.append(row)
  }
  if (rows.length > IN_TOOLTIP) box.append(element('div', 'chart-tip-more', `and ${rows.length - IN_TOOLTIP} more`))
  return box
}

const element = (tag: 'div' | 'span', name: string, text?: string): HTMLElement => {
  const made = document.createElement(tag)
  made.className = name
  if (text !== undefined) made.textContent = text
  return made
}
