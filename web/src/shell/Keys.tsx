// What keys do, wherever that is told.
import classes from './Keys.module.css'
import { EVERY_PLACE } from './places'

const KEYS: [string[], string][] = [
  [['Ctrl', 'K'], 'Search pages, persons and events'],
  [['/'], 'The same'],
  [['['], 'Narrow or widen the rail'],
  [['?'], 'Show these keys'],
]

export const Keys = () => (
  <dl className={classes.keys}>
    {[...KEYS, ...EVERY_PLACE.map(({ key, label }): [string[], string] => [['g', key], label])].map(([keys, does]) => (
      <div key={keys.join(' ')} className={classes.pair}>
        <dt>
          {keys.map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </dt>
        <dd>{does}</dd>
      </div>
    ))}
  </dl>
)
