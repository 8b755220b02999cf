// The exceptions of an event, as SDKs send them: each with its stack, the frame that threw last.

export interface Frame {
  where: string
  line: string
  call: string
  isOwn: boolean
}

export interface Exception {
  type: string
  value: string
  isHandled: boolean | undefined
  /** The frame that threw first. */
  frames: Frame[]
}

type Members = Record<string, unknown>
const members = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])
const text = (...values: unknown[]): string =>
  String(values.find((value) => typeof value === 'string' && value !== '') ?? '')

const frameOf = (value: unknown): Frame => {
  const {
    function: name,
    filename,
    abs_path,
    module,
    lineno,
    colno,
    line,
    column,
    in_app,
    source,
    resolved_name,
  } = members(value)
  const at = [lineno ?? line, colno ?? column].filter((one) => typeof one === 'number')
  return {
    call: text(resolved_name, name) || '(anonymous)',
    where: text(source, filename, abs_path, module),
    line: at.join(':'),
    isOwn: in_app !== false,
  }
}

const exceptionOf = (value: unknown): Exception => {
  const { type, value: message, stacktrace, mechanism } = members(value)
  const { handled } = members(mechanism)
  return {
    type: text(type) || 'Error',
    value: text(message),
    isHandled: typeof handled === 'boolean' ? handled : undefined,
    frames: list(members(stacktrace).frames).map(frameOf).reverse(),
  }
}

/** What was thrown, and what caused it. */
export const exceptionsOf = (properties: Members): Exception[] => {
  const found = list(properties.$exception_list).map(exceptionOf)
  if (found.length > 0) return found
  const [type, value] = [text(properties.$exception_type), text(properties.$exception_message)]
  return type || value ? [{ type: type || 'Error', value, isHandled: undefined, frames: [] }] : []
}

/** An address without its host, and without what is not for people. */
export const shortPath = (where: string): string =>
  where.replace(/^(https?|file|webpack(-internal)?):\/\/[^/]*\//, '').replace(/[?#].*$/, '')
