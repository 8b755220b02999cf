import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askInsightSoon } from './insights'

const fetched = vi.fn<typeof fetch>()
const answer = (results: unknown[], age?: number) =>
  new Response(JSON.stringify({ results, sql: [] }), { headers: age === undefined ? {} : { age: String(age) } })

beforeEach(() => {
  fetched.mockReset()
  vi.stubGlobal('fetch', fetched)
})

afterEach(() => vi.unstubAllGlobals())

const saidOfCaches = () => fetched.mock.calls.map(([, asked]) => new Headers(asked?.headers).get('cache-control'))

const asks = (client: QueryClient) => {
  const asking = { client, queryKey: ['one'], signal: new AbortController().signal }
  return askInsightSoon('trends', { series: [] }, 1, asking, ({ results }) => results.length)
}

it('shows an old answer until the new one is there', async () => {
  const client = new QueryClient()
  let answerAnew = (_: Response) => {}
  fetched.mockResolvedValueOnce(answer([1], 40))
  fetched.mockReturnValueOnce(new Promise((resolve) => (answerAnew = resolve)))
  const asked = asks(client)
  await vi.waitFor(() => expect(client.getQueryData(['one'])).toBe(1))
  answerAnew(answer([1, 2]))
  expect(await asked).toBe(2)
  expect(saidOfCaches()).toEqual(['max-stale=600', null])
})

it('asks once where the answer is of the newest rows', async () => {
  fetched.mockResolvedValueOnce(answer([1, 2, 3]))
  expect(await asks(new QueryClient())).toBe(3)
  expect(fetched).toHaveBeenCalledTimes(1)
})

it('asks for no old answer where there is one', async () => {
  const client = new QueryClient()
  client.setQueryData(['one'], 7)
  fetched.mockResolvedValueOnce(answer([]))
  expect(await asks(client)).toBe(0)
  expect(saidOfCaches()).toEqual([null])
})
