// How Mantine's parts look here: neutral ground, one accent, hairlines and no shadows.
import {
  ActionIcon,
  Button,
  createTheme,
  type CSSVariablesResolver,
  Drawer,
  Input,
  InputWrapper,
  Menu,
  Modal,
  Popover,
  SegmentedControl,
  Select,
  Skeleton,
  TextInput,
  Tooltip,
} from '@mantine/core'

export const theme = createTheme({
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
  primaryColor: 'ember',
  primaryShade: 7,
  colors: {
    ember: [
      '#fff4ec',
      '#ffe5d3',
      '#fdc9a6',
      '#fbaa74',
      '#f9904c',
      '#ee7026',
      '#d9580f',
      '#bd4708',
      '#9c3a08',
      '#7c2f08',
    ],
    gray: [
      '#f7f6f4',
      '#f1efeb',
      '#e6e3de',
      '#d2cec7',
      '#bdb8af',
      '#9a958c',
      '#757067',
      '#5c5851',
      '#3a3732',
      '#24221e',
    ],
    // Dark mode's greys, warm and not blue.
    dark: [
      '#e9e7e3',
      '#c9c6c0',
      '#a5a19a',
      '#7d7972',
      '#4a4742',
      '#35332f',
      '#262421',
      '#1b1a18',
      '#141311',
      '#0e0d0c',
    ],
  },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '18px', xl: '26px' },
  defaultRadius: 6,
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs' } }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: 'subtle', color: 'gray', size: 'md', classNames: { root: 'icon-button' } },
    }),
    Input: Input.extend({ classNames: { wrapper: 'input' } }),
    InputWrapper: InputWrapper.extend({ defaultProps: { withAsterisk: false }, classNames: { label: 'input-label' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    Select: Select.extend({ defaultProps: { size: 'xs', comboboxProps: { shadow: 'none' } } }),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: {
        size: 'xs',
        transitionDuration: 120,
        withItemsBorders: false,
        classNames: { root: 'segments', indicator: 'segments-indicator', label: 'segments-label' },
      },
    }),
    Menu: Menu.extend({ defaultProps: { shadow: 'none', transitionProps: { duration: 80 }, position: 'bottom-end' } }),
    Popover: Popover.extend({ defaultProps: { shadow: 'none', transitionProps: { duration: 80 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, transitionProps: { duration: 80 } } }),
    Drawer: Drawer.extend({
      defaultProps: {
        position: 'right',
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 140 },
        overlayProps: { backgroundOpacity: 0.25 },
        // The page has room for its scroll bar, and so nothing moves.
        removeScrollProps: { removeScrollBar: false },
      },
    }),
    Modal: Modal.extend({
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.3 },
        removeScrollProps: { removeScrollBar: false },
      },
    }),
    Skeleton: Skeleton.extend({ defaultProps: { radius: 4 }, classNames: { root: 'skeleton' } }),
  },
})

/** Mantine's own colours, from the tokens of app.css. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--ground)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-placeholder': 'var(--faint)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-anchor': 'var(--accent)',
  }
  return { variables: {}, light: shared, dark: shared }
}
