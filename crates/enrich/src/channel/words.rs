//! What `utm_medium` says of a channel.

/// The channel of a medium that is paid for.
pub(super) fn paid(medium: &str) -> Option<&'static str> {
    match medium {
        _ if is_display(medium) => Some("Display"),
        _ if is_social(medium) => Some("Paid Social"),
        "video" => Some("Paid Video"),
        _ => None,
    }
}

/// The channel of a medium that is not.
pub(super) fn organic(medium: &str) -> Option<&'static str> {
    match medium {
        _ if is_display(medium) => Some("Display"),
        _ if is_social(medium) => Some("Organic Social"),
        "video" => Some("Organic Video"),
        "e mail" | "e-mail" | "e_mail" | "email" => Some("Email"),
        "affiliate" | "partnership" | "partnerships" => Some("Affiliate"),
        "app" | "link" | "referral" => Some("Referral"),
        "mobile" | "notification" | "push" => Some("Push"),
        "audio" => Some("Audio"),
        "sms" => Some("SMS"),
        _ => None,
    }
}

fn is_display(medium: &str) -> bool {
    matches!(medium, "banner" | "cpm" | "display" | "expandable" | "interstitial")
}

fn is_social(medium: &str) -> bool {
    let social = ["sm", "social", "social media", "social network", "social-media"];
    social.contains(&medium) || medium == "social-network"
}
