/**
 * One instance of the service in a Cloudflare Container.
 *
 * The library's own way to forward turns its failures into answers of 500, 429 or 503 with a sentence,
 * which look like answers of the service. Here the two steps, being ready and sending the request, are
 * taken one by one: what throws is a failure of the platform, what returns is the service's answer and
 * goes back untouched.
 *
 * How an instance ends: silence for `sleepAfter`, a deploy, or the platform moving it. Each is a
 * SIGTERM, then up to 15 minutes until SIGKILL. The service takes nothing new after SIGTERM and
 * delivers what it holds for at most HOGFLARE_DRAIN_TIMEOUT; its disk is gone afterwards.
 */

import { Container, type StopParams } from '@cloudflare/containers'

import type { Environment } from './environment.ts'
import { PORT, checksum, containerVariables } from './settings.ts'
import { unavailable } from './unavailable.ts'

/** Key in the object's storage: the checksum of the settings that the running container has. */
const STARTED_WITH = 'started-with'

/** How long a request waits for a start. One takes a few seconds; after this the client had better try again. */
const START_PATIENCE_MS = 20_000

/** A Durable Object that owns one container. */
export class HogflareContainer extends Container<Environment> {
  override defaultPort = PORT
  override enableInternet = true
  // Any answer shows that the service listens; this one is cheap and counts as nothing else.
  override pingEndpoint = 'container/_liveness'
  // Far longer than any request takes, since a request in flight does not put off the sleep.
  override sleepAfter = this.env.HOGFLARE_SLEEP_AFTER || '10m'
  override envVars: Record<string, string> = containerVariables(this.env)
  private readonly settings = checksum(this.envVars)

  /** Answers with the service's answer, or 503 where there is none. */
  override async fetch(request: Request): Promise<Response> {
    try {
      await this.becomeReady()
      return await this.send(request)
    } catch (error) {
      console.error({ message: 'container did not answer', error: String(error) })
      return unavailable(request)
    }
  }

  /** Says in the logs that the container ended. */
  override onStop({ exitCode, reason }: StopParams): void {
    console.log({ message: 'container stopped', exitCode, reason })
  }

  /**
   * Starts the container unless it runs, and waits until it listens. Neither a client that goes away
   * nor one that has waited long enough ends the start: others wait for the same one.
   */
  private async becomeReady(): Promise<void> {
    await this.stopIfOutdated()
    const { status } = await this.getState()
    if (this.isRunning() && status === 'healthy') return
    await Promise.race([this.startAndWaitForPorts(PORT), failAfter(START_PATIENCE_MS)])
  }

  /**
   * Stops a container that was started with other settings. A container keeps its variables for life,
   * and a deploy that changes nothing but variables does not replace it.
   */
  private async stopIfOutdated(): Promise<void> {
    const settings = await this.settings
    if (!this.isRunning()) {
      await this.ctx.storage.put(STARTED_WITH, settings)
    } else if ((await this.ctx.storage.get(STARTED_WITH)) !== settings) {
      // A second SIGTERM changes nothing, so each request until its end may send one.
      await this.stop()
      throw new Error('settings have changed, the container is stopping')
    }
  }

  /** Sends the request as it is; the body is streamed, and read once. */
  private async send(request: Request): Promise<Response> {
    this.renewActivityTimeout()
    try {
      const url = request.url.replace(/^https:/, 'http:')
      return await this.ctx.container!.getTcpPort(PORT).fetch(url, request)
    } finally {
      this.renewActivityTimeout()
    }
  }

  private isRunning(): boolean {
    return this.ctx.container?.running === true
  }
}

function failAfter(milliseconds: number): Promise<never> {
  return new Promise((_, fail) => {
    setTimeout(() => fail(new Error(`the container did not start within ${milliseconds} ms`)), milliseconds)
  })
}
