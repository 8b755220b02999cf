// What operators look after: rows that sinks refused for good.
import { ask } from './client'
import type { DeadLetters, Resending } from './types'

export const askDeadLetters = (signal?: AbortSignal): Promise<DeadLetters> => ask('/api/dead-letters', { signal })

export const resendDeadLetters = (): Promise<{ resending: Resending }> => ask('/api/dead-letters', { method: 'POST' })
