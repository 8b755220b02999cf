//! The one entrance: everything that is added to an event or taken from it, in order.
//!
//! 1. Where the client is, by the event's own address.
//! 2. Its browser, from the user agent, where no SDK looked.
//! 3. Which bot it is, if it is one.
//! 4. The channel of a page view.
//! 5. A cookieless visitor's id and session, from what is then removed.
//! 6. What the project wants of addresses.
//! 7. What the project does not want stored.
//!
//! Rows of OpenTelemetry are left alone. Heatmaps and quarantined events learn nothing, as in
//! PostHog, and are subject to what is removed, as everything is.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use event::{Event, Table};
use lru::LruCache;
use serde_json::Value;

use crate::agent::{Agent, Agents};
use crate::channel;
use crate::cookieless::{self, Salts, Sessions};
use crate::geography::address;
use crate::known::{Known, Name};
use crate::object::Added;
use crate::{GeoIp, IpPolicy, Place, Privacy};

/// How many places are kept: a few megabytes.
const PLACES: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// What is found out at all.
#[derive(Debug)]
pub struct Settings {
    /// Where addresses are; without it, only what the edge in front says.
    pub geoip: Option<GeoIp>,
    /// Whether browsers are read from user agents.
    pub reads_browsers: bool,
    /// Whether bots are labelled.
    pub labels_bots: bool,
    /// Whether page views get their channel.
    pub finds_channels: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { geoip: None, reads_browsers: true, labels_bots: true, finds_channels: true }
    }
}

/// What a project wants of its events.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// How much of addresses is stored.
    pub ip: IpPolicy,
    /// What is not stored, or not as it is.
    pub privacy: Privacy,
    /// The project's time zone (IANA), for cookieless events that do not say the visitor's.
    pub time_zone: Option<String>,
}

impl Policy {
    /// Takes from an event what the project does not want stored, and adds nothing.
    pub fn apply(&self, event: &mut Event) {
        self.ip.apply(event);
        self.privacy.apply(event);
    }

    /// Applies it to an object that stands beside what is stored, such as the `extra` of a
    /// recording, however deep it nests.
    pub fn scrub(&self, object: &mut Option<String>) {
        self.ip.scrub(object);
        self.privacy.scrub(object);
    }
}

/// Enriches events; shared by all requests.
#[derive(Debug)]
pub struct Enricher {
    settings: Settings,
    agents: Agents,
    /// Addresses looked up before, those that nothing is known of included.
    places: Mutex<LruCache<IpAddr, Option<Arc<Place>>>>,
    salts: RwLock<Arc<Salts>>,
    sessions: Mutex<Sessions>,
}

impl Default for Enricher {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Enricher {
    /// An enricher without salts: until it has some, cookieless events are quarantined.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            agents: Agents::default(),
            places: Mutex::new(LruCache::new(PLACES)),
            salts: RwLock::default(),
            sessions: Mutex::default(),
        }
    }

    /// Takes renewed salts, which the caller has kept.
    pub fn set_salts(&self, salts: Salts) {
        *self.salts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(salts);
    }

    /// Who sends a request: the address, the user agent and the place as far as they are known.
    pub fn client(
        &self,
        ip: Option<IpAddr>,
        user_agent: Option<&str>,
        place: Option<Place>,
    ) -> Client<'_> {
        let place = place.map(Arc::new);
        let place = place.or_else(|| self.place_of(ip?.to_canonical()));
        let agent = user_agent.map(|agent| self.agents.read(agent));
        Client { enricher: self, place, agent }
    }

    fn place_of(&self, ip: IpAddr) -> Option<Arc<Place>> {
        let geoip = self.settings.geoip.as_ref()?;
        let places = || self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places().get(&ip) {
            return place.clone();
        }
        let place = geoip.lookup(ip).and_then(|geography| Place::new(ip, &geography));
        let place = place.map(Arc::new);
        places().put(ip, place.clone());
        place
    }
}

/// Who sends a request; what is known of it is worked out once for all its events.
#[derive(Clone, Debug)]
pub struct Client<'e> {
    enricher: &'e Enricher,
    place: Option<Arc<Place>>,
    agent: Option<Arc<Agent>>,
}

impl Client<'_> {
    /// Does everything to an event that there is to do before it is stored.
    pub fn enrich(&self, event: &mut Event, policy: &Policy) {
        if event.table == Table::Otel {
            return;
        }
        if event.table == Table::Events {
            let found = self.find(&event.event, &Known::find(&event.properties));
            found.add_to(event);
        }
        if event.cookieless {
            self.enricher.resolve(event, policy);
        }
        policy.apply(event);
    }

    fn find(&self, event_name: &str, known: &Known<'_>) -> Found {
        let settings = &self.enricher.settings;
        let agent = self.agent_of(known);
        let lacks = |names: &[Name]| !names.iter().any(|name| known.says(*name));
        let browser = agent.clone().filter(|agent| {
            let looks = settings.reads_browsers && !agent.browser.is_empty();
            looks && lacks(&[Name::Browser, Name::Os, Name::DeviceType])
        });
        let bot = agent.filter(|agent| {
            settings.labels_bots && agent.bot.is_some() && lacks(&[Name::Bot, Name::BotCategory])
        });
        let channel = match settings.finds_channels && event_name == "$pageview" {
            true if lacks(&[Name::ChannelType]) => channel::of(known),
            _ => None,
        };
        Found {
            place: self.place_of(known),
            has_own_place: known.has_own_place,
            browser,
            bot,
            channel,
            has_own_channel: known.raw(Name::ChannelType).is_some(),
        }
    }

    /// The place of the address that the event has, whoever put it there.
    fn place_of(&self, known: &Known<'_>) -> Option<Arc<Place>> {
        if self.place.is_none() && self.enricher.settings.geoip.is_none() {
            return None;
        }
        let ip = address(known).filter(|_| !known.is_truthy(Name::GeoipDisable))?;
        match &self.place {
            Some(place) if place.ip() == ip => Some(Arc::clone(place)),
            _ => self.enricher.place_of(ip),
        }
    }

    /// The visitor's agent: what the event says, else the request's where the visitor sent it.
    fn agent_of(&self, known: &Known<'_>) -> Option<Arc<Agent>> {
        let said = known.text(Name::RawUserAgent).or_else(|| known.text(Name::UserAgent));
        if let Some(said) = said {
            // posthog-js says what the browser sends anyway, and that is read already.
            let own = self.agent.as_ref().filter(|agent| *agent.text == *said);
            return Some(own.map_or_else(|| self.enricher.agents.read(&said), Arc::clone));
        }
        self.agent.clone().filter(|agent| agent.is_browsers && is_of_page(known))
    }
}

/// Whether the visitor's own browser sent the event, as far as the library says: a server's agent
/// says nothing of its visitors.
fn is_of_page(known: &Known<'_>) -> bool {
    known.text(Name::Lib).is_none_or(|lib| matches!(&*lib, "web" | "js" | "posthog-js-lite"))
}

/// What there is to add to an event.
struct Found {
    place: Option<Arc<Place>>,
    has_own_place: bool,
    browser: Option<Arc<Agent>>,
    bot: Option<Arc<Agent>>,
    channel: Option<&'static str>,
    has_own_channel: bool,
}

impl Found {
    fn add_to(&self, event: &mut Event) {
        if let Some(place) = &self.place {
            event.properties = place.added_to(&event.properties, self.has_own_place);
            event.has_place = true;
        }
        // These are rare, and may stand there as null.
        let browser = self.browser.iter().map(|agent| &agent.browser);
        let bot = self.bot.iter().map(|agent| &agent.label);
        for added in browser.chain(bot) {
            event.properties = added.over(&event.properties);
        }
        if let Some(channel) = self.channel {
            let mut added = Added::default();
            added.push("$channel_type", &Value::from(channel));
            event.properties = match self.has_own_channel {
                true => added.over(&event.properties),
                false => added.after(&event.properties),
            };
        }
    }
}

impl Enricher {
    /// The reason of what cannot be resolved is in the event.
    fn resolve(&self, event: &mut Event, policy: &Policy) {
        let salts = Arc::clone(&self.salts.read().unwrap_or_else(PoisonError::into_inner));
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let time_zone = policy.time_zone.as_deref();
        cookieless::resolve(event, &salts, &mut sessions, time_zone).ok();
    }
}

#[cfg(test)]
mod tests;
