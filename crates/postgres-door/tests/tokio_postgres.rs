//! A driver that speaks the extended protocol in binary, against a door whose keeper the test is.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use hogflare_postgres_door::{Door, Keeper, Refusal, Shown};
use journal::JournalId;
use lake::{Lake, Options};
use query::{Engine, Limits};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const KEY: &str = "phx_secret";

/// Lets one key in, as long as it is to.
#[derive(Debug)]
struct One {
    engine: Engine,
    is_over: AtomicBool,
}

#[async_trait]
impl Keeper for One {
    async fn log_in(&self, shown: &Shown) -> Result<(), Refusal> {
        self.engine(shown).await.map(drop)
    }

    async fn engine(&self, shown: &Shown) -> Result<Engine, Refusal> {
        match shown.key == KEY && !self.is_over.load(Ordering::Relaxed) {
            true => Ok(self.engine.clone()),
            false => Err(Refusal::Unknown),
        }
    }
}

struct Open {
    _dir: TempDir,
    keeper: Arc<One>,
    port: u16,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Open {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = JournalId::from_uuid(Uuid::from_u128(7));
        let (lake, _) = Lake::open(dir.path(), Options::new(journal)).await.unwrap();
        let engine = Engine::new(lake, Limits::default()).unwrap();
        let keeper = Arc::new(One { engine, is_over: AtomicBool::new(false) });
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = probe.local_addr().unwrap();
        drop(probe);
        let door =
            Door::bind(address, None, hogflare_postgres_door::Options::default()).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(door.serve(Arc::clone(&keeper) as Arc<dyn Keeper>, stopped));
        Self { _dir: dir, keeper, port: address.port(), stop, serving }
    }

    async fn connect(&self, key: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user("me").password(key).dbname("hogflare");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move { connection.await.ok() });
        Ok(client)
    }
}

fn code(error: &tokio_postgres::Error) -> SqlState {
    error.code().cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_asks_in_binary() {
    let open = Open::new().await;
    let client = open.connect(KEY).await.unwrap();
    let tables = client
        .query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = $1",
            &[&"public"],
        )
        .await
        .unwrap();
    assert!(tables.iter().any(|row| row.get::<_, &str>(0) == "events"));
    let asked = "SELECT value, value * 0.5, CAST(value AS TEXT) AS text, value > $1, NULL
                 FROM range(10) WHERE value >= $1 ORDER BY 1 LIMIT $2";
    let prepared = client.prepare(asked).await.unwrap();
    assert_eq!(prepared.params(), [Type::INT8, Type::INT8]);
    let kinds: Vec<Type> = prepared.columns().iter().map(|column| column.type_().clone()).collect();
    assert_eq!(kinds, [Type::INT8, Type::FLOAT8, Type::TEXT, Type::BOOL, Type::TEXT]);
    let rows = client.query(&prepared, &[&7_i64, &2_i64]).await.unwrap();
    let read = |at: usize| {
        let row = &rows[at];
        (row.get::<_, i64>(0), row.get::<_, f64>(1), row.get::<_, String>(2), row.get::<_, bool>(3))
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(read(0), (7, 3.5, "7".into(), false));
    assert_eq!(read(1), (8, 4.0, "8".into(), true));
    assert_eq!(rows[0].get::<_, Option<String>>(4), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_gives_rows_in_portions() {
    let open = Open::new().await;
    let mut client = open.connect(KEY).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT value FROM range(25) ORDER BY 1", &[]).await.unwrap();
    let mut found = Vec::new();
    for expected in [10, 10, 5, 0] {
        let rows = transaction.query_portal(&portal, 10).await.unwrap();
        assert_eq!(rows.len(), expected);
        found.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
    }
    assert_eq!(found, (0..25).collect::<Vec<i64>>());
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_and_what_copies_is_refused() {
    let open = Open::new().await;
    let client = open.connect(KEY).await.unwrap();
    let refused = client.execute("DELETE FROM events", &[]).await.unwrap_err();
    assert_eq!(code(&refused), SqlState::READ_ONLY_SQL_TRANSACTION);
    let refused = client.copy_out("COPY events TO STDOUT").await.map(drop).unwrap_err();
    assert_eq!(code(&refused), SqlState::INSUFFICIENT_PRIVILEGE);
    let refused =
        client.batch_execute("SET datafusion.sql_parser.dialect = 'x'").await.unwrap_err();
    assert_eq!(code(&refused), SqlState::UNDEFINED_OBJECT);
    client.batch_execute("SET application_name = 'x'; SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_on_its_way() {
    let open = Open::new().await;
    let client = open.connect(KEY).await.unwrap();
    let endless = "SELECT a.value FROM range(1000000) a, range(1000000) b";
    let rows = client.query_raw(endless, Vec::<i64>::new()).await.unwrap();
    let mut rows = std::pin::pin!(rows);
    assert!(rows.try_next().await.unwrap().is_some());
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let error = loop {
        match rows.try_next().await {
            Ok(row) => assert!(row.is_some(), "the answer has no end"),
            Err(error) => break error,
        }
    };
    assert_eq!(code(&error), SqlState::QUERY_CANCELED);
    assert_eq!(client.query("SELECT 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_over_reads_nothing_more() {
    let open = Open::new().await;
    assert_eq!(code(&open.connect("phx_other").await.unwrap_err()), SqlState::INVALID_PASSWORD);
    let client = open.connect(KEY).await.unwrap();
    let prepared = client.prepare("SELECT count(*) FROM events").await.unwrap();
    assert_eq!(client.query_one(&prepared, &[]).await.unwrap().get::<_, i64>(0), 0);
    open.keeper.is_over.store(true, Ordering::Relaxed);
    let error = client.query_one(&prepared, &[]).await.unwrap_err();
    assert_eq!(code(&error), SqlState::INVALID_PASSWORD);
    assert!(open.connect(KEY).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_those_who_wait() {
    let open = Open::new().await;
    let client = open.connect(KEY).await.unwrap();
    open.stop.send_replace(true);
    open.serving.await.unwrap();
    assert!(client.query("SELECT 1", &[]).await.is_err());
}
