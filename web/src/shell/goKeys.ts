// `g` and then a letter goes to a page, as in mail programs; `?` tells the keys, whatever else it takes to type it.
import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { keep } from '~/filters/search'
import { EVERY_PLACE } from './places'

const PATIENCE_MS = 1_200

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

export const useGoKeys = (help: () => void) => {
  const navigate = useNavigate()
  useEffect(() => {
    let begun = 0
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return
      if (event.key === '?') help()
      if (event.key === 'g') {
        begun = event.timeStamp
        return
      }
      const isSecond = event.timeStamp - begun < PATIENCE_MS
      begun = -PATIENCE_MS
      const place = isSecond ? EVERY_PLACE.find((one) => one.key === event.key) : undefined
      if (place) void navigate({ to: place.to, search: keep as never })
    }
    begun = -PATIENCE_MS
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate, help])
}
