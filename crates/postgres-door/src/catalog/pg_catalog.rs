//! The tables of `pg_catalog` that say what there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::MemTable;
use datafusion::error::Result;
use pgwire::api::Type;

use super::builder::Builder;
use super::regclass::CATALOG;
use super::{DATABASE, Relation, SCHEMA};
use crate::rows::{Column, size_of};

/// Numbers that PostgreSQL has.
const OWNER: i32 = 10;
const PG_CATALOG_OID: i32 = 11;
const PUBLIC_OID: i32 = 2_200;
const INFORMATION_SCHEMA_OID: i32 = 13_000;
const DATABASE_OID: i32 = 5;

type Tables = BTreeMap<&'static str, Arc<MemTable>>;

/// All of them.
pub(super) fn tables(
    relations: &[Relation<'_>],
    user: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Tables> {
    Ok(BTreeMap::from([
        ("pg_attribute", pg_attribute(relations)?),
        ("pg_class", pg_class(relations)?),
        ("pg_database", pg_database()?),
        ("pg_namespace", pg_namespace()?),
        ("pg_roles", pg_roles(user)?),
        ("pg_settings", pg_settings(settings)?),
        ("pg_tables", pg_tables(relations, user)?),
        ("pg_user", pg_user(user)?),
    ]))
}

fn pg_namespace() -> Result<Arc<MemTable>> {
    Builder::new(3)
        .ints("oid", [PG_CATALOG_OID, PUBLIC_OID, INFORMATION_SCHEMA_OID])
        .texts("nspname", ["pg_catalog", SCHEMA, "information_schema"])
        .int("nspowner", OWNER)
        .no_text(&["nspacl"])
        .build()
}

/// The lake's tables and views are all tables to clients, of which some show no views.
fn pg_class(relations: &[Relation<'_>]) -> Result<Arc<MemTable>> {
    let ours = relations.iter().map(|relation| {
        let columns = i16::try_from(relation.columns.fields().len()).unwrap_or(i16::MAX);
        (relation.oid, relation.name, PUBLIC_OID, columns)
    });
    let theirs = CATALOG.iter().map(|(name, oid)| (*oid, *name, PG_CATALOG_OID, 0));
    let all: Vec<(i32, &str, i32, i16)> = ours.chain(theirs).collect();
    let of = |pick: fn(&(i32, &str, i32, i16)) -> i32| all.iter().map(pick).collect::<Vec<_>>();
    Builder::new(all.len())
        .ints("oid", of(|class| class.0))
        .texts("relname", all.iter().map(|class| class.1))
        .ints("relnamespace", of(|class| class.2))
        .int("reltype", 0)
        .int("reloftype", 0)
        .int("relowner", OWNER)
        .int("relam", 2)
        .ints("relfilenode", of(|class| class.0))
        .int("reltablespace", 0)
        .int("relpages", 0)
        .float("reltuples", -1.0)
        .int("relallvisible", 0)
        .int("reltoastrelid", 0)
        .all(false, &["relhasindex", "relisshared"])
        .text("relpersistence", "p")
        .text("relkind", "r")
        .shorts("relnatts", all.iter().map(|class| class.3))
        .short("relchecks", 0)
        .all(false, &["relhasrules", "relhastriggers", "relhassubclass", "relrowsecurity"])
        .all(false, &["relforcerowsecurity", "relhasoids"])
        .all(true, &["relispopulated"])
        .text("relreplident", "n")
        .all(false, &["relispartition"])
        .int("relrewrite", 0)
        .int("relfrozenxid", 0)
        .int("relminmxid", 0)
        .no_text(&["relacl", "reloptions", "relpartbound"])
        .build()
}

/// A column of a relation, as it is sent.
pub(super) struct Attribute<'a> {
    pub(super) relation: &'a Relation<'a>,
    pub(super) name: &'a str,
    pub(super) number: i16,
    pub(super) kind: Type,
    pub(super) is_nullable: bool,
}

pub(super) fn attributes<'a>(relations: &'a [Relation<'a>]) -> Vec<Attribute<'a>> {
    let of = |relation: &'a Relation<'a>| {
        let fields = relation.columns.fields().iter().zip(1..);
        fields.map(move |(field, number)| Attribute {
            relation,
            name: field.name(),
            number,
            kind: Column::of(field).kind,
            is_nullable: field.is_nullable(),
        })
    };
    relations.iter().flat_map(of).collect()
}

fn pg_attribute(relations: &[Relation<'_>]) -> Result<Arc<MemTable>> {
    let all = attributes(relations);
    Builder::new(all.len())
        .ints("attrelid", all.iter().map(|column| column.relation.oid))
        .texts("attname", all.iter().map(|column| column.name))
        .ints("atttypid", all.iter().map(|column| number_of(&column.kind)))
        .int("attstattarget", -1)
        .shorts("attlen", all.iter().map(|column| size_of(&column.kind)))
        .shorts("attnum", all.iter().map(|column| column.number))
        .int("attndims", 0)
        .int("attcacheoff", -1)
        .int("atttypmod", -1)
        .bools("attbyval", all.iter().map(|column| (1..=8).contains(&size_of(&column.kind))))
        .text("attalign", "i")
        .text("attstorage", "x")
        .text("attcompression", "")
        .bools("attnotnull", all.iter().map(|column| !column.is_nullable))
        .all(false, &["atthasdef", "atthasmissing"])
        .text("attidentity", "")
        .text("attgenerated", "")
        .all(false, &["attisdropped"])
        .all(true, &["attislocal"])
        .int("attinhcount", 0)
        .int("attcollation", 0)
        .no_text(&["attacl", "attoptions", "attfdwoptions", "attmissingval"])
        .build()
}

fn number_of(kind: &Type) -> i32 {
    i32::try_from(kind.oid()).unwrap_or_default()
}

fn pg_database() -> Result<Arc<MemTable>> {
    Builder::new(1)
        .int("oid", DATABASE_OID)
        .text("datname", DATABASE)
        .int("datdba", OWNER)
        .int("encoding", 6)
        .text("datlocprovider", "c")
        .all(false, &["datistemplate"])
        .all(true, &["datallowconn"])
        .int("datconnlimit", -1)
        .int("dattablespace", 1_663)
        .text("datcollate", "C")
        .text("datctype", "C")
        .no_text(&["daticulocale", "daticurules", "datcollversion", "datacl"])
        .build()
}

fn pg_roles(user: &str) -> Result<Arc<MemTable>> {
    Builder::new(1)
        .text("rolname", user)
        .all(false, &["rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication"])
        .all(true, &["rolinherit", "rolcanlogin"])
        .all(false, &["rolbypassrls"])
        .int("rolconnlimit", -1)
        .no_text(&["rolpassword", "rolvaliduntil", "rolconfig"])
        .int("oid", OWNER)
        .build()
}

fn pg_user(user: &str) -> Result<Arc<MemTable>> {
    Builder::new(1)
        .text("usename", user)
        .int("usesysid", OWNER)
        .all(false, &["usecreatedb", "usesuper", "userepl", "usebypassrls"])
        .no_text(&["passwd", "valuntil", "useconfig"])
        .build()
}

fn pg_settings(settings: &BTreeMap<String, String>) -> Result<Arc<MemTable>> {
    Builder::new(settings.len())
        .texts("name", settings.keys())
        .texts("setting", settings.values())
        .no_text(&["unit", "category", "short_desc", "extra_desc", "context", "vartype"])
        .no_text(&["source", "min_val", "max_val", "enumvals", "boot_val"])
        .texts("reset_val", settings.values())
        .no_text(&["sourcefile"])
        .all(false, &["pending_restart"])
        .build()
}

fn pg_tables(relations: &[Relation<'_>], user: &str) -> Result<Arc<MemTable>> {
    Builder::new(relations.len())
        .text("schemaname", SCHEMA)
        .texts("tablename", relations.iter().map(|relation| relation.name))
        .text("tableowner", user)
        .no_text(&["tablespace"])
        .all(false, &["hasindexes", "hasrules", "hastriggers", "rowsecurity"])
        .build()
}
