-- Persons and groups, as every node knows them.

-- The one order of all changes. Whoever changes anything moves it first and holds it until the end, so that
-- changes are visible in its order and nobody sees a later one without those before it.
CREATE TABLE hogflare.clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at bigint NOT NULL
) WITH (fillfactor = 10);

INSERT INTO hogflare.clock (at) VALUES (0);

-- How far changes were handed on to the tables of the lake.
CREATE TABLE hogflare.outbox (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at bigint NOT NULL
) WITH (fillfactor = 10);

INSERT INTO hogflare.outbox (at) VALUES (0);

-- Times are microseconds since 1970. `changed` is the clock's time of the last change.

CREATE TABLE hogflare.person_distinct_ids (
    team_id bigint NOT NULL,
    distinct_id text COLLATE "C" NOT NULL,
    person_id uuid,
    version bigint NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (team_id, distinct_id)
);

CREATE INDEX person_distinct_ids_by_person ON hogflare.person_distinct_ids (team_id, person_id)
    WHERE person_id IS NOT NULL;
CREATE INDEX person_distinct_ids_by_change ON hogflare.person_distinct_ids (changed);

-- Properties are text: `jsonb` takes no \u0000, and gives back other bytes than it was given.
CREATE TABLE hogflare.persons (
    team_id bigint NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    is_identified boolean NOT NULL,
    last_seen_at bigint,
    properties text NOT NULL,
    is_deleted boolean NOT NULL,
    changed bigint NOT NULL,
    -- Grows with each person that comes to be.
    serial bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (team_id, person_id)
);

CREATE INDEX persons_by_age ON hogflare.persons (team_id, serial);
CREATE INDEX persons_by_change ON hogflare.persons (changed);

CREATE TABLE hogflare.person_overrides (
    team_id bigint NOT NULL,
    old_person_id uuid NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (team_id, old_person_id)
);

CREATE INDEX person_overrides_by_person ON hogflare.person_overrides (team_id, person_id);
CREATE INDEX person_overrides_by_change ON hogflare.person_overrides (changed);

CREATE TABLE hogflare.groups (
    team_id bigint NOT NULL,
    type_index smallint NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    properties text NOT NULL,
    version bigint NOT NULL,
    is_deleted boolean NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (team_id, type_index, group_key)
);

CREATE INDEX groups_by_change ON hogflare.groups (changed);

CREATE TABLE hogflare.group_types (
    team_id bigint NOT NULL,
    type_index smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (team_id, type_index)
);

CREATE INDEX group_types_by_change ON hogflare.group_types (changed);

-- Ends a transaction that was decided on what is no longer so. A node that sees this settles its events again.
CREATE FUNCTION hogflare.refuse() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'what this was decided on has changed' USING ERRCODE = 'HF001';
END
$$;
