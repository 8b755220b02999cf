//! What is known of persons at one moment, as far as a group asked.
//!
//! It is also what the group was decided on: none of it may have changed when the group is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use event::{PersonId, TeamId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::server::Link;
use super::wanted::Wanted;
use crate::cache::Cache;
use crate::{Group, GroupKey, GroupTypes, Id, IdKey, Object, Override, Person, PersonKey};

/// All that is read is of one moment.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What is known, and what is known not to be there.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The clock's time of which it is; some may be newer.
    pub(super) at: i64,
    pub(super) ids: HashMap<IdKey, Option<Id>>,
    pub(super) persons: HashMap<PersonKey, Option<Arc<Person>>>,
    pub(super) overrides: HashMap<PersonKey, Option<Override>>,
    pub(super) groups: HashMap<GroupKey, Option<Arc<Group>>>,
    pub(super) group_types: HashMap<TeamId, Arc<GroupTypes>>,
    /// Persons of which all distinct ids or all former persons were read.
    pub(super) lists: HashSet<PersonKey>,
}

/// What is asked of distinct ids, as PostgreSQL takes it.
struct Question<'a> {
    teams: Vec<i64>,
    ids: Vec<&'a str>,
    own: Vec<Uuid>,
    /// Whose the ids were lately, and which version of the person is at hand.
    known: Vec<Option<Uuid>>,
    versions: Vec<Option<i64>>,
    persons: HashMap<PersonKey, Arc<Person>>,
}

impl<'a> Question<'a> {
    fn new(ids: &'a [IdKey], cache: &mut Cache) -> Self {
        let mut question = Self {
            teams: ids.iter().map(|id| id.team.0).collect(),
            ids: ids.iter().map(|id| &*id.id).collect(),
            own: ids.iter().map(|id| id.own_person().0).collect(),
            known: Vec::with_capacity(ids.len()),
            versions: Vec::with_capacity(ids.len()),
            persons: HashMap::new(),
        };
        for id in ids {
            let person = cache.ids.get(id).copied().flatten().and_then(|id| id.person);
            let key = person.map(|person| (id.team, person));
            let person = key.and_then(|key| Some((key, cache.persons.get(&key)?.clone()?)));
            question.known.push(person.as_ref().map(|(key, _)| key.1.0));
            question.versions.push(person.as_ref().map(|(_, person)| person.version));
            question.persons.extend(person);
        }
        question
    }
}

impl Known {
    /// Reads what is wanted, in one round trip and of one moment.
    pub(super) async fn read(
        link: &Link,
        wanted: &Wanted,
        cache: &mut Cache,
    ) -> Result<Self, tokio_postgres::Error> {
        let client = &link.connected.client;
        let (begun, known, ended) = tokio::join!(
            biased;
            client.batch_execute(BEGIN),
            Self::read_within(link, wanted, cache),
            client.batch_execute("COMMIT"),
        );
        begun.and(known).and_then(|known| ended.map(|()| known))
    }

    /// Reads what is wanted, within a transaction.
    pub(super) async fn read_within(
        link: &Link,
        wanted: &Wanted,
        cache: &mut Cache,
    ) -> Result<Self, tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let question = Question::new(&wanted.ids, cache);
        let Question { teams, ids, own, known, versions, .. } = &question;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [teams, ids, own, known, versions];
        let of_teams: Vec<i64> = wanted.teams.iter().map(|team| team.0).collect();
        let read_types = async {
            match wanted.teams.is_empty() {
                true => Ok(Vec::new()),
                false => client.query(&ask.group_types, &[&of_teams]).await,
            }
        };
        let (now, ids, types, groups) = tokio::join!(
            biased;
            client.query_one(&ask.now, &[]),
            client.query(&ask.ids, &parameters),
            read_types,
            read_groups(link, &wanted.groups),
        );
        let (now, ids, types, groups) = (now?, ids?, types?, groups?);
        let mut known = Self { at: now.try_get(0)?, groups, ..Self::default() };
        known.take_ids(&wanted.ids, &ids, &question.persons)?;
        known.take_types(&wanted.teams, &types)?;
        Ok(known)
    }

    /// Reads what is known of a distinct id.
    pub(super) async fn read_id(
        &mut self,
        link: &Link,
        id: &IdKey,
    ) -> Result<(), tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let nothing = (vec![None::<Uuid>], vec![None::<i64>]);
        let rows = client
            .query(
                &ask.ids,
                &[
                    &vec![id.team.0],
                    &vec![&*id.id],
                    &vec![id.own_person().0],
                    &nothing.0,
                    &nothing.1,
                ],
            )
            .await?;
        self.take_ids(std::slice::from_ref(id), &rows, &HashMap::new())
    }

    /// Reads a person.
    pub(super) async fn read_person(
        &mut self,
        link: &Link,
        key: PersonKey,
    ) -> Result<(), tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let row = client.query_opt(&ask.person, &[&key.0.0, &key.1.0]).await?;
        let person = row.map(|row| person_of_row(&row)).transpose()?;
        self.persons.insert(key, person.map(Arc::new));
        Ok(())
    }

    /// Reads the distinct ids of a person, and whose the rows of the persons are that they would make.
    pub(super) async fn read_ids_of(
        &mut self,
        link: &Link,
        key: PersonKey,
        most: usize,
    ) -> Result<Vec<Arc<str>>, tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = client.query(&ask.ids_of, &[&key.0.0, &key.1.0, &most]).await?;
        let mut ids = Vec::with_capacity(rows.len());
        let mut own = Vec::with_capacity(rows.len());
        for row in rows {
            let id = IdKey::new(key.0, row.try_get::<_, &str>(0)?);
            let known = Id { person: Some(key.1), version: row.try_get(1)? };
            self.ids.entry(id.clone()).or_insert(Some(known));
            own.push(id.own_person());
            ids.push(id.id);
        }
        self.lists.insert(key);
        self.read_overrides(link, key.0, &own).await?;
        Ok(ids)
    }

    /// Reads whose the rows of former persons are.
    pub(super) async fn read_overrides(
        &mut self,
        link: &Link,
        team: TeamId,
        former: &[PersonId],
    ) -> Result<(), tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let ids: Vec<Uuid> = former.iter().map(|id| id.0).collect();
        let rows = client.query(&ask.overrides, &[&team.0, &ids]).await?;
        for row in rows {
            let to = Override { person: PersonId(row.try_get(1)?), version: row.try_get(2)? };
            self.overrides.entry((team, PersonId(row.try_get(0)?))).or_insert(Some(to));
        }
        for id in former {
            self.overrides.entry((team, *id)).or_insert(None);
        }
        Ok(())
    }

    /// Reads the former persons whose rows are a person's.
    pub(super) async fn read_former_of(
        &mut self,
        link: &Link,
        key: PersonKey,
    ) -> Result<Vec<PersonId>, tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let rows = client.query(&ask.former_of, &[&key.0.0, &key.1.0]).await?;
        let mut former = Vec::with_capacity(rows.len());
        for row in rows {
            let id = PersonId(row.try_get(0)?);
            let to = Override { person: key.1, version: row.try_get(1)? };
            self.overrides.entry((key.0, id)).or_insert(Some(to));
            former.push(id);
        }
        self.lists.insert(key);
        Ok(former)
    }

    /// Reads a group.
    pub(super) async fn read_group(
        &mut self,
        link: &Link,
        key: &GroupKey,
    ) -> Result<(), tokio_postgres::Error> {
        self.groups.extend(read_groups(link, std::slice::from_ref(key)).await?);
        Ok(())
    }

    /// Reads the names of a project's types of groups.
    pub(super) async fn read_group_types(
        &mut self,
        link: &Link,
        team: TeamId,
    ) -> Result<(), tokio_postgres::Error> {
        let (client, ask) = (&link.connected.client, &link.statements);
        let rows = client.query(&ask.group_types, &[&vec![team.0]]).await?;
        self.take_types(&[team], &rows)
    }

    fn take_ids(
        &mut self,
        ids: &[IdKey],
        rows: &[Row],
        at_hand: &HashMap<PersonKey, Arc<Person>>,
    ) -> Result<(), tokio_postgres::Error> {
        for row in rows {
            let number: i64 = row.try_get(0)?;
            let index = usize::try_from(number - 1).ok();
            let Some(id) = index.and_then(|index| ids.get(index)) else { continue };
            let person = row.try_get::<_, Option<Uuid>>(1)?.map(PersonId);
            let version: Option<i64> = row.try_get(2)?;
            let known = version.map(|version| Id { person, version });
            self.ids.entry(id.clone()).or_insert(known);
            let own = (id.team, id.own_person());
            if person.is_none() {
                let to = row.try_get::<_, Option<Uuid>>(3)?;
                let version = row.try_get::<_, Option<i64>>(4)?;
                let to = to.zip(version);
                let to = to.map(|(to, version)| Override { person: PersonId(to), version });
                self.overrides.entry(own).or_insert(to);
            }
            let key = (id.team, person.unwrap_or(own.1));
            let person = self.person_of_row(row, key, at_hand)?;
            self.persons.entry(key).or_insert(person);
        }
        Ok(())
    }

    fn person_of_row(
        &self,
        row: &Row,
        key: PersonKey,
        at_hand: &HashMap<PersonKey, Arc<Person>>,
    ) -> Result<Option<Arc<Person>>, tokio_postgres::Error> {
        let Some(id) = row.try_get::<_, Option<Uuid>>(5)? else { return Ok(None) };
        let Some(properties) = row.try_get::<_, Option<&str>>(11)? else {
            return Ok(at_hand.get(&key).cloned());
        };
        let seen_at: Option<i64> = row.try_get(9)?;
        Ok(Some(Arc::new(Person {
            id: PersonId(id),
            version: row.try_get(6)?,
            created_at: Timestamp::from_micros(row.try_get(7)?),
            is_identified: row.try_get(8)?,
            last_seen_at: seen_at.map(Timestamp::from_micros),
            properties: Object::parse(properties),
            is_deleted: row.try_get(10)?,
        })))
    }

    fn take_types(&mut self, teams: &[TeamId], rows: &[Row]) -> Result<(), tokio_postgres::Error> {
        let mut types: HashMap<TeamId, GroupTypes> =
            teams.iter().map(|team| (*team, GroupTypes::default())).collect();
        for row in rows {
            let (team, index): (i64, i16) = (row.try_get(0)?, row.try_get(1)?);
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(place) = types.get_mut(&TeamId(team)).and_then(|types| types.get_mut(index))
            {
                *place = Some(row.try_get::<_, &str>(2)?.into());
            }
        }
        let types = types.into_iter().map(|(team, types)| (team, Arc::new(types)));
        self.group_types.extend(types);
        Ok(())
    }
}

async fn read_groups(
    link: &Link,
    keys: &[GroupKey],
) -> Result<HashMap<GroupKey, Option<Arc<Group>>>, tokio_postgres::Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (client, ask) = (&link.connected.client, &link.statements);
    let teams: Vec<i64> = keys.iter().map(|key| key.team.0).collect();
    let indexes: Vec<i16> = keys.iter().map(|key| key.type_index.into()).collect();
    let names: Vec<&str> = keys.iter().map(|key| &*key.key).collect();
    let rows = client.query(&ask.groups, &[&teams, &indexes, &names]).await?;
    let mut groups: HashMap<_, _> = keys.iter().map(|key| (key.clone(), None)).collect();
    for row in rows {
        let number: i64 = row.try_get(0)?;
        let index = usize::try_from(number - 1).ok();
        let Some(key) = index.and_then(|index| keys.get(index)) else { continue };
        let group = Group {
            created_at: Timestamp::from_micros(row.try_get(1)?),
            properties: Object::parse(row.try_get(2)?),
            version: row.try_get(3)?,
            is_deleted: row.try_get(4)?,
        };
        groups.insert(key.clone(), Some(Arc::new(group)));
    }
    Ok(groups)
}

/// A person of the columns `person_id`, `version`, `created_at`, `is_identified`, `last_seen_at`,
/// `is_deleted` and `properties`.
pub(super) fn person_of_row(row: &Row) -> Result<Person, tokio_postgres::Error> {
    let seen_at: Option<i64> = row.try_get(4)?;
    Ok(Person {
        id: PersonId(row.try_get(0)?),
        version: row.try_get(1)?,
        created_at: Timestamp::from_micros(row.try_get(2)?),
        is_identified: row.try_get(3)?,
        last_seen_at: seen_at.map(Timestamp::from_micros),
        is_deleted: row.try_get(5)?,
        properties: Object::parse(row.try_get(6)?),
    })
}
