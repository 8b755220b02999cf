import { describe, expect, it } from 'vitest'
import * as format from './format'

describe('numbers', () => {
  it('have thousands apart, and as many digits as they need', () => {
    expect(format.number(1234567)).toBe('1,234,567')
    expect(format.number(0.255)).toBe('0.26')
    expect(format.number(1234.5)).toBe('1,235')
    expect(format.number(null)).toBe('–')
    expect(format.number(Number.NaN)).toBe('–')
  })

  it('are short where space is, and whole below ten thousand', () => {
    expect(format.compact(9_999)).toBe('9,999')
    expect(format.compact(12_345)).toBe('12.3K')
    expect(format.compact(4_560_000)).toBe('4.56M')
    expect(format.compact(-12_345)).toBe('-12.3K')
  })

  it('are shares', () => {
    expect(format.percent(0.5)).toBe('50%')
    expect(format.percent(0.043)).toBe('4.3%')
    expect(format.percent(1)).toBe('100%')
    expect(format.percent(0)).toBe('0%')
    expect(format.percent(undefined)).toBe('–')
  })

  it('are bytes', () => {
    expect(format.bytes(0)).toBe('0 B')
    expect(format.bytes(812)).toBe('812 B')
    expect(format.bytes(67_108_864)).toBe('67.1 MB')
    expect(format.bytes(999_999_999_999)).toBe('1000 GB')
  })

  it('change', () => {
    expect(format.change(110, 100)).toBe('+10%')
    expect(format.change(90, 100)).toBe('−10%')
    expect(format.change(100, 100)).toBe('0%')
    expect(format.change(2_000, 100)).toBe('+20×')
    expect(format.change(5, 0)).toBeUndefined()
    expect(format.change(5, undefined)).toBeUndefined()
  })
})

describe('durations', () => {
  it.each([
    [0, '0s'],
    [0.25, '250ms'],
    [45, '45s'],
    [59.7, '1m'],
    [200, '3m 20s'],
    [3_600, '1h'],
    [7_500, '2h 5m'],
    [273_600, '3d 4h'],
    [null, '–'],
  ])('%s is %s', (seconds, said) => expect(format.duration(seconds)).toBe(said))
})

describe('times', () => {
  const moment = '2026-11-23T13:05:09.123456Z'

  it('are those of the project', () => {
    expect(format.time(moment, 'Europe/Berlin')).toBe('23 Nov 2026, 14:05:09')
    expect(format.time(moment, 'America/New_York')).toBe('23 Nov 2026, 08:05:09')
    expect(format.clock(moment, 'Asia/Kolkata')).toBe('18:35:09')
  })

  it('without a zone are in UTC', () => {
    expect(format.instant('2026-11-23T13:05:09.5')).toBe(Date.UTC(2026, 10, 23, 13, 5, 9, 500))
    expect(format.instant('2026-11-23 13:05:09')).toBe(Date.UTC(2026, 10, 23, 13, 5, 9))
    expect(format.instant('2026-11-23T13:05:09+01:00')).toBe(Date.UTC(2026, 10, 23, 12, 5, 9))
    expect(format.instant('soon')).toBeUndefined()
  })

  it('are so long ago', () => {
    const now = Date.UTC(2026, 10, 23, 13, 10, 9)
    expect(format.ago(moment, now)).toBe('5m ago')
    expect(format.ago(now - 1_000, now)).toBe('just now')
    expect(format.ago(now - 70 * 86_400_000, now)).toBe('2mo ago')
    expect(format.ago(now - 800 * 86_400_000, now)).toBe('2y ago')
    expect(format.ago(now + 60_000, now)).toBe('in 1m')
  })

  it('of spans', () => {
    expect(format.span('2026-11-23', 'day')).toBe('Mon 23 Nov 2026')
    expect(format.span('2026-11-23 14:00:00', 'hour')).toBe('Mon 23 Nov 2026, 14:00')
    expect(format.span('2026-11-22', 'week')).toBe('Week of Sun 22 Nov 2026')
    expect(format.span('2026-11-01', 'month')).toBe('Nov 2026')
    expect(format.tick('2026-01-01', 'month')).toBe('Jan 2026')
    expect(format.tick('2026-11-23 09:00:00', 'hour')).toBe('09:00')
  })
})

describe('names', () => {
  it('of countries', () => {
    expect(format.country('DE')).toBe('Germany')
    expect(format.country('XX')).toBe('XX')
    expect(format.country('not a code')).toBe('not a code')
  })

  it('of values of a breakdown', () => {
    expect(format.breakdown(format.NONE)).toBe('(none)')
    expect(format.breakdown(format.OTHER)).toBe('Other')
    expect(format.breakdown([format.OTHER, format.OTHER])).toBe('Other')
    expect(format.breakdown(['Chrome', format.NONE])).toBe('Chrome · (none)')
  })

  it('of events', () => {
    expect(format.eventName('$pageview')).toBe('Pageview')
    expect(format.eventName('signed up')).toBe('signed up')
    expect(format.eventName(null)).toBe('All events')
  })
})
