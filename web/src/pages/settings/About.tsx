// This program, and what its pages are made with.
import { Part } from './Part'

export const About = () => (
  <div>
    <Part title="Licences" about="Hogflare is under the MIT licence.">
      <p style={{ marginTop: 0 }}>
        The pages are made with libraries, icons and a typeface of others.{' '}
        <a href="/licenses.txt" target="_blank" rel="noreferrer">
          Their licences
        </a>
      </p>
    </Part>
    <Part title="For programs" about="Everything that the pages ask can be asked by a program, too.">
      <a href="/api/openapi.json" target="_blank" rel="noreferrer">
        What the server answers to, as OpenAPI
      </a>
    </Part>
  </div>
)
