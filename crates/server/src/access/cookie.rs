//! The cookie of a session.

use http::header::COOKIE as HEADER;
use http::{HeaderMap, HeaderValue};
use state::Secret;

/// What it is called.
pub(crate) const COOKIE: &str = "hogflare_session";

/// By what the cookie may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing that others can read.
    Https,
    /// Whatever there is.
    Any,
}

/// The session that a request's cookies name.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<Secret> {
    let lines = headers.get_all(HEADER).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim() == COOKIE)?;
    Some(value.trim()).filter(|value| !value.is_empty()).map(Secret::shown)
}

/// Has the browser keep a session, or with no seconds forget it. Scripts cannot read it, and requests
/// that other pages make do not have it; where pages come over https, it goes that way only.
pub(crate) fn session_cookie(value: &str, seconds: u64, way: Way) -> HeaderValue {
    let secure = match way {
        Way::Https => "; Secure",
        Way::Any => "",
    };
    let cookie =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut cookie = HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
    cookie.set_sensitive(true);
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let session = |text: &str| {
            let headers = [(HEADER, text.parse().unwrap())].into_iter().collect();
            session_of(&headers).map(|session| session.reveal().to_owned())
        };
        assert_eq!(session("a=1; hogflare_session=hfs_x; b=2").as_deref(), Some("hfs_x"));
        assert_eq!(session("xhogflare_session=hfs_x"), None);
        assert_eq!(session("hogflare_session="), None);
        assert_eq!(session_of(&HeaderMap::new()), None);
    }

    #[test]
    fn flags_follow_the_way() {
        let cookie = |way| session_cookie("hfs_x", 60, way).to_str().unwrap().to_owned();
        let plain = "hogflare_session=hfs_x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60";
        assert_eq!(cookie(Way::Any), plain);
        assert_eq!(cookie(Way::Https), format!("{plain}; Secure"));
    }
}
