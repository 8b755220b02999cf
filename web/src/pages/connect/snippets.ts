// What one puts into an app for its events to come here: PostHog's own SDKs, with this host.

export interface Snippet {
  sdk: string
  label: string
  /** What is run first, if anything is. */
  install?: string
  code: (host: string, token: string) => string
}

export const SNIPPETS: Snippet[] = [
  {
    sdk: 'web',
    label: 'Web page',
    code: (host, token) => `<script
  src="${host}/static/loader.js"
  crossorigin="anonymous"
  data-project-token="${token}"
  data-api-host="${host}"
></script>`,
  },
  {
    sdk: 'js',
    label: 'JavaScript',
    install: 'npm install posthog-js',
    code: (host, token) => `import posthog from 'posthog-js'

posthog.init('${token}', { api_host: '${host}' })
posthog.capture('signed up', { plan: 'pro' })`,
  },
  {
    sdk: 'react-native',
    label: 'React Native',
    install: 'npm install posthog-react-native',
    code: (host, token) => `import { PostHogProvider } from 'posthog-react-native'

<PostHogProvider apiKey="${token}" options={{ host: '${host}' }}>
  <App />
</PostHogProvider>`,
  },
  {
    sdk: 'node',
    label: 'Node.js',
    install: 'npm install posthog-node',
    code: (host, token) => `import { PostHog } from 'posthog-node'

const posthog = new PostHog('${token}', { host: '${host}' })
posthog.capture({ distinctId: 'user-1', event: 'signed up' })
await posthog.shutdown()`,
  },
  {
    sdk: 'python',
    label: 'Python',
    install: 'pip install posthog',
    code: (host, token) => `from posthog import Posthog

posthog = Posthog('${token}', host='${host}')
posthog.capture('signed up', distinct_id='user-1')
posthog.shutdown()`,
  },
  {
    sdk: 'go',
    label: 'Go',
    install: 'go get github.com/posthog/posthog-go',
    code: (host, token) => `client, _ := posthog.NewWithConfig("${token}", posthog.Config{Endpoint: "${host}"})
defer client.Close()
client.Enqueue(posthog.Capture{DistinctId: "user-1", Event: "signed up"})`,
  },
  {
    sdk: 'ruby',
    label: 'Ruby',
    install: 'gem install posthog-ruby',
    code: (host, token) => `posthog = PostHog::Client.new(api_key: '${token}', host: '${host}')
posthog.capture(distinct_id: 'user-1', event: 'signed up')
posthog.flush`,
  },
  {
    sdk: 'php',
    label: 'PHP',
    install: 'composer require posthog/posthog-php',
    code: (host, token) => `PostHog\\PostHog::init('${token}', ['host' => '${host}']);
PostHog\\PostHog::capture(['distinctId' => 'user-1', 'event' => 'signed up']);`,
  },
  {
    sdk: 'rust',
    label: 'Rust',
    install: 'cargo add posthog-rs',
    code: (host, token) => `use posthog_rs::{ClientOptionsBuilder, Event};

let mut options = ClientOptionsBuilder::default();
options.api_key("${token}".to_owned()).host("${host}".to_owned());
let client = posthog_rs::client(options.build()?).await;
client.capture(Event::new("signed up".to_owned(), "user-1".to_owned()));
client.shutdown().await;`,
  },
  {
    sdk: 'java',
    label: 'Java',
    code: (host, token) => `// com.posthog:posthog-server
PostHogConfig config = PostHogConfig.builder("${token}").host("${host}").build();
PostHogInterface posthog = PostHog.with(config);
posthog.capture("user-1", "signed up");
posthog.close();`,
  },
  {
    sdk: 'elixir',
    label: 'Elixir',
    code: (host, token) => `# config/config.exs, with {:posthog, "~> 2.0"} in mix.exs
config :posthog, api_host: "${host}", api_key: "${token}"

PostHog.capture("signed up", %{distinct_id: "user-1"})`,
  },
  {
    sdk: 'dotnet',
    label: '.NET',
    install: 'dotnet add package PostHog',
    code: (host, token) => `await using var posthog = new PostHogClient(new PostHogOptions
{
    ProjectApiKey = "${token}", // ProjectToken in newer versions
    HostUrl = new Uri("${host}"),
});
posthog.Capture("user-1", "signed up");`,
  },
  {
    sdk: 'ios',
    label: 'iOS',
    code: (host, token) => `import PostHog

let config = PostHogConfig(projectToken: "${token}", host: "${host}") // apiKey: in older versions
PostHogSDK.shared.setup(config)
PostHogSDK.shared.capture("signed up")`,
  },
  {
    sdk: 'android',
    label: 'Android',
    code: (host, token) => `val config = PostHogAndroidConfig(apiKey = "${token}", host = "${host}")
PostHogAndroid.setup(this, config)
PostHog.capture("signed up")`,
  },
  {
    sdk: 'flutter',
    label: 'Flutter',
    install: 'flutter pub add posthog_flutter',
    code: (host, token) => `final config = PostHogConfig('${token}')..host = '${host}';
await Posthog().setup(config);
await Posthog().capture(eventName: 'signed up');`,
  },
  {
    sdk: 'curl',
    label: 'curl',
    code: (host, token) => `curl ${host}/capture -H 'content-type: application/json' -d '{
  "api_key": "${token}",
  "event": "signed up",
  "distinct_id": "user-1"
}'`,
  },
]
