import { expect, it } from 'vitest'
import { lastSeen, personName, shortName } from './personName'

const MADE_UP = '1c8fac4e-9b35-400c-9d9c-74f1b2a3c4d5'

it('calls persons by what tells most', () => {
  const person = { id: MADE_UP, properties: {}, distinct_ids: [MADE_UP, 'user-7'] }
  expect(personName({ ...person, properties: { name: 'Ada', email: 'a@b.c' } })).toBe('Ada')
  expect(personName({ ...person, properties: { name: '  ', email: 'a@b.c' } })).toBe('a@b.c')
  expect(personName({ ...person, properties: { name: 7 } })).toBe('user-7')
  expect(shortName({ ...person, distinct_ids: [MADE_UP] })).toBe('Anonymous 1c8fac4e')
})

it('knows when somebody was there to the hour', () => {
  const now = Date.UTC(2026, 10, 23, 13, 50)
  const first = '2026-11-01T08:00:00Z'
  expect(lastSeen({ created_at: first, last_seen_at: '2026-11-23T13:00:00Z' }, now)).toBe('this hour')
  expect(lastSeen({ created_at: first, last_seen_at: '2026-11-22T13:00:00Z' }, now)).toBe('1d ago')
  expect(lastSeen({ created_at: first, last_seen_at: null }, now)).toBe('–')
  // Nobody is seen last before being seen first.
  expect(lastSeen({ created_at: '2026-11-23T07:45:00Z', last_seen_at: '2026-11-23T07:00:00Z' }, now)).toBe('6h ago')
})
