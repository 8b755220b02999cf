import { describe, expect, it } from 'vitest'
import * as format from '~/format/format'
import { type Drawn, optionOf } from './option'

const drawn = (more: Partial<Drawn> = {}): Drawn => ({
  label: 'Views',
  spans: ['2026-11-21', '2026-11-22', '2026-11-23'],
  series: [{ key: 'a', label: 'Views', data: [3, 5, 1], colour: 0 }],
  tick: (span) => span,
  title: (span) => span,
  value: format.number,
  look: 'line',
  ...more,
})

interface Shown {
  tooltip: { formatter: (params: unknown) => HTMLElement }
  series: { type: string; data: unknown[]; lineStyle?: { type: string } }[]
}

const shown = (more: Partial<Drawn> = {}) => optionOf(drawn(more)) as unknown as Shown
const tip = (more: Partial<Drawn>, index: number) => shown(more).tooltip.formatter([{ dataIndex: index }])

describe('a chart', () => {
  it('draws what is settled as one line', () => {
    expect(shown().series.map(({ data }) => data)).toEqual([[3, 5, 1]])
  })

  it('dashes the span that goes on, from the last settled point', () => {
    const lines = shown({ isRunning: true }).series
    expect(lines.map(({ data }) => data)).toEqual([
      [3, 5, null],
      [null, 5, 1],
    ])
    expect(lines.map(({ lineStyle }) => lineStyle?.type)).toEqual(['solid', 'dashed'])
  })

  it('says every value of a span, and that it goes on', () => {
    const series = [
      { key: 'a', label: 'Views', data: [3, 5, 1], colour: 0 },
      {
        key: 'b',
        label: 'Views',
        data: [7, 8, 9],
        colour: 0,
        isBefore: true,
        spans: ['2026-11-14', '2026-11-15', '2026-11-16'],
      },
    ]
    expect(tip({ series, isRunning: true }, 2).textContent).toBe('2026-11-23 · so farViews12026-11-169')
  })

  it('takes names and values for text, whatever is in them', () => {
    const label = '<img src=x onerror=alert(1)>'
    const found = tip({ series: [{ key: 'a', label, data: [1, 2, 3], colour: 0 }] }, 0)
    expect(found.querySelector('img')).toBeNull()
    expect(found.textContent).toContain(label)
  })

  it('names the largest of many', () => {
    const series = Array.from({ length: 20 }, (_, at) => ({
      key: `${at}`,
      label: `s${at}`,
      data: [at, 0, 0],
      colour: at,
    }))
    const text = tip({ series }, 0).textContent ?? ''
    expect(text).toContain('s19')
    expect(text).not.toContain('s0')
    expect(text).toContain('and 8 more')
  })
})
