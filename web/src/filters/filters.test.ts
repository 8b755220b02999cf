import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { excluding, type Filter, fromAddress, narrowed, toAddress, toInsight } from './model'
import { filtersOf, parseSearch, parseShared, stringifySearch, withFilters } from './search'
import { COLUMNS, condition, passing } from './sql'

const is = (key: string, ...values: string[]): Filter => ({ of: 'event', key, operator: 'exact', values })

const AWKWARD: Filter[] = [
  is('$browser', 'Chrome', 'Safari'),
  is('a~b', '100%', '~', '%7E', ''),
  is('person.email', 'x'),
  is('event.name', 'x'),
  is('property.x', 'y'),
  { of: 'person', key: 'email', operator: 'icontains', values: ['@example.com'] },
  { of: 'event_metadata', key: 'event', operator: 'is_not', values: ['$pageview'] },
  { of: 'event', key: 'ключ 🦔', operator: 'regex', values: ['^/a&b=c#d+e f\n$'] },
  { of: 'event', key: '$bot', operator: 'is_not_set', values: [] },
]

describe('filters in an address', () => {
  it.each(AWKWARD)('come back as they were: $key', (filter) => {
    expect(fromAddress(toAddress(filter))).toEqual(filter)
    const query = stringifySearch(withFilters({}, [filter]))
    expect(filtersOf(parseShared(parseSearch(query)))).toEqual([filter])
  })

  it('all come back together', () => {
    const query = stringifySearch(withFilters({ project: 2, range: '30d', compare: 'year', bots: 'out' }, AWKWARD))
    const shared = parseShared(parseSearch(query))
    expect(filtersOf(shared)).toEqual(AWKWARD)
    expect(shared).toMatchObject({ project: 2, range: '30d', compare: 'year', bots: 'out' })
  })

  it('can be read', () => {
    expect(stringifySearch(withFilters({}, [is('$pathname', '/pricing')]))).toBe('?f=$pathname~exact~/pricing')
  })

  it.each(['', '~', 'x', 'x~exact', 'x~nonsense~1', '~exact~1', 'person.~exact~1', 'x~constructor~1'])(
    'that are none are left out: %s',
    (text) => expect(fromAddress(text)).toBeUndefined(),
  )

  it('what is wrong in an address is what is usual', () => {
    expect(parseShared({ project: 'x', range: 'never', compare: 'with mars', f: ['x'], bots: 'in' })).toEqual({})
  })
})

describe('filters', () => {
  it('become what insights take', () => {
    expect(
      toInsight([
        is('$browser', 'Chrome'),
        { of: 'person', key: 'email', operator: 'is_set', values: [] },
        { of: 'event', key: 'a', operator: 'gt', values: ['3'] },
      ]),
    ).toEqual([
      { key: '$browser', type: 'event', operator: 'exact', value: ['Chrome'] },
      { key: 'email', type: 'person', operator: 'is_set' },
      { key: 'a', type: 'event', operator: 'gt', value: '3' },
    ])
  })

  it('are narrowed to one value, and lose several', () => {
    expect(narrowed([is('$os', 'Linux'), is('$browser', 'Chrome', 'Safari')], is('$browser', 'Safari'))).toEqual([
      is('$os', 'Linux'),
      is('$browser', 'Safari'),
    ])
    const without: Filter = { of: 'event', key: '$browser', operator: 'is_not', values: ['Chrome'] }
    expect(excluding([], is('$browser', 'Chrome'))).toEqual([without])
    expect(excluding([without], is('$browser', 'Safari'))).toEqual([{ ...without, values: ['Chrome', 'Safari'] }])
  })
})

describe('filters in SQL', () => {
  const sql = (filter: Filter) => condition(filter, 1)

  it('read a column where there is one, and else JSON', () => {
    expect(sql(is('$browser', 'Chrome'))).toBe("browser IN ('Chrome')")
    expect(sql(is('plan', 'pro', 'team'))).toBe("properties->>'plan' IN ('pro', 'team')")
  })

  it('cannot be left: what somebody typed is text', () => {
    expect(sql(is("a'b", "'); DROP TABLE events; --"))).toBe("properties->>'a''b' IN ('''); DROP TABLE events; --')")
    expect(sql({ of: 'event', key: 'x', operator: 'gt', values: ['1 OR 1=1'] })).toBe("properties->>'x' > '1 OR 1=1'")
    expect(sql({ of: 'event_metadata', key: '1; DROP', operator: 'exact', values: ['x'] })).toBe("NULL IN ('x')")
  })

  it('take what is not there as not equal', () => {
    expect(sql({ of: 'event', key: '$os', operator: 'is_not', values: ['Linux'] })).toBe(
      "(os IS NULL OR os NOT IN ('Linux'))",
    )
  })

  it('compare numbers as numbers', () => {
    expect(sql({ of: 'event', key: 'amount', operator: 'gte', values: ['10'] })).toBe(
      "number_of(properties->>'amount') >= 10",
    )
  })

  it('of persons leave out, for a negative one, those who have the value', () => {
    expect(sql({ of: 'person', key: 'plan', operator: 'exact', values: ['pro'] })).toBe(
      "person_id IN (SELECT id FROM persons WHERE team_id = 1 AND properties->>'plan' IN ('pro'))",
    )
    expect(sql({ of: 'person', key: 'plan', operator: 'is_not', values: ['pro'] })).toMatch(
      /^person_id NOT IN \(SELECT .* IN \('pro'\)\)$/,
    )
  })

  it('are always of one project', () => {
    expect(passing({ team: 7, filters: [is('$os', 'Linux')], withoutBots: true })).toBe(
      "team_id = 7 AND os IN ('Linux') AND bot IS NULL",
    )
  })

  it('know the columns that the table has', () => {
    const page = readFileSync('../docs/events.md', 'utf8')
    const rows = [...page.matchAll(/^\| `(\w+)` \|.*\| Property `([^`]+)`/gm)]
    const described = Object.fromEntries(rows.map(([, column, property]) => [property, column]))
    expect(COLUMNS).toEqual(described)
  })
})
