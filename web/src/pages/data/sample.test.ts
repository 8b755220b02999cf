import { expect, it } from 'vitest'
import { sampled } from './sample'

it('tells how often, of which types, and what they look like', () => {
  const rows = [
    '{"plan":"free","amount":3}',
    '{"plan":"team","amount":"3","at":"2026-11-23T10:00:00Z"}',
    '{"plan":null}',
  ]
  expect(sampled(rows)).toEqual([
    { key: 'plan', total: 3, types: ['null', 'text'], examples: ['free', 'team'] },
    { key: 'amount', total: 2, types: ['number', 'text'], examples: ['3'] },
    { key: 'at', total: 1, types: ['time'], examples: ['2026-11-23T10:00:00Z'] },
  ])
})

it('passes over what is no object, and cuts what is long', () => {
  expect(sampled([null, 'nonsense', '[1]', '7'])).toEqual([])
  const [one] = sampled([JSON.stringify({ x: 'a'.repeat(200), y: { z: [1] } })])
  expect(one?.examples[0]).toHaveLength(81)
})
