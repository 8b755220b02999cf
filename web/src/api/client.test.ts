import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

type Access = typeof import('./access')
type Client = typeof import('./client')

let access: Access
let client: Client
const fetched = vi.fn<typeof fetch>()

const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status })

beforeEach(async () => {
  vi.resetModules()
  sessionStorage.clear()
  fetched.mockReset()
  vi.stubGlobal('fetch', fetched)
  access = await import('./access')
  client = await import('./client')
})

afterEach(() => vi.unstubAllGlobals())

const headersOfCall = (index: number) => new Headers(fetched.mock.calls[index]?.[1]?.headers)

describe('who asks', () => {
  it('is somebody with a key, where the server has no sessions', async () => {
    fetched.mockResolvedValueOnce(answer(404, {}))
    expect(await access.findAccess()).toEqual({ by: 'nobody', offers: 'key' })
    fetched.mockResolvedValueOnce(answer(200, []))
    await access.showKey('hfr_1')
    expect(headersOfCall(1).get('authorization')).toBe('Bearer hfr_1')
    expect(sessionStorage.getItem('hogflare.read-key')).toBe('hfr_1')
    expect(localStorage.length).toBe(0)
    fetched.mockResolvedValueOnce(answer(200, [{ x: 1 }]))
    await client.ask('/api/sql', { method: 'POST', body: {} })
    expect(headersOfCall(2).get('authorization')).toBe('Bearer hfr_1')
  })

  it('is told when a key does not open, and it is not kept', async () => {
    fetched.mockResolvedValueOnce(answer(401, { error: 'no' }))
    await expect(access.showKey('wrong')).rejects.toThrow('not the read key')
    expect(sessionStorage.length).toBe(0)
  })

  it('has a session, and shows its token with what writes alone', async () => {
    fetched.mockResolvedValueOnce(answer(200, { user: { email: 'a@b.c', role: 'owner' }, csrf: 't0' }))
    expect(await access.findAccess()).toMatchObject({ by: 'session', user: { email: 'a@b.c' } })
    fetched.mockResolvedValueOnce(answer(200, {})).mockResolvedValueOnce(answer(200, {}))
    await client.ask('/api/persons')
    await client.ask('/api/sql', { method: 'POST', body: {} })
    expect(headersOfCall(1).get('x-hogflare-csrf')).toBeNull()
    expect(headersOfCall(2).get('x-hogflare-csrf')).toBe('t0')
    expect(headersOfCall(2).get('authorization')).toBeNull()
  })

  it('is asked for an account where the server has them', async () => {
    fetched.mockResolvedValueOnce(answer(401, {}))
    expect(await access.findAccess()).toEqual({ by: 'nobody', offers: 'account' })
    fetched.mockResolvedValueOnce(answer(401, { error: 'email or password is wrong' }))
    await expect(access.logIn('a@b.c', 'x')).rejects.toThrow('email or password is wrong')
    fetched.mockResolvedValueOnce(answer(200, { user: { email: 'a@b.c', role: 'viewer' }, csrf: 't' }))
    await access.logIn('a@b.c', 'y')
    expect(access.accessNow()).toMatchObject({ by: 'session' })
    fetched.mockResolvedValueOnce(answer(200, {}))
    await access.logOut()
    expect(fetched.mock.lastCall?.[1]?.method).toBe('DELETE')
    expect(access.accessNow()).toEqual({ by: 'nobody', offers: 'account' })
  })

  it('is the owner that it made, and is told what is wrong with a token', async () => {
    fetched.mockResolvedValueOnce(answer(403, { error: 'the token was used' }))
    await expect(access.setUp('hfl_1', 'a@b.c', 'long enough')).rejects.toThrow('the token was used')
    fetched.mockResolvedValueOnce(answer(200, { user: { email: 'a@b.c', role: 'owner' }, csrf: 't' }))
    await access.setUp('hfl_2', 'a@b.c', 'long enough')
    expect(fetched.mock.lastCall?.[1]?.body).toBe('{"token":"hfl_2","email":"a@b.c","password":"long enough"}')
    expect(access.accessNow()).toMatchObject({ by: 'session', csrf: 't' })
  })

  it('is nobody once a session has ended', async () => {
    fetched.mockResolvedValueOnce(answer(200, { user: { email: 'a@b.c', role: 'owner' }, csrf: 't' }))
    await access.findAccess()
    fetched.mockResolvedValueOnce(answer(401, { error: 'log in' }))
    await expect(client.ask('/api/persons')).rejects.toMatchObject({ trouble: 'access' })
    expect(access.accessNow()).toEqual({ by: 'nobody', offers: 'account' })
  })
})

describe('a failure', () => {
  it.each([
    [400, 'wrong'],
    [404, 'missing'],
    [408, 'slow'],
    [429, 'busy'],
    [500, 'broken'],
    [502, 'unreachable'],
    [503, 'busy'],
  ])('with status %i is %s, in the words of the server', async (status, trouble) => {
    fetched.mockResolvedValueOnce(answer(status, { error: 'series: there is none' }))
    await expect(client.ask('/x')).rejects.toMatchObject({ trouble, message: 'series: there is none' })
  })

  it('says that nothing answers', async () => {
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'))
    await expect(client.ask('/x')).rejects.toMatchObject({ trouble: 'unreachable' })
  })

  it('of a proxy is told without its page', async () => {
    fetched.mockResolvedValueOnce(new Response('<html>Bad gateway</html>', { status: 502 }))
    await expect(client.ask('/x')).rejects.toThrow('The server does not answer.')
  })
})

describe('readiness', () => {
  it('is an answer while the server takes no events, too', async () => {
    fetched.mockResolvedValueOnce(answer(503, { status: 'stopping', sinks: { lake: 'working' } }))
    expect(await client.askReadiness()).toEqual({ status: 'stopping', sinks: { lake: 'working' } })
  })
})
