//! What a referring domain, or the name of a source, is.
//!
//! The domains that bring most visits, not every one there is: what is missing counts as a
//! referral. A site's subdomains are the site, unless they are listed themselves (`mail.google.com`
//! is no search). Sources are what people write into `utm_source`: a domain, or a short name.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Search,
    Social,
    Video,
    Shopping,
    Email,
    Sms,
    Assistant,
}

const LISTS: &[(Kind, &str)] = &[
    (
        Kind::Search,
        "google bing duckduckgo yahoo baidu yandex ecosia qwant startpage naver daum seznam sogou \
         ask aol brave kagi \
         bing.com duckduckgo.com baidu.com ya.ru ecosia.org qwant.com startpage.com naver.com \
         daum.net seznam.cz sogou.com so.com 360.cn ask.com search.aol.com search.brave.com \
         kagi.com mojeek.com swisscows.com dogpile.com metager.org search.marginalia.nu \
         presearch.com sm.cn goo.ne.jp biglobe.ne.jp coccoc.com rambler.ru mail.ru lycos.com \
         excite.com webcrawler.com searx.be gibiru.com \
         com.google.android.googlequicksearchbox com.duckduckgo.mobile.android",
    ),
    (
        Kind::Social,
        "facebook fb instagram ig twitter x linkedin pinterest reddit snapchat threads bluesky \
         mastodon discord telegram whatsapp tumblr quora hackernews vk weibo wechat line slack \
         facebook.com fb.com fb.me m.me messenger.com instagram.com twitter.com x.com t.co \
         linkedin.com lnkd.in reddit.com redd.it snapchat.com threads.net threads.com bsky.app \
         go.bsky.app mastodon.social mastodon.online fosstodon.org hachyderm.io discord.com \
         discord.gg telegram.org t.me web.telegram.org whatsapp.com wa.me tumblr.com quora.com \
         news.ycombinator.com ycombinator.com lobste.rs vk.com ok.ru weibo.com weibo.cn weixin.qq.com \
         line.me slack.com medium.com substack.com dev.to hashnode.dev stackoverflow.com \
         stackexchange.com producthunt.com indiehackers.com meetup.com nextdoor.com xing.com \
         flickr.com behance.net dribbble.com deviantart.com digg.com douban.com zhihu.com \
         tieba.baidu.com goodreads.com yelp.com tripadvisor.com livejournal.com blogspot.com \
         wordpress.com hatena.ne.jp ameblo.jp note.com kakao.com band.us lemmy.world disqus.com \
         com.facebook.katana com.facebook.orca com.instagram.android com.twitter.android \
         com.linkedin.android com.reddit.frontpage com.pinterest org.telegram.messenger \
         com.whatsapp com.snapchat.android com.slack com.discord com.tumblr com.vkontakte.android \
         com.zhihu.android com.tencent.mm",
    ),
    (
        Kind::Video,
        "youtube vimeo tiktok twitch netflix hulu dailymotion bilibili \
         youtube.com youtu.be m.youtube.com music.youtube.com vimeo.com tiktok.com twitch.tv \
         netflix.com hulu.com dailymotion.com bilibili.com b23.tv rumble.com odysee.com kick.com \
         disneyplus.com crunchyroll.com youku.com iqiyi.com v.qq.com nicovideo.jp wistia.com \
         loom.com ted.com douyin.com kuaishou.com d.tube \
         com.google.android.youtube com.zhiliaoapp.musically com.ss.android.ugc.trill tv.twitch.android.app",
    ),
    (
        Kind::Shopping,
        "amazon ebay etsy walmart alibaba aliexpress shopify temu shein \
         etsy.com walmart.com target.com bestbuy.com alibaba.com aliexpress.com 1688.com taobao.com \
         tmall.com jd.com pinduoduo.com temu.com shein.com shopify.com shop.app wayfair.com \
         wish.com rakuten.com rakuten.co.jp mercadolibre.com mercadolivre.com.br flipkart.com \
         myntra.com shopee.com lazada.com tokopedia.com bukalapak.com coupang.com allegro.pl \
         bol.com cdiscount.com otto.de zalando.com idealo.de kaufland.de depop.com vinted.com \
         poshmark.com mercari.com backmarket.com newegg.com costco.com homedepot.com ikea.com \
         ozon.ru wildberries.ru trendyol.com noon.com jumia.com shopping.google.com \
         com.amazon.mshop.android.shopping com.ebay.mobile com.etsy.android com.contextlogic.wish",
    ),
    (
        Kind::Email,
        "email e-mail e_mail newsletter mailchimp \
         mail.google.com mail.yahoo.com outlook.live.com outlook.office.com outlook.office365.com \
         mail.aol.com mail.proton.me mail.protonmail.com mail.yandex.ru mail.yandex.com \
         mail.zoho.com app.fastmail.com app.hey.com mail.qq.com mail.163.com mail.126.com \
         e.mail.ru mail.naver.com mail.daum.net webmail.gmx.net navigator.gmx.net \
         navigator.web.de deref-gmx.net deref-web.de deref-mail.com email.t-online.de \
         mail.superhuman.com statics.teams.cdn.office.net \
         com.google.android.gm com.microsoft.office.outlook com.apple.mobilemail \
         com.yahoo.mobile.client.android.mail ch.protonmail.android com.easilydo.mail",
    ),
    (Kind::Sms, "sms com.google.android.apps.messaging"),
    (
        Kind::Assistant,
        "chatgpt openai perplexity claude gemini copilot grok deepseek mistral \
         chatgpt.com chat.openai.com openai.com perplexity.ai claude.ai gemini.google.com \
         bard.google.com notebooklm.google.com aistudio.google.com copilot.microsoft.com \
         copilot.cloud.microsoft m365.cloud.microsoft meta.ai pi.ai poe.com you.com grok.com \
         x.ai chat.deepseek.com deepseek.com chat.mistral.ai mistral.ai chat.qwen.ai kimi.com \
         moonshot.cn doubao.com yiyan.baidu.com chatglm.cn chat.z.ai character.ai phind.com duck.ai \
         huggingface.co lumo.proton.me manus.im genspark.ai andisearch.com iask.ai \
         com.openai.chatgpt ai.perplexity.app ai.perplexity.app.android com.anthropic.claude \
         com.google.android.apps.bard com.microsoft.copilot com.deepseek.chat",
    ),
];

/// Houses with a domain in every country.
const FAMILIES: &[(&str, Kind)] = &[
    ("google", Kind::Search),
    ("yahoo", Kind::Search),
    ("yandex", Kind::Search),
    ("amazon", Kind::Shopping),
    ("ebay", Kind::Shopping),
    ("mercadolibre", Kind::Shopping),
    ("shopee", Kind::Shopping),
    ("lazada", Kind::Shopping),
    ("zalando", Kind::Shopping),
    ("pinterest", Kind::Social),
];

static KINDS: LazyLock<HashMap<&str, Kind>> = LazyLock::new(|| {
    LISTS
        .iter()
        .flat_map(|(kind, names)| names.split_ascii_whitespace().map(|name| (name, *kind)))
        .collect()
});

/// The channel of a visit from here that was paid for.
pub(super) fn paid(source: &str) -> Option<&'static str> {
    match kind_of(source)? {
        Kind::Search => Some("Paid Search"),
        Kind::Social => Some("Paid Social"),
        Kind::Video => Some("Paid Video"),
        Kind::Shopping => Some("Paid Shopping"),
        Kind::Email | Kind::Sms | Kind::Assistant => None,
    }
}

/// The channel of a visit from here that was not.
pub(super) fn organic(source: &str) -> Option<&'static str> {
    match kind_of(source)? {
        Kind::Search => Some("Organic Search"),
        Kind::Social => Some("Organic Social"),
        Kind::Video => Some("Organic Video"),
        Kind::Shopping => Some("Organic Shopping"),
        Kind::Email => Some("Email"),
        Kind::Sms => Some("SMS"),
        Kind::Assistant => Some("AI Assistant"),
    }
}

fn kind_of(source: &str) -> Option<Kind> {
    let source = source.trim().trim_end_matches('.').to_ascii_lowercase();
    let mut parents = std::iter::successors(Some(source.as_str()), |domain| {
        // A parent without a point is a name, and only a source is called by it.
        domain.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'))
    });
    parents.find_map(|domain| KINDS.get(domain).copied()).or_else(|| kind_of_family(&source))
}

fn kind_of_family(domain: &str) -> Option<Kind> {
    let (house, _) = psl::domain_str(domain)?.split_once('.')?;
    FAMILIES.iter().find(|(name, _)| *name == house).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_on_two_lists() {
        let listed: usize = LISTS.iter().map(|(_, names)| names.split_whitespace().count()).sum();
        assert_eq!(KINDS.len(), listed);
    }

    #[test]
    fn subdomains_are_the_site_unless_listed() {
        assert_eq!(kind_of("Lm.Facebook.com."), Some(Kind::Social));
        assert_eq!(kind_of("old.reddit.com"), Some(Kind::Social));
        assert_eq!(kind_of("shopping.google.com"), Some(Kind::Shopping));
        assert_eq!(kind_of("google.com.br"), Some(Kind::Search));
        assert_eq!(kind_of("google"), Some(Kind::Search));
        assert_eq!(kind_of("example.google"), None, "a name is no parent");
        assert_eq!(kind_of("google.example.com"), None);
        assert_eq!(kind_of(""), None);
    }
}
