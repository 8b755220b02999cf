// Compares what Cloudflare has with what Hogflare needs. Reads one resource, as `wrangler pipelines …
// get --json` prints it, from standard input. Prints each difference on a line of its own and ends with
// 1; prints nothing where all is well.
//
//   node check-resource.mjs stream SCHEMA_FILE
//   node check-resource.mjs sink BUCKET NAMESPACE TABLE
//   node check-resource.mjs pipeline SQL
//   node check-resource.mjs endpoint              prints the stream's ingest endpoint instead
import { readFileSync } from 'node:fs'

const [kind, ...wanted] = process.argv.slice(2)
const text = readFileSync(0, 'utf8')
const found = JSON.parse(text.slice(text.indexOf('{')))

const fieldsOf = (schema) => new Map((schema?.fields ?? []).map((field) => [field.name, field]))

const describe = ({ type, required = false, unit }) => [type, unit, required ? 'required' : 'optional'].filter(Boolean).join(' ')

function fieldDifference(name, ours, theirs) {
  if (!ours) return `field ${name} is not in the schema file`
  if (!theirs) return `field ${name} is missing in the stream`
  // The service may name a unit that the file leaves out, and the other way round.
  const unit = ours.unit && theirs.unit
  const [left, right] = [ours, theirs].map((field) => describe({ ...field, unit: unit && field.unit }))
  return left === right ? undefined : `field ${name} is ${right}, not ${left}`
}

function* streamDifferences(schemaFile) {
  const [ours, theirs] = [fieldsOf(JSON.parse(readFileSync(schemaFile, 'utf8'))), fieldsOf(found.schema)]
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const difference = fieldDifference(name, ours.get(name), theirs.get(name))
    if (difference) yield difference
  }
  if (!found.http?.enabled) yield 'the HTTP endpoint is off'
  if (!found.http?.authentication) yield 'anybody may write to it: authentication of the HTTP endpoint is off'
}

function* sinkDifferences(bucket, namespace, table) {
  const { config = {} } = found
  const actual = { bucket: config.bucket, namespace: config.namespace, table: config.table_name }
  for (const [name, value] of Object.entries({ bucket, namespace, table })) {
    if (actual[name] !== value) yield `its ${name} is ${actual[name]}, not ${value}`
  }
}

function* pipelineDifferences(sql) {
  const words = (statement) => String(statement).replace(/;\s*$/, '').trim().split(/\s+/).join(' ')
  if (words(found.sql) !== words(sql)) yield `its SQL is: ${found.sql}`
  if (found.status === 'failed') yield `it has failed: ${found.failure_reason ?? 'no reason given'}`
}

function* endpointLine() {
  if (!found.endpoint) throw new Error('the stream has no endpoint')
  yield found.endpoint
}

const checks = { stream: streamDifferences, sink: sinkDifferences, pipeline: pipelineDifferences, endpoint: endpointLine }
const lines = [...checks[kind](...wanted)]
for (const line of lines) console.log(line)
process.exitCode = kind !== 'endpoint' && lines.length > 0 ? 1 : 0
