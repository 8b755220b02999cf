//! AI spans: spans of language models and the like become PostHog's `$ai_…` events.
//!
//! ```text
//! span ─ provider (is it of AI, and which event) ─ draft (attributes of resource and span)
//!   ─ failure ─ library (what one library says its own way) around naming (what all say) ─ event
//! ```
//!
//! Which attributes are taken, and what they become, is as in PostHog, so that its queries for AI fit.

mod build;
mod collect;
mod draft;
mod failure;
mod identity;
mod library;
mod messages;
mod naming;
mod provider;
mod span;
mod tree;
mod value;

pub use collect::decode_ai;
