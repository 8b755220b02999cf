// Why something could not be done, beside the button that was to do it.
export const FormError = ({ error }: { error: Error }) => (
  <p className="bad" role="alert" style={{ margin: 0, overflowWrap: 'anywhere' }}>
    {error.message}
  </p>
)
