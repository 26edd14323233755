//! Keys that come and go.

use std::time::Duration;

use crate::{
    keys::RsaKey,
    support::{Rig, refused},
};

#[tokio::test(start_paused = true)]
async fn a_new_key_is_learnt_when_it_is_needed() {
    let (one, two) = (RsaKey::first("one"), RsaKey::second("two"));
    let rig = Rig::new(&one);
    rig.log_in(&one).await.unwrap();
    rig.log_in(&one).await.unwrap();
    assert_eq!(rig.asked("keys"), 1, "they are known for a while");
    rig.says.lock().keys = vec![one.told(), two.told()];
    rig.log_in(&two).await.unwrap();
    rig.log_in(&one).await.unwrap();
    assert_eq!(rig.asked("keys"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_is_looked_for_once_a_minute() {
    let (one, two) = (RsaKey::first("one"), RsaKey::second("two"));
    let rig = Rig::new(&one);
    for _ in 0..3 {
        refused(rig.log_in(&two).await, "is not signed", "a key that nobody knows");
    }
    assert_eq!(rig.asked("keys"), 2, "at the beginning and for the key");
    rig.says.lock().keys = vec![two.told()];
    refused(rig.log_in(&two).await, "is not signed", "it was looked for just now");
    tokio::time::advance(Duration::from_secs(60)).await;
    rig.log_in(&two).await.unwrap();
    assert_eq!(rig.asked("keys"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_withdrawn_holds_an_hour_longer_at_most() {
    let (one, two) = (RsaKey::first("one"), RsaKey::second("two"));
    let rig = Rig::new(&one);
    rig.log_in(&one).await.unwrap();
    rig.says.lock().keys = vec![two.told()];
    tokio::time::advance(Duration::from_secs(3_599)).await;
    rig.log_in(&one).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    refused(rig.log_in(&one).await, "is not signed", "an hour is over");
    rig.log_in(&two).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_has_a_known_key_comes_in_while_keys_cannot_be_read() {
    let (one, two) = (RsaKey::first("one"), RsaKey::second("two"));
    let rig = Rig::new(&one);
    rig.log_in(&one).await.unwrap();
    rig.says.lock().away = vec!["openid-configuration", "keys"];
    refused(rig.log_in(&two).await, "is not signed", "nobody tells of the key");
    rig.log_in(&one).await.unwrap();
}
