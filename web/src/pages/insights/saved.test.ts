import { describe, expect, it } from 'vitest'
import { resolve } from '~/filters/range'
import type { Scope } from '~/scope'
import { type KindName, type Question, USUAL } from './question'
import { isSameJson, readSaved, writeSaved } from './saved'

const ZONE = 'Europe/Berlin'
const NOW = Date.UTC(2026, 10, 23, 12)

const scopeOf = (more: Partial<Scope> = {}) => {
  const rangeName = more.rangeName ?? '30d'
  return {
    zone: ZONE,
    rangeName,
    range: resolve(rangeName, ZONE, NOW),
    within: { dateRange: { date_from: '2026-10-25', date_to: '2026-11-23' } },
    ...more,
  } as Scope
}

const round = (kind: KindName, question: Question, scope = scopeOf()) =>
  readSaved(JSON.parse(JSON.stringify(writeSaved(kind, question, scope, NOW))), ZONE, NOW)

const SERIES: Question['series'] = [
  { event: 'signed up', math: 'dau', f: ['plan~exact~pro~team'], name: 'Sign-ups' },
  { event: null, math: 'sum', property: 'amount', of: 'person' },
]
const PLAIN: Question['series'] = [{ event: '$pageview', f: ['$pathname~icontains~/docs'] }, { event: 'signed up' }]

describe('what is kept of a question is that question', () => {
  const questions: [KindName, Question][] = [
    ['trends', USUAL],
    [
      'trends',
      { series: SERIES, interval: 'week', formula: 'A / B', look: 'bar', breakdown: { of: 'person', key: 'plan' } },
    ],
    ['trends', { series: SERIES, interval: 'day', isCumulative: true }],
    ['funnels', { series: PLAIN, order: 'strict', window: 3, unit: 'hour', breakdown: { of: 'event', key: '$os' } }],
    ['retention', { series: PLAIN, period: 'Week', spans: 12, who: 'ever', isCumulative: true }],
    ['retention', { series: [{ event: 'signed up' }], spans: 8 }],
    [
      'paths',
      { series: USUAL.series, types: ['$pageview', 'custom_event'], start: '/a', end: '/b', steps: 4, without: ['/c'] },
    ],
    ['lifecycle', { series: [{ event: 'signed up' }], interval: 'week' }],
    ['stickiness', { series: PLAIN, interval: 'day', isCumulative: true }],
    ['web-overview', { series: USUAL.series, table: 'Country' }],
  ]
  it.each(questions)('%s: %j', (kind, question) => {
    const opened = round(kind, question)
    expect(opened?.kind).toBe(kind)
    const { interval, ...others } = opened?.question ?? { series: [] }
    const { interval: wanted, ...rest } = question
    expect(others).toEqual(rest)
    if (wanted) expect(interval).toBe(wanted)
    expect(opened?.search).toEqual({ range: '30d' })
  })
})

describe('a range that is kept', () => {
  it.each(['today', 'yesterday', '24h', '30d', '90d', '12mo', 'month', 'year', '2026-11-01..2026-11-15'] as const)(
    'goes on with time: %s',
    (rangeName) => {
      expect(round('trends', USUAL, scopeOf({ rangeName }))?.search.range).toBe(rangeName)
    },
  )

  it('is read as others wrote it', () => {
    const of = (dateRange: object) => readSaved({ kind: 'LifecycleQuery', dateRange }, ZONE, NOW)?.search.range
    expect(of({ date_from: '-7d' })).toBe('2026-11-16..2026-11-23')
    expect(of({ date_from: '-1m', date_to: '2026-11-20' })).toBe('2026-10-23..2026-11-20')
    expect(of({ date_from: '-3dStart', date_to: '-1dEnd' })).toBe('2026-11-20..2026-11-22')
    expect(of({ date_from: 'nonsense' })).toBeUndefined()
  })
})

it('keeps filters, comparison and whom to leave out', () => {
  const scope = scopeOf({
    comparison: 'year',
    compareFilter: { compare: true, compare_to: '-1y' },
    within: {
      dateRange: {},
      properties: [{ key: '$browser', type: 'event', operator: 'exact', value: ['Chrome'] }],
      filterBots: true,
      filterTestAccounts: true,
    },
  })
  expect(round('trends', USUAL, scope)?.search).toEqual({
    range: '30d',
    compare: 'year',
    f: ['$browser~exact~Chrome'],
    bots: 'out',
    test: 'out',
  })
})

it('reads nothing of another kind', () => {
  expect(readSaved({ kind: 'HogQLQuery' }, ZONE, NOW)).toBeUndefined()
  expect(readSaved(null, ZONE, NOW)).toBeUndefined()
})

it('is the same in another order', () => {
  expect(isSameJson({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1, e: undefined })).toBe(true)
  expect(isSameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false)
})
