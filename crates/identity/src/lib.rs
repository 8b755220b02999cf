//! Persons and groups: who an event belongs to, and what is known of them.
