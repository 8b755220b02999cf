//! Which events are one, and whose rows they become.

use event::{DistinctId, PersonId, Token, UuidOrigin};
use journal::sim::SimFs;

use crate::support::{event, start};

#[tokio::test]
async fn a_uuid_with_another_distinct_id_event_or_token_is_another_event() {
    let running = start(&SimFs::new(1));
    let mut others = vec![event(1), event(1), event(1), event(1)];
    others[1].event.distinct_id = DistinctId::new("user-2");
    others[2].event.event = "refund".into();
    others[3].event.token = Token::new("phc_other");
    assert_eq!(running.counts(&others).await, (4, 0));
    assert_eq!(running.counts(&others).await, (0, 4));
    assert_eq!(running.rows().len(), 4);
}

#[tokio::test]
async fn what_else_differs_does_not_make_a_retry_another_event() {
    let running = start(&SimFs::new(1));
    let mut retry = event(1);
    retry.event.created_at = retry.event.created_at.plus_micros(5_000_000);
    retry.event.properties = r#"{"$sent_at":"later"}"#.into();
    assert_eq!(running.counts(&[event(1)]).await, (1, 0));
    assert_eq!(running.counts(&[retry]).await, (0, 1));
    assert_eq!(running.rows()[0].properties, event(1).event.properties);
}

#[tokio::test]
async fn rows_without_a_client_uuid_are_never_dropped() {
    let running = start(&SimFs::new(1));
    let mut anonymous = event(1);
    anonymous.event.uuid_origin = UuidOrigin::Server;
    let twice = [anonymous.clone(), anonymous];
    assert_eq!(running.counts(&twice).await, (2, 0));
    assert_eq!(running.counts(&twice).await, (2, 0));
    assert_eq!(running.rows().len(), 4);
}

#[tokio::test]
async fn rows_carry_project_and_person() {
    let running = start(&SimFs::new(1));
    let submitted = event(1);
    running.submit(std::slice::from_ref(&submitted)).await.unwrap();
    let row = &running.rows()[0];
    let event = submitted.event;
    let person = PersonId::of_first_distinct_id(submitted.team, &event.token, &event.distinct_id);
    assert_eq!((row.team_id, row.person_id()), (1, person));
    assert_eq!(row.properties, event.properties);
}
