//! The suite that every implementation of the ports passes: one function for each promise.
//!
//! A promise takes fresh, empty stores, asserts, and hands a store's failure back. `contract_tests!` turns all of them
//! into tests.

pub mod account_errors;
pub mod admission;
pub mod affinity;
pub mod config;
mod fixtures;
pub mod fleet;
mod interleavings;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod requests;
pub mod sessions;

pub use fixtures::{NOON, row};

use crate::StorageError;

/// What a promise hands back: a store's failure, if any. A broken promise panics instead.
pub type Promise = Result<(), StorageError>;

/// Makes one test for each promise.
///
/// Takes an expression that is evaluated anew for each test and gives a future of `(Stores, guard)`: empty stores, and
/// whatever must stay alive while they are used, such as a temporary folder or a server.
///
/// ```ignore
/// posthaste_storage::contract_tests!(fresh_stores());
/// ```
#[macro_export]
macro_rules! contract_tests {
    ($fresh:expr) => {
        $crate::contract_promises!(contract_tests!($fresh));
    };
    ($fresh:expr, $port:ident: [$($promise:ident,)*]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() -> $crate::contract::Promise {
                let (stores, _guard) = $fresh.await;
                $crate::contract::$port::$promise(stores).await
            }
        )*
    };
    ($fresh:expr, $port:ident, long: [$($promise:ident,)*]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "takes minutes; `cargo xtask test --all` runs it"]
            async fn $promise() -> $crate::contract::Promise {
                let (stores, _guard) = $fresh.await;
                $crate::contract::$port::$promise(stores).await
            }
        )*
    };
}

/// Tries one promise after the other within one test, but for those that take minutes: for stores whose servers take
/// longer to come up than all promises together.
///
/// Takes what `contract_tests!` takes, best as a boxed future, as `contract_promises!(contract_each!(fresh_stores()))`.
#[macro_export]
macro_rules! contract_each {
    ($fresh:expr, $port:ident: [$($promise:ident,)*]) => {
        $({
            // A function of its own, as the test's own stack has no room for all promises.
            fn promise(stores: $crate::Stores) -> ::std::pin::Pin<Box<dyn Future<Output = $crate::contract::Promise>>> {
                Box::pin($crate::contract::$port::$promise(stores))
            }
            let (stores, _guard) = $fresh.await;
            let kept = promise(stores).await;
            assert!(kept.is_ok(), "{}: {kept:?}", stringify!($promise));
        })*
    };
    ($fresh:expr, $port:ident, long: [$($promise:ident,)*]) => {};
}

/// Hands the list of promises to another macro, port by port.
#[macro_export]
macro_rules! contract_promises {
    ($then:ident!($fresh:expr)) => {
        $crate::$then!($fresh, config: [
            a_record_is_read_as_written,
            a_record_without_a_lookup_name_is_kept,
            kinds_do_not_meet,
            lists_come_in_order_and_in_parts,
            a_replacement_names_the_version_it_replaces,
            making_a_record_twice_is_a_conflict,
            a_lookup_name_belongs_to_one_record,
            a_lookup_name_is_free_after_deletion_and_rename,
            a_client_key_is_found_by_the_hash_that_it_has_now,
            of_many_who_redeem_a_card_at_once_one_has_it,
            a_setting_is_made_once,
            a_deletion_names_the_version_it_removes,
            a_deleted_record_can_be_made_again,
            revisions_grow_with_each_write,
            the_feed_tells_what_happened_since,
            the_feed_tells_deletions,
            a_reader_that_has_waited_meets_the_change,
            a_reader_behind_the_feed_does_not_wait,
            of_parallel_writers_exactly_one_wins,
            of_parallel_makers_of_one_lookup_name_exactly_one_wins,
            of_two_editors_who_saw_the_same_version_one_is_refused,
            a_pin_moves_on_with_its_own_writes_and_holds_one_record_only,
        ]);
        $crate::$then!($fresh, admission: [
            a_claim_without_checks_is_granted,
            a_claim_that_passes_is_counted,
            a_refused_claim_changes_nothing,
            a_refusal_names_the_first_check_that_failed,
            a_limit_may_be_reached_but_not_passed,
            of_parallel_claims_exactly_as_many_pass_as_fit,
            parallel_claims_over_several_limits_are_all_or_none,
            keys_of_one_owner_share_its_limit_and_keep_their_own,
            the_same_lease_counts_once,
            settling_frees_concurrency,
            a_lapsed_lease_holds_no_concurrency,
            leases_are_told_by_the_counter_that_they_hold,
            a_lapsed_lease_keeps_its_windows_counted,
            a_renewed_lease_is_kept,
            a_lapsed_or_settled_lease_is_not_renewed,
            settling_replaces_the_reserve_by_the_truth,
            settling_twice_changes_nothing,
            counters_that_are_not_named_keep_their_reserve,
            settling_an_unknown_lease_changes_nothing,
            a_shadow_limit_counts_and_never_refuses,
            a_span_with_another_start_is_empty,
            totals_outlive_spans,
            a_clock_that_jumps_grants_two_windows_at_most,
            a_rolling_window_opens_with_its_first_claim,
            a_refused_claim_opens_no_window,
            a_late_settlement_leaves_the_next_rolling_window_alone,
            a_refusal_tells_when_its_window_ends,
            a_granted_claim_tells_where_its_counters_stand,
            halves_and_owners_do_not_meet,
            huge_amounts_do_not_overflow,
            a_counter_that_is_named_twice_is_checked_for_the_sum,
            a_counter_that_is_named_twice_is_settled_once,
            every_order_of_steps_gives_what_it_should,
        ]);
        $crate::$then!($fresh, admission, long: [
            every_long_order_of_steps_gives_what_it_should,
        ]);
        $crate::$then!($fresh, ledger: [
            a_row_is_read_as_booked,
            rows_are_read_in_parts,
            rows_that_are_missing_are_told,
            rollups_that_are_carried_over_take_the_place_of_others,
            losses_are_read_as_booked,
            attempts_come_in_their_order,
            an_empty_append_books_nothing,
            the_latest_rows_come_first,
            the_latest_rows_of_a_key_are_its_own,
            a_row_booked_again_adds_nothing,
            a_batch_of_new_and_known_rows_adds_the_new_ones,
            a_row_twice_in_one_batch_is_booked_once,
            parallel_appends_of_the_same_rows_book_them_once,
            a_large_batch_is_booked_whole,
            rollups_are_the_sums_of_the_rows,
            rollups_are_filtered,
            sums_of_every_grouping_are_the_sums_of_the_rows,
            nothing_has_no_group,
            sums_of_some_are_those_among_all,
            the_last_use_is_told,
            an_attempt_counts_for_the_owner_of_its_time,
            old_rows_are_forgotten_and_their_rollups_stay,
            old_rollups_are_forgotten,
            every_member_of_every_enum_survives,
            large_numbers_are_kept,
            sums_do_not_wrap,
            sums_that_are_carried_over_take_the_place_of_earlier_ones,
            amounts_are_put_right_with_their_rollups,
            a_correction_of_what_is_otherwise_changes_nothing,
            corrections_and_bookings_at_once_agree,
            forgotten_rollups_stay_away_when_amounts_are_put_right,
        ]);
        $crate::$then!($fresh, affinity: [
            a_conversation_has_no_home_at_first,
            a_conversation_lives_where_it_settled,
            a_conversation_moves,
            a_home_is_forgotten_after_its_time,
            settling_again_renews_the_time,
            a_home_can_be_forgotten,
            tenants_do_not_meet,
        ]);
        $crate::$then!($fresh, requests: [
            a_request_is_read_as_put,
            an_unknown_request_is_not_found,
            a_request_put_again_takes_the_place_of_the_earlier_one,
            requests_are_read_page_by_page,
            the_latest_requests_come_first,
            old_requests_are_forgotten,
            no_more_requests_are_kept_than_wanted,
        ]);
        $crate::$then!($fresh, sessions: [
            a_session_is_found_as_it_began,
            a_session_lapses,
            a_session_is_renewed,
            an_ended_session_does_not_come_back,
            sessions_are_told_by_person,
            lapsed_sessions_are_swept_step_by_step,
        ]);
        $crate::$then!($fresh, account_errors: [
            an_accounts_errors_come_back_newest_first,
            of_each_account_the_latest_errors_are_kept,
            old_errors_are_not_told,
            old_errors_are_trimmed_step_by_step,
            an_accounts_errors_are_cleared,
        ]);
        $crate::$then!($fresh, journal: [
            a_journal_is_read_from_both_ends,
            an_entry_follows_the_last_one,
            a_journal_is_carried_over_from_where_it_begins,
            parallel_notes_all_get_a_place,
            old_entries_are_forgotten_and_the_last_one_stays,
        ]);
        $crate::$then!($fresh, lock: [
            a_lock_is_held_by_one,
            of_parallel_holders_exactly_one_wins,
            each_new_holder_has_a_greater_number,
            the_same_holder_renews_and_keeps_its_number,
            a_lock_lapses,
            a_released_lock_is_free,
            only_the_holder_releases,
            locks_do_not_meet,
        ]);
        $crate::$then!($fresh, fleet: [
            a_relay_that_is_there_is_listed,
            the_most_senior_relay_comes_first,
            a_relay_that_falls_silent_is_not_listed,
            a_relay_that_leaves_is_gone_at_once,
            news_reach_a_reader_that_waits,
            news_come_in_their_order,
            a_reader_whose_place_is_not_known_is_told_so,
            a_reader_that_slept_too_long_is_told_so,
            a_reader_that_joins_late_is_told_what_is_known,
            a_rest_that_is_long_over_is_forgotten,
            a_rest_that_says_nothing_new_is_not_told,
            a_recovery_ends_what_began_before_it,
            an_account_and_its_models_are_told_apart,
            a_release_ends_every_rest_of_the_account,
            one_tries_an_account,
            of_parallel_relays_exactly_one_tries,
            a_trial_lapses,
            only_its_holder_ends_a_trial,
            a_late_end_of_an_earlier_trial_ends_nothing,
            who_would_try_is_told_the_last_news,
        ]);
    };
}

#[cfg(test)]
mod tests {
    const SUITES: [&str; 12] = [
        include_str!("contract/config.rs"),
        include_str!("contract/admission.rs"),
        include_str!("contract/admission/windows.rs"),
        include_str!("contract/ledger.rs"),
        include_str!("contract/ledger/correcting.rs"),
        include_str!("contract/affinity.rs"),
        include_str!("contract/requests.rs"),
        include_str!("contract/lock.rs"),
        include_str!("contract/sessions.rs"),
        include_str!("contract/account_errors.rs"),
        include_str!("contract/journal.rs"),
        include_str!("contract/fleet.rs"),
    ];

    #[test]
    fn every_promise_is_in_the_list() {
        let list = include_str!("contract.rs");
        for suite in SUITES {
            for line in suite.lines() {
                let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
                let name = rest.split('(').next().unwrap();
                assert!(list.contains(&format!("            {name},\n")), "{name} is not in contract_tests!");
            }
        }
    }
}
