import { describe, expect, it } from 'vitest'
import type { WebFigure } from '~/api/types'
import { beside, figureOf, filterOf, said, valueOf } from './visits'

const answer = (values: Partial<Record<WebFigure, number | null>>) => ({
  results: Object.entries(values).map(([key, value]) => ({ key: key as WebFigure, value, previous: null })),
})
const row = (breakdown_value: string | null | (string | null)[]) => ({
  breakdown_value,
  visitors: 1,
  views: 1,
  sessions: 1,
  bounce_rate: null,
})

describe('a figure', () => {
  it('is a share of 1, and nothing where there is no session', () => {
    const some = answer({ views: 9, sessions: 3, 'bounce rate': 25, 'session duration': 60 })
    expect([figureOf(some, 'bounced'), figureOf(some, 'depth'), figureOf(some, 'seconds')]).toEqual([0.25, 3, 60])
    const none = answer({ views: 0, sessions: 0, 'bounce rate': 0, 'session duration': 0 })
    expect([figureOf(none, 'bounced'), figureOf(none, 'depth'), figureOf(none, 'seconds')]).toEqual([null, null, null])
    expect(figureOf(some, 'views', 'previous')).toBeNull()
  })
})

describe('a row', () => {
  it('of a place is the place, beside its country', () => {
    expect(valueOf(row(['DE', 'Berlin']))).toBe('Berlin')
    expect(beside('City', row(['DE', 'Berlin']))).toBe('DE')
    expect(said('Country', row('DE'))).toBe('Germany')
  })

  it('becomes a filter, or none where no event says it', () => {
    expect(filterOf('Page', row('/docs'))).toEqual({
      of: 'event',
      key: '$pathname',
      operator: 'exact',
      values: ['/docs'],
    })
    expect(filterOf('InitialUTMSource', row(null))?.operator).toBe('is_not_set')
    expect(filterOf('InitialChannelType', row('Unknown'))).toBeUndefined()
  })

  it('without a referrer is direct', () => {
    expect([said('InitialReferringDomain', row(null)), said('InitialReferringDomain', row('$direct'))]).toEqual([
      'Direct',
      'Direct',
    ])
  })
})
