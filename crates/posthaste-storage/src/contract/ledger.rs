//! Promises of [`LedgerStore`](crate::LedgerStore).

mod by_hand;
mod correcting;

pub use self::correcting::{
    a_correction_of_what_is_otherwise_changes_nothing, amounts_are_put_right_with_their_rollups,
    corrections_and_bookings_at_once_agree, forgotten_rollups_stay_away_when_amounts_are_put_right,
};

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    AccountId, AttemptRow, ClientKeyId, Geography, LossList, NanoUsd, ProviderKind, RequestId, ServiceTier,
    Terms, Timestamp, Usage, UserId,
};
use uuid::Uuid;

use self::by_hand::{
    assert_rollups_agree, filters, group_by_hand, groupings, rows_of_every_member, sum_by_hand, varied_rows,
};
use super::{
    Promise,
    fixtures::{NOON, model, row, rows},
};
use crate::{
    Dimension, GroupSums, RollupKey, RollupPeriod, RollupRow, StorageError, Stores, Sums, UsageQuery,
    first_request,
};

/// Every field of a row comes back as it was booked.
pub async fn a_row_is_read_as_booked(stores: Stores) -> Promise {
    let booked = AttemptRow {
        started_at: NOON.plus(Duration::from_micros(123_457)),
        model: model("arn:aws:bedrock:eu-1:ü🦀 'quoted' \"twice\""),
        status: None,
        first_content_us: None,
        streamed: false,
        ..row()
    };
    stores.ledger.append(std::slice::from_ref(&booked)).await?;
    assert_eq!(stores.ledger.attempts(booked.request_id).await?, [booked]);
    assert_eq!(stores.ledger.count().await?, 1);
    assert!(stores.ledger.attempts(RequestId::generate()).await?.is_empty());
    Ok(())
}

/// All rows can be read in parts, the oldest first, each once.
pub async fn rows_are_read_in_parts(stores: Stores) -> Promise {
    let mut booked = rows(7);
    booked.push(AttemptRow { attempt: 2, ..booked[6].clone() });
    stores.ledger.append(&booked).await?;
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let part = stores.ledger.rows_after(after, 3).await?;
        let Some(last) = part.last() else { break };
        after = Some((last.request_id, last.attempt));
        read.extend(part);
    }
    assert_eq!(read, booked);
    Ok(())
}

/// Who asks which rows are missing is told those that were never booked and those that were forgotten, in the order of
/// the question, whosever they are.
pub async fn rows_that_are_missing_are_told(stores: Stores) -> Promise {
    let name = |row: &AttemptRow| (row.request_id, row.attempt);
    let mut booked = rows(1_200);
    for row in booked.iter_mut().step_by(3) {
        row.key_id = ClientKeyId::generate();
    }
    stores.ledger.append(&booked).await?;
    let all: Vec<_> = booked.iter().map(name).collect();
    assert!(stores.ledger.missing(&[]).await?.is_empty());
    assert!(stores.ledger.missing(&all).await?.is_empty());
    let (request, attempt) = all[0];
    let never = [(RequestId::generate(), 1), (request, attempt + 1), (RequestId::generate(), 7)];
    let asked = [&never[..1], &all[..700], &never[1..2], &all[700..], &never[2..]].concat();
    assert_eq!(stores.ledger.missing(&asked).await?, never);
    // What is asked again is booked once, also where another client key names it.
    stores.ledger.append(&[AttemptRow { key_id: ClientKeyId::generate(), ..booked[0].clone() }]).await?;
    assert!(stores.ledger.missing(&all[..1]).await?.is_empty());

    let old = AttemptRow { request_id: first_request(NOON), ..row() };
    stores.ledger.append(std::slice::from_ref(&old)).await?;
    assert!(stores.ledger.missing(&[name(&old)]).await?.is_empty());
    stores.ledger.forget_rows(NOON.plus(Duration::from_secs(1)), 10).await?;
    assert_eq!(stores.ledger.missing(&[name(&old), all[5]]).await?, [name(&old)]);
    Ok(())
}

/// Roll-ups that are brought over take the place of a store's own, which goes on adding to them.
pub async fn rollups_that_are_carried_over_take_the_place_of_others(stores: Stores) -> Promise {
    let booked = row();
    stores.ledger.append(std::slice::from_ref(&booked)).await?;
    let days = UsageQuery::all(RollupPeriod::Day);
    let mut wanted = stores.ledger.usage(&days).await?;
    wanted[0].sums.attempts = 41;
    wanted[0].sums.cost = NanoUsd::from_nanos(7);
    let other = RollupKey { start: NOON, owner: None, ..wanted[0].key.clone() };
    wanted.push(RollupRow { key: other, sums: Sums { attempts: 3, ..Sums::default() } });
    wanted.sort_by(|one, other| one.key.cmp(&other.key));
    stores.ledger.carry_over(&wanted).await?;
    assert_eq!(stores.ledger.usage(&days).await?, wanted);
    stores.ledger.append(&[AttemptRow { request_id: RequestId::generate(), ..booked }]).await?;
    let attempts: u64 = stores.ledger.usage(&days).await?.iter().map(|day| day.sums.attempts).sum();
    assert_eq!(attempts, 41 + 3 + 1);
    Ok(())
}

/// What translation lost is told whole and each side on its own, also at its bounds, and leaves the roll-ups alone.
pub async fn losses_are_read_as_booked(stores: Stores) -> Promise {
    let none = LossList::default();
    let one = LossList::of([("metadata.user_id", "dropped, no counterpart")]);
    let odd = LossList::of([("ü🦀 'quoted' \"twice\"\n\0\\", "dropped, unknown"), ("%s", "carried as text")]);
    let most = LossList::of((0..100).map(|number| (format!("tools.{number}"), "dropped, unknown")));
    assert!(most.iter().count() == LossList::MOST_ENTRIES || most.as_str().len() + 32 > LossList::MOST_BYTES);
    let sides = [(&none, &none), (&one, &none), (&none, &one), (&odd, &one), (&one, &odd), (&most, &most)];
    let mut booked = rows(sides.len());
    for (row, (request, answer)) in booked.iter_mut().zip(sides) {
        row.request_losses = request.clone();
        row.answer_losses = answer.clone();
    }
    stores.ledger.append(&booked).await?;
    for row in &booked {
        assert_eq!(stores.ledger.attempts(row.request_id).await?, std::slice::from_ref(row));
    }
    let newest: Vec<AttemptRow> = booked.iter().rev().cloned().collect();
    assert_eq!(stores.ledger.recent(None, sides.len()).await?, newest);
    assert_eq!(stores.ledger.recent(Some(booked[0].key_id), sides.len()).await?, newest);
    assert_rollups_agree(&stores, &booked).await
}

/// A request's attempts are told by number, in whatever order they were booked.
pub async fn attempts_come_in_their_order(stores: Stores) -> Promise {
    let first = row();
    let attempts: Vec<AttemptRow> = [1, 2, 10, 300, u16::MAX]
        .into_iter()
        .map(|attempt| AttemptRow { attempt, account_id: AccountId::generate(), ..first.clone() })
        .collect();
    let booked: Vec<AttemptRow> = attempts.iter().rev().cloned().collect();
    stores.ledger.append(&booked[..2]).await?;
    stores.ledger.append(&booked[2..]).await?;
    stores.ledger.append(&rows(3)).await?;
    assert_eq!(stores.ledger.attempts(first.request_id).await?, attempts);
    Ok(())
}

/// Nothing is nothing.
pub async fn an_empty_append_books_nothing(stores: Stores) -> Promise {
    stores.ledger.append(&[]).await?;
    assert_eq!(stores.ledger.count().await?, 0);
    assert!(stores.ledger.recent(None, 10).await?.is_empty());
    assert!(stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?.is_empty());
    Ok(())
}

/// The latest rows come newest first, and no more than were asked for.
pub async fn the_latest_rows_come_first(stores: Stores) -> Promise {
    let mut booked = rows(5);
    booked.push(AttemptRow { attempt: 2, ..booked[4].clone() });
    stores.ledger.append(&booked).await?;
    booked.reverse();
    assert_eq!(stores.ledger.recent(None, 3).await?, booked[..3]);
    assert_eq!(stores.ledger.recent(None, 100).await?, booked);
    assert!(stores.ledger.recent(None, 0).await?.is_empty());
    Ok(())
}

/// One key's latest rows do not show another's.
pub async fn the_latest_rows_of_a_key_are_its_own(stores: Stores) -> Promise {
    let keys = [ClientKeyId::generate(), ClientKeyId::generate()];
    let mut booked = rows(10);
    for (position, row) in booked.iter_mut().enumerate() {
        row.key_id = keys[position % 2];
    }
    stores.ledger.append(&booked).await?;
    let newest = booked.iter().rev().filter(|row| row.key_id == keys[0]);
    let newest: Vec<AttemptRow> = newest.cloned().collect();
    assert_eq!(stores.ledger.recent(Some(keys[0]), 3).await?, newest[..3]);
    assert_eq!(stores.ledger.recent(Some(keys[0]), 100).await?, newest);
    assert!(stores.ledger.recent(Some(ClientKeyId::generate()), 100).await?.is_empty());
    Ok(())
}

/// A row that is booked already stays as it was, also when it comes back with other content.
pub async fn a_row_booked_again_adds_nothing(stores: Stores) -> Promise {
    let booked = rows(3);
    stores.ledger.append(&booked).await?;
    let before = usage_of_all_periods(&stores).await?;
    stores.ledger.append(&booked).await?;
    stores.ledger.append(&[AttemptRow { cost: NanoUsd::from_nanos(9), ..booked[0].clone() }]).await?;
    assert_eq!(stores.ledger.count().await?, 3);
    assert_eq!(stores.ledger.attempts(booked[0].request_id).await?, booked[..1]);
    assert_eq!(usage_of_all_periods(&stores).await?, before);
    Ok(())
}

/// Known rows in a batch do not keep the new ones out, nor count again.
pub async fn a_batch_of_new_and_known_rows_adds_the_new_ones(stores: Stores) -> Promise {
    let booked = rows(6);
    stores.ledger.append(&booked[..3]).await?;
    stores.ledger.append(&booked[1..]).await?;
    assert_eq!(stores.ledger.count().await?, 6);
    assert_rollups_agree(&stores, &booked).await
}

/// A batch may hold a row more than once.
pub async fn a_row_twice_in_one_batch_is_booked_once(stores: Stores) -> Promise {
    let booked = rows(2);
    let doubled = [booked.as_slice(), booked.as_slice(), &booked[..1]].concat();
    stores.ledger.append(&doubled).await?;
    assert_eq!(stores.ledger.count().await?, 2);
    assert_rollups_agree(&stores, &booked).await
}

/// Two writers that drain the same log book each row once between them.
pub async fn parallel_appends_of_the_same_rows_book_them_once(stores: Stores) -> Promise {
    let booked = rows(60);
    let appends: Vec<_> = (0..6)
        .map(|writer| {
            let ledger = Arc::clone(&stores.ledger);
            let rows = booked[writer * 5..writer * 5 + 35].to_vec();
            tokio::spawn(async move { ledger.append(&rows).await })
        })
        .collect();
    for append in appends {
        append.await.expect("a writer does not panic")?;
    }
    assert_eq!(stores.ledger.count().await?, 60);
    assert_rollups_agree(&stores, &booked).await
}

/// A batch of some thousand rows goes in as one.
pub async fn a_large_batch_is_booked_whole(stores: Stores) -> Promise {
    let booked = rows(2_500);
    stores.ledger.append(&booked).await?;
    assert_eq!(stores.ledger.count().await?, 2_500);
    assert_rollups_agree(&stores, &booked).await
}

/// For each period, the roll-ups are what adding up the rows by hand gives, in their order.
pub async fn rollups_are_the_sums_of_the_rows(stores: Stores) -> Promise {
    let booked = varied_rows();
    for batch in booked.chunks(7) {
        stores.ledger.append(batch).await?;
    }
    assert_rollups_agree(&stores, &booked).await
}

/// Filters hold, one by one and together.
pub async fn rollups_are_filtered(stores: Stores) -> Promise {
    let booked = varied_rows();
    stores.ledger.append(&booked).await?;
    let all = stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?;
    let queries = filters(&booked, &all);
    for query in &queries {
        let wanted = all.iter().filter(|row| {
            let key = &row.key;
            query.key_id.is_none_or(|id| key.key_id == id)
                && query.owner.is_none_or(|owner| key.owner == Some(owner))
                && query.account_id.is_none_or(|id| key.account_id == id)
                && query.model.as_ref().is_none_or(|model| key.model == *model)
                && query.provider.is_none_or(|provider| key.provider == provider)
                && query.from.is_none_or(|from| key.start >= from)
                && query.until.is_none_or(|until| key.start < until)
        });
        let wanted: Vec<RollupRow> = wanted.cloned().collect();
        assert!(wanted.len() < all.len(), "each of these filters leaves something out");
        assert_eq!(stores.ledger.usage(query).await?, wanted, "{query:?}");
    }
    let together = stores.ledger.usage(&queries[0]).await?;
    assert!(!together.is_empty(), "something passes all filters at once");
    Ok(())
}

/// Every way of grouping gives the sums of the rows, told apart as asked, whatever is filtered.
pub async fn sums_of_every_grouping_are_the_sums_of_the_rows(stores: Stores) -> Promise {
    let booked = varied_rows();
    stores.ledger.append(&booked).await?;
    for by in groupings() {
        for period in RollupPeriod::ALL {
            let told = stores.ledger.sums(&UsageQuery::all(period), &by).await?;
            assert_eq!(told, group_by_hand(&sum_by_hand(period, &booked), &by), "{period:?} by {by:?}");
        }
    }
    let all = stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?;
    for query in filters(&booked, &all) {
        let wanted = stores.ledger.usage(&query).await?;
        for by in
            [vec![], vec![Dimension::Owner], vec![Dimension::Model, Dimension::Span], groupings().remove(63)]
        {
            assert_eq!(
                stores.ledger.sums(&query, &by).await?,
                group_by_hand(&wanted, &by),
                "{query:?} by {by:?}"
            );
        }
    }
    Ok(())
}

/// The sums of some client keys, accounts or owners are those that they have among all.
pub async fn sums_of_some_are_those_among_all(stores: Stores) -> Promise {
    let booked = varied_rows();
    stores.ledger.append(&booked).await?;
    for of in [Dimension::Key, Dimension::Account, Dimension::Owner] {
        for period in RollupPeriod::ALL {
            let query = UsageQuery::all(period);
            let all = stores.ledger.sums(&query, &[of]).await?;
            let known: Vec<Uuid> = all.iter().filter_map(|group| group.group.id()).collect();
            assert!(known.len() > 1, "{of:?}");
            for some in [&known[..0], &known[..1], &known[1..]] {
                let asked: Vec<Uuid> = some.iter().copied().chain([Uuid::now_v7()]).collect();
                let wanted: Vec<_> = all
                    .iter()
                    .filter(|group| group.group.id().is_some_and(|id| some.contains(&id)))
                    .cloned()
                    .collect();
                let told = stores.ledger.sums_of(&query, of, &asked).await?;
                assert_eq!(told, wanted, "{of:?} of {period:?}");
            }
            let one = UsageQuery { key_id: Some(booked[0].key_id), ..query };
            let told = stores.ledger.sums_of(&one, Dimension::Key, &known).await?;
            assert!(
                told.iter().all(|group| group.group.key_id == one.key_id),
                "what the query leaves out stays out"
            );
        }
    }
    Ok(())
}

/// Where nothing was booked there is no group, not an empty one.
pub async fn nothing_has_no_group(stores: Stores) -> Promise {
    for by in [vec![], vec![Dimension::Span], Dimension::ALL.to_vec()] {
        assert_eq!(stores.ledger.sums(&UsageQuery::all(RollupPeriod::Day), &by).await?, []);
    }
    Ok(())
}

/// The last use is told of each who was used, to the hour at least, and of nobody else.
pub async fn the_last_use_is_told(stores: Stores) -> Promise {
    let mut booked = varied_rows();
    for (position, row) in booked.iter_mut().enumerate() {
        row.request_id = RequestId::from_uuid(Uuid::from_u128(1 << 100 | position as u128));
        row.started_at = NOON.plus(Duration::from_secs(1_000 * position as u64));
    }
    stores.ledger.append(&booked).await?;
    let keys: Vec<_> = booked.iter().map(|row| row.key_id.uuid()).chain([Uuid::now_v7()]).collect();
    let accounts: Vec<_> = booked.iter().map(|row| row.account_id.uuid()).chain([Uuid::now_v7()]).collect();
    for (by, ids) in [(Dimension::Key, keys), (Dimension::Account, accounts)] {
        let told = stores.ledger.last_use(by, &ids).await?;
        assert_eq!(told.len(), ids.len());
        for (id, told) in ids.iter().zip(told) {
            let of = |row: &&AttemptRow| row.key_id.uuid() == *id || row.account_id.uuid() == *id;
            let last = booked.iter().filter(of).map(|row| row.started_at).max();
            let fits = |told: Timestamp, last| RollupPeriod::Hour.start_of(last) <= told && told <= last;
            assert!(
                told.zip(last).map_or(told == last, |(told, last)| fits(told, last)),
                "{told:?} for {last:?}"
            );
        }
    }
    Ok(())
}

/// A key that changes its owner is told under each for the attempts of that one's time.
pub async fn an_attempt_counts_for_the_owner_of_its_time(stores: Stores) -> Promise {
    let owners = [Some(UserId::generate()), Some(UserId::generate()), None];
    let mut booked = rows(6);
    for (position, row) in booked.iter_mut().enumerate() {
        row.owner = owners[position / 2];
        row.cost = NanoUsd::from_nanos(100);
        row.billed = NanoUsd::from_nanos(150 + position as i64);
    }
    stores.ledger.append(&booked).await?;
    let query = UsageQuery { key_id: Some(booked[0].key_id), ..UsageQuery::all(RollupPeriod::Month) };
    let mut told = stores.ledger.sums(&query, &[Dimension::Owner]).await?;
    told.sort_by_key(|sums| owners.iter().position(|owner| *owner == sums.group.owner));
    let told: Vec<_> =
        told.iter().map(|GroupSums { group, sums }| (group.owner, sums.attempts, sums.billed)).collect();
    let billed = |nanos| NanoUsd::from_nanos(nanos);
    assert_eq!(told, [(owners[0], 2, billed(301)), (owners[1], 2, billed(305)), (owners[2], 2, billed(309))]);
    Ok(())
}

/// Old rows go, the oldest first and no more than were asked for; their roll-ups stay, and so do the younger rows.
pub async fn old_rows_are_forgotten_and_their_rollups_stay(stores: Stores) -> Promise {
    let mut booked = rows(10);
    for (day, row) in booked.iter_mut().enumerate() {
        let moment = NOON.plus(Duration::from_secs(day as u64 * 86_400));
        row.started_at = moment;
        row.request_id = request_at(moment);
        row.key_id = if day % 2 == 0 { ClientKeyId::generate() } else { row.key_id };
    }
    let second = AttemptRow { attempt: 2, ..booked[5].clone() };
    booked.insert(6, second);
    stores.ledger.append(&booked).await?;
    let before = usage_of_all_periods(&stores).await?;

    let border = booked[7].started_at;
    assert_eq!(stores.ledger.forget_rows(border, 3).await?, 3);
    assert_left(&stores, &booked[3..]).await?;
    assert_eq!(stores.ledger.forget_rows(border, 100).await?, 4);
    assert_eq!(stores.ledger.forget_rows(border, 100).await?, 0);
    assert_left(&stores, &booked[7..]).await?;
    assert!(stores.ledger.attempts(booked[5].request_id).await?.is_empty());
    assert!(stores.ledger.recent(Some(booked[0].key_id), 10).await?.is_empty());
    assert_eq!(usage_of_all_periods(&stores).await?, before);

    let young = rows(1);
    stores.ledger.append(&young).await?;
    assert_eq!(stores.ledger.count().await?, 5);
    Ok(())
}

/// Old spans of one period go, no more than were asked for; other periods, later spans and all rows stay.
pub async fn old_rollups_are_forgotten(stores: Stores) -> Promise {
    let booked = varied_rows();
    stores.ledger.append(&booked).await?;
    let all = stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?;
    let border = all[all.len() - 1].key.start;
    let (old, young): (Vec<RollupRow>, Vec<RollupRow>) =
        all.into_iter().partition(|row| row.key.start < border);
    let most = old.len() - 2;
    assert_eq!(stores.ledger.forget_rollups(RollupPeriod::Hour, border, most).await?, most);
    assert_eq!(stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?.len(), young.len() + 2);
    assert_eq!(stores.ledger.forget_rollups(RollupPeriod::Hour, border, most).await?, 2);
    assert_eq!(stores.ledger.forget_rollups(RollupPeriod::Hour, border, most).await?, 0);
    assert_eq!(stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?, young);
    for period in [RollupPeriod::Day, RollupPeriod::Month] {
        assert_eq!(stores.ledger.usage(&UsageQuery::all(period)).await?, sum_by_hand(period, &booked));
    }
    assert_eq!(stores.ledger.count().await?, booked.len() as u64);
    Ok(())
}

/// No member of any enum in a row is lost or taken for another.
pub async fn every_member_of_every_enum_survives(stores: Stores) -> Promise {
    let booked = rows_of_every_member();
    stores.ledger.append(&booked).await?;
    for row in &booked {
        assert_eq!(stores.ledger.attempts(row.request_id).await?, std::slice::from_ref(row));
    }
    assert_rollups_agree(&stores, &booked).await
}

/// Numbers beyond any real request come back exactly, and sums stay exact up to 2⁵³.
pub async fn large_numbers_are_kept(stores: Stores) -> Promise {
    let most = Usage {
        input: u64::MAX,
        output: u64::MAX - 1,
        cache_read: u64::MAX - 2,
        cache_write_5m: 1 << 63,
        cache_write_1h: (1 << 63) - 1,
        reasoning: (1 << 53) + 1,
        web_searches: u64::MAX,
        input_audio: u64::MAX,
        cache_read_audio: 1 << 63,
        output_audio: u64::MAX - 3,
        input_image: (1 << 63) - 1,
        output_image: u64::MAX - 4,
        terms: Terms { tier: ServiceTier::Flex, fast: true, geography: Geography::Us },
    };
    let bogus = AttemptRow {
        usage: most,
        cost: NanoUsd::from_nanos(i64::MAX),
        billed: NanoUsd::from_nanos(i64::MIN),
        duration_us: u64::MAX,
        first_content_us: Some(u64::MAX),
        status: Some(u16::MAX),
        ..row()
    };
    stores.ledger.append(std::slice::from_ref(&bogus)).await?;
    assert_eq!(stores.ledger.attempts(bogus.request_id).await?, [bogus]);

    let mut large = rows(8);
    for row in &mut large {
        row.usage.input = 1_000_000_000_000_001;
        row.cost = NanoUsd::from_nanos(1_000_000_000_000_003);
        row.billed = NanoUsd::from_nanos(-1_000_000_000_000_001);
    }
    stores.ledger.append(&large[..4]).await?;
    stores.ledger.append(&large[4..]).await?;
    let sums = UsageQuery { key_id: Some(large[0].key_id), ..UsageQuery::all(RollupPeriod::Day) };
    let sums = stores.ledger.usage(&sums).await?;
    assert_eq!(sums.len(), 1);
    assert_eq!(sums[0].sums.usage.input, 8_000_000_000_000_008);
    assert_eq!(sums[0].sums.cost, NanoUsd::from_nanos(8_000_000_000_000_024));
    assert_eq!(sums[0].sums.billed, NanoUsd::from_nanos(-8_000_000_000_000_008));
    Ok(())
}

/// Sums that leave every number behind stay at the top; a store may have its top at 2⁵³ − 1 already.
pub async fn sums_do_not_wrap(stores: Stores) -> Promise {
    let mut bogus = rows(4);
    for row in &mut bogus {
        row.usage.input = u64::MAX;
        row.usage.output_image = u64::MAX;
        row.cost = NanoUsd::from_nanos(i64::MAX);
        row.billed = NanoUsd::from_nanos(i64::MAX);
    }
    let other: Vec<_> = rows(4)
        .iter()
        .zip(&bogus)
        .map(|(new, row)| AttemptRow { request_id: new.request_id, model: model("other"), ..row.clone() })
        .collect();
    stores.ledger.append(&bogus[..2]).await?;
    stores.ledger.append(&bogus[2..]).await?;
    stores.ledger.append(&other).await?;
    for period in RollupPeriod::ALL {
        let sums = stores.ledger.usage(&UsageQuery::all(period)).await?;
        assert_eq!(sums.len(), 2);
        assert_eq!(sums[0].sums.attempts, 4);
        assert!(sums[0].sums.usage.input >= (1 << 53) - 1);
        assert!(sums[0].sums.usage.output_image >= (1 << 53) - 1);
        assert!(sums[0].sums.cost >= NanoUsd::from_nanos((1 << 53) - 1));
        assert!(sums[0].sums.billed >= NanoUsd::from_nanos((1 << 53) - 1));
        let grouped = stores.ledger.sums(&UsageQuery::all(period), &[]).await?;
        assert_eq!(grouped.len(), 1);
        assert_eq!(grouped[0].sums.attempts, 8);
        assert!(grouped[0].sums.usage.input >= (1 << 53) - 1);
        assert!(grouped[0].sums.cost >= NanoUsd::from_nanos((1 << 53) - 1));
    }
    Ok(())
}

async fn usage_of_all_periods(stores: &Stores) -> Result<Vec<RollupRow>, StorageError> {
    let mut all = Vec::new();
    for period in RollupPeriod::ALL {
        all.extend(stores.ledger.usage(&UsageQuery::all(period)).await?);
    }
    Ok(all)
}

async fn assert_left(stores: &Stores, rows: &[AttemptRow]) -> Promise {
    let newest: Vec<AttemptRow> = rows.iter().rev().cloned().collect();
    assert_eq!(stores.ledger.recent(None, 100).await?, newest);
    assert_eq!(stores.ledger.count().await?, rows.len() as u64);
    Ok(())
}

/// An identity as a request made at `moment` has it.
fn request_at(moment: Timestamp) -> RequestId {
    let chance = Uuid::now_v7().as_u128() & ((1 << 64) - 1);
    RequestId::from_uuid(Uuid::from_u128(first_request(moment).uuid().as_u128() | chance))
}

/// What was counted elsewhere is put and not added, beside what is booked; sums of nothing remove it.
pub async fn sums_that_are_carried_over_take_the_place_of_earlier_ones(stores: Stores) -> Promise {
    let booked = row();
    stores.ledger.append(std::slice::from_ref(&booked)).await?;
    let carried = |period: RollupPeriod, owner, attempts, input| RollupRow {
        key: RollupKey {
            period,
            start: period.start_of(NOON),
            key_id: booked.key_id,
            account_id: AccountId::CARRIED_OVER,
            model: model("odd:model"),
            owner,
            provider: ProviderKind::OpenAi,
        },
        sums: Sums {
            attempts,
            completed: attempts,
            usage: Usage { input, ..Usage::NONE },
            cost: NanoUsd::from_nanos(7),
            billed: NanoUsd::from_nanos(9),
            ..Sums::default()
        },
    };
    let query = |period| UsageQuery { account_id: Some(AccountId::CARRIED_OVER), ..UsageQuery::all(period) };
    let owner = Some(UserId::generate());
    let [day, month] = [RollupPeriod::Day, RollupPeriod::Month];
    stores.ledger.carry_over(&[carried(day, None, 5, 100), carried(month, owner, 5, 100)]).await?;
    let fewer = carried(day, None, 3, 0);
    stores.ledger.carry_over(&[fewer.clone(), carried(day, owner, 1, 1)]).await?;
    assert_eq!(stores.ledger.usage(&query(day)).await?, [fewer.clone(), carried(day, owner, 1, 1)]);
    assert_eq!(stores.ledger.usage(&query(month)).await?, [carried(month, owner, 5, 100)]);
    assert!(stores.ledger.usage(&query(RollupPeriod::Hour)).await?.is_empty());

    let nothing = |row: RollupRow| RollupRow { sums: Sums::default(), ..row };
    let gone = [nothing(carried(day, owner, 1, 1)), nothing(carried(month, owner, 5, 100))];
    stores.ledger.carry_over(&gone).await?;
    stores.ledger.carry_over(&gone).await?;
    assert_eq!(stores.ledger.usage(&query(day)).await?, [fewer]);
    assert!(stores.ledger.usage(&query(month)).await?.is_empty());
    let own = UsageQuery { account_id: Some(booked.account_id), ..UsageQuery::all(day) };
    let own = stores.ledger.usage(&own).await?;
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].sums.usage, Usage { terms: Terms::default(), ..booked.usage });
    Ok(())
}
