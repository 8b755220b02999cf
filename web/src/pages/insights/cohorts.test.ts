import { describe, expect, it } from 'vitest'
import { average, isToCome } from './cohorts'

const cohort = (...counts: number[]) => ({
  date: '2026-11-20T00:00:00+01:00',
  label: '',
  values: counts.map((count) => ({ label: '', count })),
})

describe('a span', () => {
  it('is to come until it begins', () => {
    const began = Date.UTC(2026, 0, 31)
    expect(isToCome(began, 1, 'Day', Date.UTC(2026, 1, 1))).toBe(false)
    expect(isToCome(began, 1, 'Day', Date.UTC(2026, 0, 31, 23))).toBe(true)
    expect(isToCome(Date.UTC(2026, 0, 1), 1, 'Month', Date.UTC(2026, 1, 1))).toBe(false)
    expect(isToCome(Date.UTC(2026, 0, 1), 1, 'Month', Date.UTC(2026, 0, 31))).toBe(true)
  })
})

describe('the average', () => {
  it('is by persons, and of whole spans', () => {
    const cohorts = [cohort(100, 50, 10), cohort(300, 50, 0), cohort(10, 0, 0)]
    const isWhole = (one: { values: { count: number }[] }, interval: number) =>
      interval === 1 ? one.values[0]?.count !== 10 : one.values[0]?.count === 100
    expect(average(cohorts, isWhole)).toEqual([1, 0.25, 0.1])
  })

  it('of nobody is nothing', () => {
    expect(average([cohort(0, 0)], () => true)).toEqual([undefined, undefined])
    expect(average([], () => true)).toEqual([])
  })
})
