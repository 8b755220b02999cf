import { expect, it } from 'vitest'
import { hostsOf, itemOf, nodesOf, said } from './ways'

const edge = (source: string, target: string, value: number) => ({ source, target, value, average_conversion_time: 0 })

it('an item has its step before it', () => {
  expect(itemOf('2_/a_b')).toEqual({ step: 2, item: '/a_b' })
  expect(itemOf('...')).toEqual({ step: 1, item: '...' })
})

it('an address is told without its host where there is one host', () => {
  const one = hostsOf([edge('1_https://a.example', '2_https://a.example/x', 1)])
  expect([said('https://a.example', one), said('https://a.example/x?y', one)]).toEqual(['/', '/x?y'])
  const two = hostsOf([edge('1_https://a.example', '2_https://b.example/x', 1)])
  expect(said('https://b.example/x', two)).toBe('b.example/x')
  expect(said('$pageleave', one)).toBe('Pageleave')
})

it('nodes stand in columns, the largest first', () => {
  const nodes = nodesOf([edge('1_a', '2_b', 5), edge('1_a', '2_c', 9), edge('1_d', '2_c', 2), edge('2_c', '3_e', 4)])
  expect(nodes.map(({ key, value, goOn }) => [key, value, goOn])).toEqual([
    ['1_a', 14, 14],
    ['1_d', 2, 2],
    ['2_c', 11, 4],
    ['2_b', 5, 0],
    ['3_e', 4, 0],
  ])
})
