//! Which nodes there are, so that whoever is forgotten is known by name until all of them know.

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Begins with the present where the node has no rows yet, else with everything.
const REGISTER: &str = "
    INSERT INTO hogflare.nodes (journal_id, since, erasures_at, seen_at)
    SELECT $1, begin, begin, now() FROM (
        SELECT CASE WHEN $2 THEN at ELSE 0 END AS begin FROM hogflare.clock WHERE single) c
    ON CONFLICT (journal_id) DO UPDATE SET seen_at = now()
    RETURNING since";

/// A node, before it has said that it is there.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Its journal.
    pub journal_id: Uuid,
    /// Whether it has no rows yet, so that what was erased before does not concern it.
    pub is_new: bool,
}

impl Node {
    /// Says that it is there; gives the time of the clock from which on erasures concern it.
    ///
    /// That comes before its first row: a node of which nobody knows is not waited for.
    pub(super) async fn register(&self, client: &Client) -> Result<i64, tokio_postgres::Error> {
        let node: [&(dyn ToSql + Sync); 2] = [&self.journal_id, &self.is_new];
        client.query_one(REGISTER, &node).await?.try_get(0)
    }
}
