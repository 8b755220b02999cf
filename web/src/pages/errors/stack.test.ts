import { expect, it } from 'vitest'
import { exceptionsOf, shortPath } from './stack'

it('the frame that threw comes first', () => {
  const frames = [
    { function: 'caller', filename: 'https://a.example/app.js', lineno: 3, colno: 9, in_app: true },
    { function: 'thrower', filename: 'https://a.example/lib.js', lineno: 7, in_app: false },
  ]
  const [one] = exceptionsOf({
    $exception_list: [{ type: 'TypeError', value: 'x', mechanism: { handled: false }, stacktrace: { frames } }],
  })
  expect(one).toMatchObject({ type: 'TypeError', value: 'x', isHandled: false })
  expect(one?.frames).toEqual([
    { call: 'thrower', where: 'https://a.example/lib.js', line: '7', isOwn: false },
    { call: 'caller', where: 'https://a.example/app.js', line: '3:9', isOwn: true },
  ])
})

it('takes what older SDKs send, and what is no exception', () => {
  expect(exceptionsOf({ $exception_message: 'late' })).toEqual([
    { type: 'Error', value: 'late', isHandled: undefined, frames: [] },
  ])
  expect(exceptionsOf({})).toEqual([])
  expect(exceptionsOf({ $exception_list: [null, { stacktrace: { frames: [7] } }] })).toHaveLength(2)
})

it('a path is told without its host', () => {
  expect(shortPath('https://a.example/app/x.ts?v=3')).toBe('app/x.ts')
  expect(shortPath('app/x.ts')).toBe('app/x.ts')
})
