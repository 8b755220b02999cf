// What shows who is behind a number; where nobody may look them up, the number alone.
import { usePlace } from './view'

export const PersonsButton = (props: React.ComponentProps<'button'>) => {
  const isByLink = usePlace()?.ask !== undefined
  const still = { 'aria-disabled': true, 'data-still': true, tabIndex: -1, title: undefined, onClick: undefined }
  return <button type="button" {...props} {...(isByLink ? still : {})} />
}
