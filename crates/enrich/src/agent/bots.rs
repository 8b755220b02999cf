//! Which programs say that they are no visitor.
//!
//! A bot's event is labelled and kept: whether it counts is the reader's question. Names are those
//! that operators publish; what is on no list but calls itself a bot, crawler or spider is one too.

use std::borrow::Cow;

/// A program that says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its name, such as `GPTBot`.
    pub name: Cow<'static, str>,
    /// What it comes for: `search`, `ai_crawler`, `ai_assistant`, `seo`, `social`, `monitoring`,
    /// `tool`, `headless` or `unknown`.
    pub category: &'static str,
}

/// A bot's name and a sign of it in small letters; of signs within one another the longer first.
type Known = (&'static str, &'static str);

/// Fill the index of a search engine.
const SEARCH: &[Known] = &[
    ("Googlebot-Image", "googlebot-image"),
    ("Googlebot-News", "googlebot-news"),
    ("Googlebot-Video", "googlebot-video"),
    ("Googlebot", "googlebot"),
    ("Google-InspectionTool", "google-inspectiontool"),
    ("Storebot-Google", "storebot-google"),
    ("AdsBot-Google", "adsbot-google"),
    ("Mediapartners-Google", "mediapartners-google"),
    ("APIs-Google", "apis-google"),
    ("FeedFetcher-Google", "feedfetcher-google"),
    ("Bingbot", "bingbot"),
    ("BingPreview", "bingpreview"),
    ("AdIdxBot", "adidxbot"),
    ("MSNBot", "msnbot"),
    ("DuckDuckBot", "duckduckbot"),
    ("YandexBot", "yandex.com/bots"),
    ("YandexBot", "yandexbot"),
    ("Baiduspider", "baiduspider"),
    ("Yahoo! Slurp", "yahoo! slurp"),
    ("Sogou web spider", "sogou web spider"),
    ("360Spider", "360spider"),
    ("SeznamBot", "seznambot"),
    ("Yeti", "yeti/"),
    ("Qwantbot", "qwantbot"),
    ("Coccocbot", "coccocbot"),
    ("MojeekBot", "mojeekbot"),
    ("PetalBot", "petalbot"),
    ("BraveBot", "bravebot"),
    ("Kagibot", "kagibot"),
    ("Exabot", "exabot"),
    ("Mail.RU_Bot", "mail.ru_bot"),
];

/// Collect what models are trained on, or an assistant's index.
const AI_CRAWLERS: &[Known] = &[
    ("GPTBot", "gptbot"),
    ("OAI-SearchBot", "oai-searchbot"),
    ("OAI-AdsBot", "oai-adsbot"),
    ("ClaudeBot", "claudebot"),
    ("Claude-SearchBot", "claude-searchbot"),
    ("Claude-Web", "claude-web"),
    ("anthropic-ai", "anthropic-ai"),
    ("PerplexityBot", "perplexitybot"),
    ("Google-CloudVertexBot", "google-cloudvertexbot"),
    ("Google-Extended", "google-extended"),
    ("GoogleOther", "googleother"),
    ("Applebot-Extended", "applebot-extended"),
    ("Bytespider", "bytespider"),
    ("TikTokSpider", "tiktokspider"),
    ("CCBot", "ccbot"),
    ("Amazonbot", "amazonbot"),
    ("meta-externalagent", "meta-externalagent"),
    ("meta-webindexer", "meta-webindexer"),
    ("FacebookBot", "facebookbot"),
    ("cohere-training-data-crawler", "cohere-training-data-crawler"),
    ("cohere-ai", "cohere-ai"),
    ("AI2Bot", "ai2bot"),
    ("Diffbot", "diffbot"),
    ("YouBot", "youbot"),
    ("DeepSeekBot", "deepseekbot"),
    ("PanguBot", "pangubot"),
    ("ChatGLM-Spider", "chatglm-spider"),
    ("Timpibot", "timpibot"),
    ("omgili", "omgili"),
    ("Webzio-Extended", "webzio-extended"),
    ("ImagesiftBot", "imagesiftbot"),
    ("FirecrawlAgent", "firecrawl"),
    ("Crawl4AI", "crawl4ai"),
    ("Kangaroo Bot", "kangaroo bot"),
];

/// Fetch a page because somebody asked an assistant.
const AI_ASSISTANTS: &[Known] = &[
    ("ChatGPT-User", "chatgpt-user"),
    ("ChatGPT Agent", "chatgpt agent"),
    ("Claude-User", "claude-user"),
    ("Perplexity-User", "perplexity-user"),
    ("MistralAI-User", "mistralai-user"),
    ("meta-externalfetcher", "meta-externalfetcher"),
    ("DuckAssistBot", "duckassistbot"),
    ("Google-NotebookLM", "google-notebooklm"),
    ("Gemini-Deep-Research", "gemini-deep-research"),
    ("Google-Agent", "google-agent"),
    ("GoogleAgent-Mariner", "googleagent-mariner"),
    ("Amzn-User", "amzn-user"),
    ("Devin", "devin/"),
    ("Manus-User", "manus-user"),
    ("PhindBot", "phindbot"),
];

/// Study sites for those who want to be found.
const SEO: &[Known] = &[
    ("AhrefsBot", "ahrefsbot"),
    ("AhrefsSiteAudit", "ahrefssiteaudit"),
    ("SemrushBot", "semrushbot"),
    ("SiteAuditBot", "siteauditbot"),
    ("MJ12bot", "mj12bot"),
    ("DotBot", "dotbot"),
    ("Rogerbot", "rogerbot"),
    ("BLEXBot", "blexbot"),
    ("DataForSeoBot", "dataforseobot"),
    ("SERanking", "serankingbacklinksbot"),
    ("Screaming Frog", "screaming frog"),
    ("Sistrix", "sistrix"),
    ("serpstatbot", "serpstatbot"),
    ("BrightEdge", "brightedge"),
];

/// Draw the preview of a link that somebody shared.
const SOCIAL: &[Known] = &[
    ("facebookexternalhit", "facebookexternalhit"),
    ("Facebot", "facebot"),
    ("Twitterbot", "twitterbot"),
    ("LinkedInBot", "linkedinbot"),
    ("Slackbot", "slackbot"),
    ("Slack-ImgProxy", "slack-imgproxy"),
    ("Discordbot", "discordbot"),
    ("TelegramBot", "telegrambot"),
    ("WhatsApp", "whatsapp/"),
    ("SkypeUriPreview", "skypeuripreview"),
    ("Pinterestbot", "pinterestbot"),
    ("Redditbot", "redditbot"),
    ("Snap URL Preview", "snap url preview"),
    ("Mastodon", "mastodon/"),
    ("Bluesky Cardyb", "bluesky cardyb"),
    ("Embedly", "embedly"),
    ("Iframely", "iframely"),
    ("vkShare", "vkshare"),
];

/// Look whether a site is up and quick.
const MONITORING: &[Known] = &[
    ("UptimeRobot", "uptimerobot"),
    ("Pingdom", "pingdom"),
    ("StatusCake", "statuscake"),
    ("Better Uptime", "better uptime"),
    ("Better Stack", "better stack"),
    ("Site24x7", "site24x7"),
    ("Datadog Synthetics", "datadogsynthetics"),
    ("New Relic Synthetics", "newrelicpinger"),
    ("Checkly", "checkly"),
    ("HetrixTools", "hetrixtools"),
    ("GTmetrix", "gtmetrix"),
    ("Lighthouse", "chrome-lighthouse"),
    ("PageSpeed Insights", "google page speed insights"),
    ("Vercelbot", "vercel-screenshot"),
    ("kube-probe", "kube-probe"),
    ("ELB-HealthChecker", "elb-healthchecker"),
    ("GoogleHC", "googlehc"),
];

/// Programs and libraries that fetch pages.
const TOOLS: &[Known] = &[
    ("curl", "curl/"),
    ("Wget", "wget/"),
    ("HTTPie", "httpie/"),
    ("Postman", "postmanruntime"),
    ("Insomnia", "insomnia/"),
    ("python-requests", "python-requests"),
    ("python-httpx", "python-httpx"),
    ("aiohttp", "aiohttp"),
    ("urllib", "python-urllib"),
    ("Scrapy", "scrapy"),
    ("Go-http-client", "go-http-client"),
    ("node-fetch", "node-fetch"),
    ("axios", "axios/"),
    ("undici", "undici"),
    ("got", "got ("),
    ("okhttp", "okhttp"),
    ("Apache-HttpClient", "apache-httpclient"),
    ("Java", "java/"),
    ("libwww-perl", "libwww-perl"),
    ("GuzzleHttp", "guzzlehttp"),
    ("HTTrack", "httrack"),
];

/// Browsers that nobody looks into.
const HEADLESS: &[Known] = &[
    ("HeadlessChrome", "headlesschrome"),
    ("PhantomJS", "phantomjs"),
    ("Puppeteer", "puppeteer"),
    ("Playwright", "playwright"),
    ("Selenium", "selenium"),
    ("Cypress", "cypress"),
];

/// Who is asked first: an assistant's agent may name the crawler of the same house, and many name
/// the library or headless browser that they are made with.
const LISTS: &[(&str, &[Known])] = &[
    ("ai_assistant", AI_ASSISTANTS),
    ("ai_crawler", AI_CRAWLERS),
    ("seo", SEO),
    ("social", SOCIAL),
    ("monitoring", MONITORING),
    ("search", SEARCH),
    ("headless", HEADLESS),
    ("tool", TOOLS),
];

/// `Applebot` serves search, unless it says `Extended`.
const LAST: &[Known] = &[("Applebot", "applebot")];

/// Phones whose maker's name ends as a bot's would.
const NOT_BOTS: &[&str] = &["cubot"];

impl Bot {
    /// The bot that a user agent says it is.
    ///
    /// SDKs of PostHog on a server are none: their events are their users'.
    pub fn of(user_agent: &str) -> Option<Self> {
        let lower = user_agent.to_ascii_lowercase();
        if lower.starts_with("posthog-") {
            return None;
        }
        listed(&lower, LISTS)
            .or_else(|| listed(&lower, &[("search", LAST)]))
            .or_else(|| self_named(user_agent))
    }
}

fn listed(lower: &str, lists: &[(&'static str, &[Known])]) -> Option<Bot> {
    lists.iter().find_map(|(category, bots)| {
        let (name, _) = bots.iter().find(|(_, sign)| lower.contains(sign))?;
        Some(Bot { name: Cow::Borrowed(name), category })
    })
}

/// The first word that says it is a bot.
fn self_named(user_agent: &str) -> Option<Bot> {
    let is_between = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'));
    user_agent.split(is_between).find_map(|word| {
        let category = category_of_word(&word.to_ascii_lowercase())?;
        Some(Bot { name: Cow::Owned(word.to_owned()), category })
    })
}

fn category_of_word(word: &str) -> Option<&'static str> {
    let is_any = |signs: &[&str]| signs.iter().any(|sign| word.contains(sign));
    if is_any(&["headless"]) {
        return Some("headless");
    }
    let is_bot = (word.ends_with("bot") || word.ends_with("bots")) && !NOT_BOTS.contains(&word);
    (is_bot || is_any(&["crawler", "spider", "scraper"])).then_some("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(user_agent: &str) -> Option<(String, &'static str)> {
        Bot::of(user_agent).map(|bot| (bot.name.into_owned(), bot.category))
    }

    fn is(user_agent: &str, name: &str, category: &str) {
        let found = named(user_agent);
        let found = found.as_ref().map(|(name, category)| (name.as_str(), *category));
        assert_eq!(found, Some((name, category)), "{user_agent}");
    }

    #[test]
    fn crawlers_and_assistants_of_one_house_are_told_apart() {
        is(
            "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            "GPTBot",
            "ai_crawler",
        );
        is("Mozilla/5.0; compatible; OAI-SearchBot/1.0", "OAI-SearchBot", "ai_crawler");
        is(
            "Mozilla/5.0; compatible; ChatGPT-User/1.0; +https://openai.com/bot",
            "ChatGPT-User",
            "ai_assistant",
        );
        is(
            "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
            "ClaudeBot",
            "ai_crawler",
        );
        is(
            "Mozilla/5.0 (compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
            "Claude-User",
            "ai_assistant",
        );
        is("Mozilla/5.0 (compatible; Perplexity-User/1.0)", "Perplexity-User", "ai_assistant");
        is("meta-externalfetcher/1.1", "meta-externalfetcher", "ai_assistant");
        is("Mozilla/5.0 (compatible; Applebot/0.1)", "Applebot", "search");
        is("Mozilla/5.0 (compatible; Applebot-Extended/0.1)", "Applebot-Extended", "ai_crawler");
    }

    #[test]
    fn a_bot_in_a_browsers_clothes_is_one() {
        is(
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, \
             like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; \
             +http://www.google.com/bot.html)",
            "Googlebot",
            "search",
        );
        is(
            "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/129.0.0.0",
            "HeadlessChrome",
            "headless",
        );
        is("curl/8.5.0", "curl", "tool");
    }

    #[test]
    fn an_unlisted_one_is_known_by_its_own_word() {
        is(
            "Mozilla/5.0 (compatible; AcmeBot/2.0; +https://acme.example/robots)",
            "AcmeBot",
            "unknown",
        );
        is("my-site-crawler 1.0", "my-site-crawler", "unknown");
        is("FooHeadless/1.0", "FooHeadless", "headless");
    }

    #[test]
    fn people_and_servers_are_no_bots() {
        for user_agent in [
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/129.0.0.0",
            "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Mobile Safari",
            "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 Claude/1.0 Chrome/129.0.0.0 Electron/32",
            "Mozilla/5.0 (compatible; Robotics Browser)",
            "posthog-node/5.70.0",
            "posthog-python/7.0.0",
            "",
        ] {
            assert_eq!(named(user_agent), None, "{user_agent}");
        }
    }

    #[test]
    fn no_sign_is_hidden_by_another_bots() {
        for (category, bots) in LISTS.iter().chain(&[("search", LAST)]) {
            for (name, sign) in *bots {
                assert_eq!(
                    *sign,
                    sign.to_ascii_lowercase(),
                    "signs are looked for in small letters"
                );
                assert_eq!(named(sign), Some(((*name).to_owned(), *category)), "{sign}");
            }
        }
    }
}
