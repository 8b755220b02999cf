-- Whom a node forgot, for the other nodes, which have rows of theirs.
CREATE TABLE hogflare.erasures (
    id uuid PRIMARY KEY,
    team_id bigint NOT NULL,
    requested_at bigint NOT NULL,
    -- What anonymous rows get instead; both are null where rows go.
    pseudonym text,
    pseudonym_person_id uuid,
    -- UTF-8, since `text` takes no \u0000; null once every node knows of it, as is all that says who it was.
    distinct_ids bytea[],
    person_ids uuid[],
    changed bigint NOT NULL
);

CREATE INDEX erasures_by_change ON hogflare.erasures (changed);
CREATE INDEX erasures_with_names ON hogflare.erasures (changed) WHERE distinct_ids IS NOT NULL;

-- Each node by its journal.
CREATE TABLE hogflare.nodes (
    journal_id uuid PRIMARY KEY,
    -- The clock's time from which it has rows.
    since bigint NOT NULL,
    -- Up to which time it knows of erasures.
    erasures_at bigint NOT NULL,
    seen_at timestamptz NOT NULL
);
