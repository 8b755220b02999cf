import { describe, expect, it } from 'vitest'
import { funnels, type Question, readQuestion, stickiness, trends, USUAL, writeQuestion } from './question'

const WHOLE: Question = {
  series: [
    { event: 'signed up', f: ['plan~exact~pro'], name: 'Sign-ups' },
    { event: null, math: 'sum', property: 'amount', of: 'person' },
  ],
  breakdown: { of: 'person', key: 'plan' },
  interval: 'week',
  formula: 'A / B',
  look: 'area',
  isCumulative: true,
  order: 'strict',
  window: 3,
  unit: 'hour',
}

const scope = { within: { dateRange: { date_from: '2026-11-17', date_to: '2026-11-23' } }, compareFilter: undefined }

describe('a question in an address', () => {
  it('comes back as it was', () => {
    expect(readQuestion(writeQuestion(WHOLE))).toEqual(WHOLE)
    expect(writeQuestion(USUAL)).toBeUndefined()
    expect(readQuestion(undefined)).toEqual(USUAL)
  })

  it.each(['{', '[]', 'null', '3', '{"series":"x"}', '{"series":[]}', '{"series":[null,3]}'])(
    'that is none is the usual one: %s',
    (text) => expect(readQuestion(text).series).toEqual(USUAL.series),
  )

  it('loses what is not known', () => {
    const said = {
      series: [{ event: 'x', math: 'mode', of: 'group', f: ['x', 3] }],
      look: 'pie',
      order: 'any',
      window: -1,
      unit: 'day',
      breakdown: { of: 'x', key: 'y' },
      extra: 1,
    }
    expect(readQuestion(JSON.stringify(said))).toEqual({ series: [{ event: 'x' }] })
  })
})

describe('a request', () => {
  it('of trends has all that decides what is counted', () => {
    expect(trends(WHOLE, 'week', scope)).toEqual({
      dateRange: scope.within.dateRange,
      series: [
        {
          kind: 'EventsNode',
          event: 'signed up',
          custom_name: 'Sign-ups',
          properties: [{ key: 'plan', type: 'event', operator: 'exact', value: ['pro'] }],
        },
        {
          kind: 'EventsNode',
          event: null,
          math: 'sum',
          math_property: 'amount',
          math_property_type: 'person_properties',
        },
      ],
      interval: 'week',
      breakdownFilter: { breakdown: 'plan', breakdown_type: 'person' },
      trendsFilter: { display: 'ActionsLineGraphCumulative', formula: 'A / B' },
    })
  })

  it('leaves out a series that is not whole', () => {
    expect(trends({ series: [{ event: 'x', math: 'avg' }] }, 'day', scope).series).toEqual([])
  })

  it('of funnels says order and window', () => {
    expect(funnels(WHOLE, scope).funnelsFilter).toEqual({
      funnelOrderType: 'strict',
      funnelWindowInterval: 3,
      funnelWindowIntervalUnit: 'hour',
    })
    expect(funnels(USUAL, scope).funnelsFilter).toEqual({})
  })

  it('of stickiness can count spans or more', () => {
    expect(stickiness(WHOLE, 'day', scope).stickinessFilter).toEqual({ computedAs: 'cumulative' })
  })
})
