import { describe, expect, it } from 'vitest'
import { addDays, addMonths, civilOf, daysBetween, momentOf } from './civil'

describe('clocks', () => {
  it('show a moment', () => {
    expect(civilOf(Date.UTC(2026, 0, 1, 0, 30), 'America/New_York')).toBe('2025-12-31T19:30:00')
    expect(civilOf(Date.UTC(2026, 0, 1, 0, 0), 'UTC')).toBe('2026-01-01T00:00:00')
  })

  it.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'])(
    'in %s give back what they show, all year',
    (zone) => {
      for (let hour = 0; hour < 366 * 24; hour += 5) {
        const moment = Date.UTC(2026, 0, 1) + hour * 3_600_000
        const found = momentOf(civilOf(moment, zone), zone)
        // An hour that comes twice is the first one.
        expect(civilOf(found, zone)).toBe(civilOf(moment, zone))
        expect(found).toBeLessThanOrEqual(moment)
      }
    },
  )

  it('skip an hour in spring, which is then the one behind', () => {
    expect(momentOf('2026-03-29T02:30:00', 'Europe/Berlin')).toBe(Date.UTC(2026, 2, 29, 1, 30))
  })

  it('have days without a midnight', () => {
    const start = momentOf('2026-09-06T00:00:00', 'America/Santiago')
    expect(civilOf(start, 'America/Santiago')).toBe('2026-09-06T01:00:00')
  })
})

describe('the calendar', () => {
  it('counts days over the end of a year, and months to their ends', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01')
    expect(addDays('2026-03-01', -1)).toBe('2026-02-28')
    expect(addMonths('2026-03-31', -1)).toBe('2026-02-28')
    expect(addMonths('2026-11-15', 3)).toBe('2027-02-15')
    expect(addMonths('2028-02-29', -12)).toBe('2027-02-28')
    expect(daysBetween('2026-03-28', '2026-03-30')).toBe(2)
  })
})
