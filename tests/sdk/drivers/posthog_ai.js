// Drives @posthog/ai: OpenAI calls watched through posthog-node (LANE: batch or ai), or spans by its
// OpenTelemetry processor (LANE: otel). The model is a server of the driver's own.
import { createServer } from 'node:http'
import { OpenAI } from '@posthog/ai/openai'
import { PostHogSpanProcessor } from '@posthog/ai/otel'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { PostHog } from 'posthog-node'

const { TOKEN: token, POSTHOG_HOST: host, COMPRESSION, LANE } = process.env
const print = (event) => console.log(JSON.stringify(event))
const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
const answers = {
  '/v1/chat/completions': {
    id: 'chat-1', object: 'chat.completion', created: 1, model: 'hedgehog-1', usage,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Grüß dich 🦔' } }],
  },
  '/v1/embeddings': {
    object: 'list', model: 'hedgehog-embed', usage, data: [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }],
  },
}

const serveModel = async () => {
  const model = createServer((request, response) => {
    request.resume().on('end', () => {
      const answer = answers[request.url]
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
    })
  })
  await new Promise((listening) => model.listen(0, '127.0.0.1', listening))
  return model
}

const watchCalls = async () => {
  const model = await serveModel()
  const posthog = new PostHog(token, {
    host,
    disableCompression: COMPRESSION === 'off',
    enableFullAiCapture: LANE === 'ai',
    before_send: (event) => {
      print({ event: event.event, uuid: event.uuid, properties: event.properties })
      return event
    },
  })
  const baseURL = `http://127.0.0.1:${model.address().port}/v1`
  const openai = new OpenAI({ apiKey: 'none', baseURL, posthog, maxRetries: 0 })
  const watched = { posthogDistinctId: 'ai-user', posthogTraceId: 'trace-🦔', posthogProperties: { purpose: 'test' } }
  const messages = [{ role: 'user', content: 'Grüße, 日本語 "quoted" \\ 🎉' }]
  await openai.chat.completions.create({ model: 'hedgehog-1', messages, ...watched, posthogGroups: { company: 'acme' } })
  await openai.embeddings.create({ model: 'hedgehog-embed', input: 'spines', ...watched })
  await openai.responses.create({ model: 'hedgehog-1', input: 'fails', ...watched }).catch(() => {})
  await posthog.shutdown(30_000)
  model.close()
}

const sendSpans = async () => {
  const processor = new PostHogSpanProcessor({ projectToken: token, host })
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('driver')
  const trace = (name, attributes) => {
    const span = tracer.startSpan(name, { attributes: { 'posthog.distinct_id': 'ai-user', ...attributes } })
    span.end()
  }
  trace('chat hedgehog-1', {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'hedgehog-1',
    'gen_ai.response.model': 'hedgehog-1',
    'gen_ai.usage.input_tokens': 5,
    'gen_ai.usage.output_tokens': 7,
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', content: 'Grüße 🎉' }]),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', content: 'Grüß dich 🦔' }]),
  })
  trace('embeddings hedgehog-embed', {
    'gen_ai.operation.name': 'embeddings',
    'gen_ai.request.model': 'hedgehog-embed',
    'gen_ai.usage.input_tokens': 3,
  })
  trace('not about models', {})
  await processor.forceFlush()
  await processor.shutdown()
}

await (LANE === 'otel' ? sendSpans() : watchCalls())
