// As much of React Native as posthog-react-native needs without a phone: an application that stays in
// the foreground, and components that are never drawn.
const component = () => null
const listen = () => ({ remove: () => {} })

module.exports = {
  AppState: { currentState: 'active', addEventListener: listen },
  Dimensions: { get: () => ({ width: 390, height: 844, scale: 3, fontScale: 1 }) },
  Keyboard: { addListener: listen, dismiss: () => {} },
  KeyboardAvoidingView: component,
  Linking: {
    addEventListener: listen,
    canOpenURL: async () => false,
    getInitialURL: async () => 'shop://open?utm_source=newsletter',
    openURL: async () => {},
  },
  Modal: component,
  NativeModules: {},
  Platform: { OS: 'ios', Version: '19.1', select: (choices) => choices.ios ?? choices.native ?? choices.default },
  Pressable: component,
  ScrollView: component,
  StyleSheet: { create: (styles) => styles, flatten: (styles) => styles },
  Text: component,
  TextInput: component,
  TouchableOpacity: component,
  UIManager: { hasViewManagerConfig: () => false },
  View: component,
  useWindowDimensions: () => module.exports.Dimensions.get(),
}
