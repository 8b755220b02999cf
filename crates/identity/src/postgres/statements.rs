//! What is asked of PostgreSQL, prepared once for a connection.
//!
//! Each statement takes any number of keys or rows as arrays, so that a group is one of each.

use tokio_postgres::{Client, Error, Statement};

/// What the tables say of distinct ids: the id, its person or the one that it would make, and, where
/// it has none, whose the rows of that one are. Properties that are known in this version are left
/// out.
const IDS: &str = "
    SELECT w.number, i.person_id, i.version, o.person_id, o.version, p.person_id, p.version,
        p.created_at, p.is_identified, p.last_seen_at, p.is_deleted,
        CASE WHEN p.person_id = w.known AND p.version = w.known_version THEN NULL
            ELSE p.properties END
    FROM unnest($1::int8[], $2::text[], $3::uuid[], $4::uuid[], $5::int8[]) WITH ORDINALITY
        AS w (team_id, distinct_id, own, known, known_version, number)
    LEFT JOIN hogflare.person_distinct_ids i
        ON i.team_id = w.team_id AND i.distinct_id = w.distinct_id
    LEFT JOIN hogflare.persons p
        ON p.team_id = w.team_id AND p.person_id = coalesce(i.person_id, w.own)
    LEFT JOIN hogflare.person_overrides o
        ON i.person_id IS NULL AND o.team_id = w.team_id AND o.old_person_id = w.own";

const PERSON: &str = "
    SELECT person_id, version, created_at, is_identified, last_seen_at, is_deleted, properties
    FROM hogflare.persons WHERE team_id = $1 AND person_id = $2";

const IDS_OF: &str = "
    SELECT distinct_id, version FROM hogflare.person_distinct_ids
    WHERE team_id = $1 AND person_id = $2 LIMIT $3";

const OVERRIDES: &str = "
    SELECT old_person_id, person_id, version FROM hogflare.person_overrides
    WHERE team_id = $1 AND old_person_id = ANY($2)";

const FORMER_OF: &str = "
    SELECT old_person_id, version FROM hogflare.person_overrides
    WHERE team_id = $1 AND person_id = $2";

const GROUPS: &str = "
    SELECT w.number, g.created_at, g.properties, g.version, g.is_deleted
    FROM unnest($1::int8[], $2::int2[], $3::text[]) WITH ORDINALITY
        AS w (team_id, type_index, group_key, number)
    JOIN hogflare.groups g
        ON g.team_id = w.team_id AND g.type_index = w.type_index AND g.group_key = w.group_key";

const GROUP_TYPES: &str = "
    SELECT team_id, type_index, name FROM hogflare.group_types WHERE team_id = ANY($1)";

const NOW: &str = "SELECT at FROM hogflare.clock WHERE single";

const TICK: &str = "UPDATE hogflare.clock SET at = at + 1 WHERE single RETURNING at";

/// Refuses to go on where anything changed since a time that was read until then. The clock's present
/// time without anybody else's change is given, too: mostly nothing needs to be looked for.
const CHECK: &str = "
    SELECT hogflare.refuse() WHERE CASE (SELECT at FROM hogflare.clock WHERE single) WHEN $2::int8 THEN false ELSE
        EXISTS (SELECT FROM hogflare.person_distinct_ids i
            JOIN unnest($3::int8[], $4::text[]) AS r (team_id, distinct_id)
                ON i.team_id = r.team_id AND i.distinct_id = r.distinct_id
            WHERE i.changed > $1::int8)
        OR EXISTS (SELECT FROM hogflare.persons p
            JOIN unnest($5::int8[], $6::uuid[]) AS r (team_id, person_id)
                ON p.team_id = r.team_id AND p.person_id = r.person_id
            WHERE p.changed > $1)
        OR EXISTS (SELECT FROM hogflare.person_overrides o
            JOIN unnest($7::int8[], $8::uuid[]) AS r (team_id, old_person_id)
                ON o.team_id = r.team_id AND o.old_person_id = r.old_person_id
            WHERE o.changed > $1)
        OR EXISTS (SELECT FROM hogflare.person_distinct_ids i
            JOIN unnest($9::int8[], $10::uuid[]) AS r (team_id, person_id)
                ON i.team_id = r.team_id AND i.person_id = r.person_id
            WHERE i.changed > $1)
        OR EXISTS (SELECT FROM hogflare.person_overrides o
            JOIN unnest($9::int8[], $10::uuid[]) AS r (team_id, person_id)
                ON o.team_id = r.team_id AND o.person_id = r.person_id
            WHERE o.changed > $1)
        OR EXISTS (SELECT FROM hogflare.groups g
            JOIN unnest($11::int8[], $12::int2[], $13::text[])
                AS r (team_id, type_index, group_key)
                ON g.team_id = r.team_id AND g.type_index = r.type_index
                    AND g.group_key = r.group_key
            WHERE g.changed > $1)
        OR EXISTS (SELECT FROM hogflare.group_types t
            WHERE t.team_id = ANY($14::int8[]) AND t.changed > $1)
    END";

const PUT_IDS: &str = "
    INSERT INTO hogflare.person_distinct_ids (team_id, distinct_id, person_id, version, changed)
    SELECT w.*, (SELECT at FROM hogflare.clock WHERE single)
    FROM unnest($1::int8[], $2::text[], $3::uuid[], $4::int8[]) AS w
    ON CONFLICT (team_id, distinct_id) DO UPDATE SET
        person_id = excluded.person_id, version = excluded.version, changed = excluded.changed";

const PUT_PERSONS: &str = "
    INSERT INTO hogflare.persons (team_id, person_id, version, created_at, is_identified,
        last_seen_at, properties, is_deleted, changed)
    SELECT w.*, (SELECT at FROM hogflare.clock WHERE single)
    FROM unnest($1::int8[], $2::uuid[], $3::int8[], $4::int8[], $5::bool[], $6::int8[], $7::text[],
        $8::bool[]) AS w
    ON CONFLICT (team_id, person_id) DO UPDATE SET
        version = excluded.version, created_at = excluded.created_at,
        is_identified = excluded.is_identified, last_seen_at = excluded.last_seen_at,
        properties = excluded.properties, is_deleted = excluded.is_deleted,
        changed = excluded.changed";

const PUT_OVERRIDES: &str = "
    INSERT INTO hogflare.person_overrides (team_id, old_person_id, person_id, version, changed)
    SELECT w.*, (SELECT at FROM hogflare.clock WHERE single)
    FROM unnest($1::int8[], $2::uuid[], $3::uuid[], $4::int8[]) AS w
    ON CONFLICT (team_id, old_person_id) DO UPDATE SET
        person_id = excluded.person_id, version = excluded.version, changed = excluded.changed";

const PUT_GROUPS: &str = "
    INSERT INTO hogflare.groups (team_id, type_index, group_key, created_at, properties, version,
        is_deleted, changed)
    SELECT w.*, (SELECT at FROM hogflare.clock WHERE single)
    FROM unnest($1::int8[], $2::int2[], $3::text[], $4::int8[], $5::text[], $6::int8[], $7::bool[])
        AS w
    ON CONFLICT (team_id, type_index, group_key) DO UPDATE SET
        created_at = excluded.created_at, properties = excluded.properties,
        version = excluded.version, is_deleted = excluded.is_deleted, changed = excluded.changed";

/// A name stays where it is for ever.
const PUT_GROUP_TYPES: &str = "
    INSERT INTO hogflare.group_types (team_id, type_index, name, changed)
    SELECT w.*, (SELECT at FROM hogflare.clock WHERE single)
    FROM unnest($1::int8[], $2::int2[], $3::text[]) AS w
    ON CONFLICT (team_id, type_index) DO UPDATE SET
        name = excluded.name, changed = excluded.changed
        WHERE group_types.name <> excluded.name";

const PUT_ERASURE: &str = "
    INSERT INTO hogflare.erasures (id, team_id, requested_at, pseudonym, pseudonym_person_id,
        distinct_ids, person_ids, changed)
    SELECT $1, $2, $3, $4, $5, $6, $7, (SELECT at FROM hogflare.clock WHERE single)
    ON CONFLICT (id) DO NOTHING";

const ERASURE: &str = "
    SELECT distinct_ids, person_ids FROM hogflare.erasures WHERE id = $1";

/// What is asked of PostgreSQL.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ids: Statement,
    pub(super) person: Statement,
    pub(super) ids_of: Statement,
    pub(super) overrides: Statement,
    pub(super) former_of: Statement,
    pub(super) groups: Statement,
    pub(super) group_types: Statement,
    pub(super) now: Statement,
    pub(super) tick: Statement,
    pub(super) check: Statement,
    pub(super) put_ids: Statement,
    pub(super) put_persons: Statement,
    pub(super) put_overrides: Statement,
    pub(super) put_groups: Statement,
    pub(super) put_group_types: Statement,
    pub(super) put_erasure: Statement,
    pub(super) erasure: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        let (ids, person, ids_of, overrides, former_of, groups, group_types, now) = tokio::try_join!(
            client.prepare(IDS),
            client.prepare(PERSON),
            client.prepare(IDS_OF),
            client.prepare(OVERRIDES),
            client.prepare(FORMER_OF),
            client.prepare(GROUPS),
            client.prepare(GROUP_TYPES),
            client.prepare(NOW),
        )?;
        let (
            tick,
            check,
            put_ids,
            put_persons,
            put_overrides,
            put_groups,
            put_group_types,
            put_erasure,
            erasure,
        ) = tokio::try_join!(
            client.prepare(TICK),
            client.prepare(CHECK),
            client.prepare(PUT_IDS),
            client.prepare(PUT_PERSONS),
            client.prepare(PUT_OVERRIDES),
            client.prepare(PUT_GROUPS),
            client.prepare(PUT_GROUP_TYPES),
            client.prepare(PUT_ERASURE),
            client.prepare(ERASURE),
        )?;
        Ok(Self {
            ids,
            person,
            ids_of,
            overrides,
            former_of,
            groups,
            group_types,
            now,
            tick,
            check,
            put_ids,
            put_persons,
            put_overrides,
            put_groups,
            put_group_types,
            put_erasure,
            erasure,
        })
    }
}
