import { describe, expect, it } from 'vitest'
import {
  before,
  comparedTo,
  dateRange,
  endOf,
  intervalsOf,
  parseRange,
  rangeOfSpans,
  resolve,
  spansOf,
  usualInterval,
} from './range'

const BERLIN = 'Europe/Berlin'
const NOW = Date.UTC(2026, 10, 23, 13, 5)
const hours = (range: { since: number; until: number }) => (range.until - range.since) / 3_600_000

describe('a range in an address', () => {
  it('is a preset, or two days, or two hours', () => {
    expect(parseRange('30d')).toBe('30d')
    expect(parseRange('2026-11-01..2026-11-15')).toBe('2026-11-01..2026-11-15')
    expect(parseRange('2026-11-01T10..2026-11-01T12')).toBe('2026-11-01T10..2026-11-01T12')
  })

  it.each([
    undefined,
    7,
    '',
    'toString',
    '2026-11-15..2026-11-01',
    '2026-02-30..2026-03-01',
    '2026-11-01..2026-11-02T10',
    "x'; drop",
  ])('%s is the usual one', (text) => expect(parseRange(text)).toBe('7d'))
})

describe('a range', () => {
  it('of seven days has seven, with today', () => {
    const range = resolve('7d', BERLIN, NOW)
    expect([range.from, range.to]).toEqual(['2026-11-17', '2026-11-23'])
    expect(range.since).toBe(Date.UTC(2026, 10, 16, 23))
    expect(dateRange(range)).toEqual({ date_from: '2026-11-17', date_to: '2026-11-23T23:59:59' })
    expect(spansOf(range, 'day')).toHaveLength(7)
  })

  it('begins with the day where the project is', () => {
    const lateInBerlin = Date.UTC(2026, 10, 23, 23, 30)
    expect(resolve('today', BERLIN, lateInBerlin).from).toBe('2026-11-24')
    expect(resolve('today', 'UTC', lateInBerlin).from).toBe('2026-11-23')
  })

  it('of 24 hours ends with this one', () => {
    const range = resolve('24h', BERLIN, NOW)
    expect([range.from, range.to]).toEqual(['2026-11-22T15', '2026-11-23T14'])
    expect(spansOf(range, 'hour')).toHaveLength(24)
    expect(dateRange(range)).toEqual({
      date_from: '2026-11-22T15:00:00',
      date_to: '2026-11-23T14:59:59',
      explicitDate: true,
    })
  })

  it('has 23 or 25 hours a day where clocks change', () => {
    expect(hours(resolve('2026-03-29..2026-03-29', BERLIN, NOW))).toBe(23)
    expect(hours(resolve('2026-10-25..2026-10-25', BERLIN, NOW))).toBe(25)
    expect(spansOf(resolve('2026-10-25..2026-10-25', BERLIN, NOW), 'hour')).toHaveLength(25)
  })

  it('is compared with the same length before it, or with a year ago', () => {
    const range = resolve('7d', BERLIN, NOW)
    expect(before(range, 'previous')).toMatchObject({ from: '2026-11-10', to: '2026-11-16' })
    expect(before(range, 'year')).toMatchObject({ from: '2025-11-17', to: '2025-11-23' })
    expect([comparedTo(range, 'previous'), comparedTo(range, 'year')]).toEqual(['-7d', '-1y'])
    const day = resolve('24h', BERLIN, NOW)
    expect(before(day, 'previous')).toMatchObject({ from: '2026-11-21T15', to: '2026-11-22T14' })
    expect(comparedTo(day, 'previous')).toBe('-24h')
  })

  it('has points that fit', () => {
    expect(usualInterval(resolve('today', BERLIN, NOW))).toBe('hour')
    expect(usualInterval(resolve('30d', BERLIN, NOW))).toBe('day')
    expect(usualInterval(resolve('12mo', BERLIN, NOW))).toBe('month')
    expect(intervalsOf(resolve('7d', BERLIN, NOW))).toEqual(['hour', 'day'])
    for (const name of ['today', '24h', '7d', '30d', '90d', '12mo', 'year'] as const) {
      const range = resolve(name, BERLIN, NOW)
      expect(intervalsOf(range)).toContain(usualInterval(range))
    }
  })
})

describe('points', () => {
  it('of weeks begin on Sunday, of months on the first', () => {
    const range = resolve('2026-11-03..2026-11-20', BERLIN, NOW)
    expect(spansOf(range, 'week')).toEqual(['2026-11-01', '2026-11-08', '2026-11-15'])
    expect(spansOf(range, 'month')).toEqual(['2026-11-01'])
  })

  it('end where the next begins', () => {
    expect(endOf('2026-10-25', 'day', BERLIN) - resolve('2026-10-25..2026-10-25', BERLIN, NOW).since).toBe(
      25 * 3_600_000,
    )
    expect(endOf('2026-11-01', 'month', 'UTC')).toBe(Date.UTC(2026, 11, 1))
    expect(endOf('2026-11-23 14:00:00', 'hour', 'UTC')).toBe(Date.UTC(2026, 10, 23, 15))
  })

  it('that were dragged over are a range', () => {
    expect(rangeOfSpans('2026-11-03', '2026-11-05', 'day')).toBe('2026-11-03..2026-11-05')
    expect(rangeOfSpans('2026-11-23 09:00:00', '2026-11-23 11:00:00', 'hour')).toBe('2026-11-23T09..2026-11-23T11')
    expect(rangeOfSpans('2026-11-01', '2026-11-08', 'week')).toBe('2026-11-01..2026-11-14')
    expect(rangeOfSpans('2026-01-01', '2026-02-01', 'month')).toBe('2026-01-01..2026-02-28')
    for (const name of [
      rangeOfSpans('2026-11-23 09:00:00', '2026-11-23 11:00:00', 'hour'),
      rangeOfSpans('2026-11-23 09:05:00', '2026-11-23 09:20:00', 'minute'),
    ]) {
      expect(parseRange(name)).toBe(name)
    }
  })
})
