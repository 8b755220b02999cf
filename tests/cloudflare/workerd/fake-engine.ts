/**
 * The Worker with the real container class on an engine that is made up: instead of starting an image,
 * it passes requests to `ENGINE_UPSTREAM`, or fails the way `ENGINE_MODE` says. Everything else is what
 * is deployed. `GET /engine` tells what the class asked of the engine.
 */

import type { Environment } from '../../../deploy/cloudflare/worker/environment.ts'
import { HogflareContainer as RealContainer } from '../../../deploy/cloudflare/worker/container.ts'
import worker from '../../../deploy/cloudflare/worker/index.ts'

interface FakeEnvironment extends Environment {
  readonly ENGINE_UPSTREAM: string
  readonly ENGINE_MODE: 'works' | 'no-instance' | 'rate-limited' | 'exits' | 'hangs' | 'disconnects' | 'outdated'
}

const NO_INSTANCE = 'there is no container instance that can be provided to this durable object'

type State = ConstructorParameters<typeof RealContainer>[0]

class Engine {
  running = false
  readonly asked: unknown[] = []
  private ended: (error: Error) => void = () => {}
  private readonly environment: FakeEnvironment

  constructor(environment: FakeEnvironment) {
    this.environment = environment
    this.running = environment.ENGINE_MODE === 'outdated'
  }

  start(options: { env: Record<string, string>; enableInternet: boolean }): void {
    this.asked.push({ start: options })
    if (this.environment.ENGINE_MODE === 'rate-limited') {
      throw new Error('you are requesting too many containers per second')
    }
    this.running = !['exits', 'no-instance'].includes(this.environment.ENGINE_MODE)
  }

  monitor(): Promise<void> {
    const { ENGINE_MODE } = this.environment
    if (ENGINE_MODE === 'exits') return Promise.reject(new Error('container exited with unexpected exit code: 64'))
    if (ENGINE_MODE === 'no-instance') return Promise.reject(new Error(NO_INSTANCE))
    return new Promise((_, reject) => (this.ended = reject))
  }

  signal(number: number): void {
    this.asked.push({ signal: number })
    this.running = false
    this.ended(new Error('runtime signalled the container to exit: 15'))
  }

  getTcpPort(port: number) {
    return { fetch: (url: string, request?: Request) => this.answer(port, new URL(url), request) }
  }

  private answer(port: number, url: URL, request?: Request): Promise<Response> {
    const { ENGINE_MODE, ENGINE_UPSTREAM } = this.environment
    if (ENGINE_MODE === 'no-instance') throw new Error(NO_INSTANCE)
    if (ENGINE_MODE === 'hangs') return new Promise(() => {})
    if (!this.running) throw new Error('the container is not listening')
    const isProbe = !(request instanceof Request)
    if (isProbe) return Promise.resolve(new Response('not found', { status: 404 }))
    if (ENGINE_MODE === 'disconnects') throw new Error('Network connection lost.')
    this.asked.push({ request: `${request.method} ${url}`, port })
    return fetch(new Request(new URL(url.pathname + url.search, ENGINE_UPSTREAM), request))
  }
}

/** The real class; only the engine below it is not. */
export class HogflareContainer extends RealContainer {
  private readonly engine: Engine

  constructor(state: State, environment: FakeEnvironment) {
    const engine = new Engine(environment)
    Object.defineProperty(state, 'container', { value: engine })
    if (environment.ENGINE_MODE === 'outdated') {
      state.storage.kv.put('started-with', 'other settings')
      state.storage.kv.put('__CF_CONTAINER_STATE', { status: 'healthy', lastChange: 0 })
    }
    super(state, environment)
    this.engine = engine
  }

  asked(): unknown[] {
    return this.engine.asked
  }
}

export default {
  async fetch(request, environment) {
    if (new URL(request.url).pathname !== '/engine') return worker.fetch(request, environment)
    const instance = environment.HOGFLARE.getByName('instance-0') as unknown as { asked(): Promise<unknown[]> }
    return Response.json(await instance.asked())
  },
} satisfies ExportedHandler<FakeEnvironment>
