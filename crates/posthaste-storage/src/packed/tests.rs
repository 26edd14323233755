//! Records come back as they were, and what is none is told so.

use std::fmt::Debug;

use posthaste_core::{
    AttemptOutcome, AttemptPhase, AttemptRow, Barrier, ClientKeyId, CooldownReason, CostBasis, Dialect,
    FaultKind, Geography, LimitUnit, LossList, Operation, Origin, Packing, ProviderKind, RequestRecord,
    Sealed, ServiceTier, StopEnd, Strategy, UsageSource, UserId,
};

use super::{
    bytes::{Input, Packed},
    *,
};
use crate::contract::{
    requests::{full_record, record_of_now},
    row,
};

/// The members of an enum with their numbers.
pub(super) trait Members: Sized + 'static {
    const MEMBERS: &'static [(Self, u8)];
}

fn packed<T: Packed>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.pack(&mut out);
    out
}

fn round<T: Packed>(value: &T) -> Result<T, UnpackError> {
    T::unpack(&mut Input(&packed(value)))
}

#[test]
fn numbers_come_back_whatever_their_size() {
    for shift in 0..64 {
        for number in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
            assert_eq!(round(&number).unwrap(), number);
            for number in [number.cast_signed(), number.cast_signed().wrapping_neg()] {
                assert_eq!(round(&number).unwrap(), number);
            }
        }
    }
    assert_eq!((packed(&300_u64), packed(&-1_i64), packed(&u64::MAX).len()), (vec![0xac, 2], vec![1], 10));
}

#[test]
fn numbers_that_are_too_large_are_refused() {
    for bytes in [&[0xff; 10][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
        assert!(matches!(u64::unpack(&mut Input(bytes)), Err(UnpackError::Unreadable(_))), "{bytes:x?}");
    }
    assert!(u16::unpack(&mut Input(&packed(&0x1_0000_u64))).is_err());
    assert_eq!(u16::unpack(&mut Input(&packed(&0xffff_u64))).unwrap(), 0xffff);
}

#[test]
fn records_come_back_as_they_were() {
    for record in [record_of_now(), full_record(ClientKeyId::generate())] {
        assert_eq!(unpack_request(&pack_request(&record)).unwrap(), record);
    }
}

#[test]
fn so_do_their_bodies() {
    for bodies in [None, Some(Sealed::from_text("c2VhbGVk"))] {
        let kept = KeptRequest { record: full_record(ClientKeyId::generate()), bodies };
        assert_eq!(unpack_kept_request(&pack_kept_request(&kept)).unwrap(), kept);
        let bodies = kept.bodies.as_ref().map(Sealed::as_text);
        let json = serde_json::json!({ "record": kept.record, "bodies": bodies }).to_string();
        assert_eq!(unpack_kept_request(json.as_bytes()).unwrap(), kept, "as it was kept before");
    }
}

#[test]
fn records_of_earlier_releases_are_read() {
    for record in [record_of_now(), full_record(ClientKeyId::generate())] {
        let json = serde_json::to_vec(&record).unwrap();
        assert_eq!(unpack_request(&json).unwrap(), record);
    }
    assert!(matches!(unpack_request(br#"{"id":7}"#), Err(UnpackError::Json(_))));
}

/// What is kept in stores stays readable only as long as these bytes mean this record.
#[test]
fn the_form_is_what_it_was() {
    let written: Vec<_> = include_str!("form1.hex").split_whitespace().collect();
    let record: RequestRecord = serde_json::from_str(include_str!("form1.json")).unwrap();
    let bytes = pack_request(&record);
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(hex == written, "{}", hex.join(" "));
    assert_eq!(unpack_request(&bytes).unwrap(), record);
}

#[test]
fn a_record_that_is_cut_off_is_none() {
    let bytes = pack_request(&full_record(ClientKeyId::generate()));
    for end in 0..bytes.len() {
        assert!(matches!(unpack_request(&bytes[..end]), Err(UnpackError::Cut)), "{end}");
    }
    let more = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(unpack_request(&more), Err(UnpackError::TooMuch(1))));
    let newer = [&[FORM + 1][..], &bytes[1..]].concat();
    assert!(matches!(unpack_request(&newer), Err(UnpackError::UnknownForm(_))));
}

#[test]
fn rows_come_back_as_they_were() {
    let plain = row();
    assert_eq!(unpack_row(&pack_row(&plain), under(&plain)).unwrap(), plain);
    let losses = LossList::of([("metadata.user_id", "dropped"), ("ü🦀", "carried as text")]);
    let mut full = AttemptRow {
        owner: Some(UserId::generate()),
        status: None,
        first_content_us: None,
        request_losses: losses.clone(),
        answer_losses: losses,
        ..plain
    };
    full.usage.output_image = u64::MAX;
    full.usage.terms.fast = true;
    let outcomes = [
        AttemptOutcome::Complete,
        AttemptOutcome::ClientFault,
        AttemptOutcome::Cut,
        AttemptOutcome::Cancelled,
    ];
    for outcome in outcomes.into_iter().chain(FaultKind::ALL.map(AttemptOutcome::Failed)) {
        full.outcome = outcome;
        assert_eq!(unpack_row(&pack_row(&full), under(&full)).unwrap(), full);
    }
    let bytes = pack_row(&full);
    for end in 0..bytes.len() {
        assert!(matches!(unpack_row(&bytes[..end], under(&full)), Err(UnpackError::Cut)), "{end}");
    }
    let more = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(unpack_row(&more, under(&full)), Err(UnpackError::TooMuch(1))));
    let newer = [&[ROW_FORM + 1][..], &bytes[1..]].concat();
    assert!(matches!(unpack_row(&newer, under(&full)), Err(UnpackError::UnknownForm(_))));
}

/// What a row is kept under.
fn under(row: &AttemptRow) -> (RequestId, u16, ClientKeyId) {
    (row.request_id, row.attempt, row.key_id)
}

#[test]
fn groups_come_back_in_their_span() {
    let row = row();
    let mut rollups = crate::Rollups::default();
    rollups.add(&AttemptRow { owner: Some(UserId::generate()), ..row.clone() });
    rollups.add(&row);
    assert_eq!(rollups.iter().count(), 6);
    for (key, _) in rollups.iter() {
        let (bytes, span) = (pack_group(key), (key.period, key.start, key.key_id));
        assert_eq!(unpack_group(&bytes, span).unwrap(), *key);
        assert!(matches!(unpack_group(&bytes[..bytes.len() - 1], span), Err(UnpackError::Cut)));
        assert!(matches!(unpack_group(&[&bytes[..], b"x"].concat(), span), Err(UnpackError::TooMuch(1))));
    }
}

/// What is kept in stores stays readable only as long as these bytes mean this row.
#[test]
fn the_form_of_rows_is_what_it_was() {
    let written: Vec<_> = include_str!("row1.hex").split_whitespace().collect();
    let row: AttemptRow = serde_json::from_str(include_str!("row1.json")).unwrap();
    let bytes = pack_row(&row);
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(hex == written, "{}", hex.join(" "));
    assert_eq!(unpack_row(&bytes, under(&row)).unwrap(), row);
}

/// Nothing of what could lie in a damaged store makes the reader panic or ask for much memory.
#[test]
fn a_damaged_record_is_read_as_another_or_told() {
    let bytes = pack_request(&full_record(ClientKeyId::generate()));
    let mut told = 0;
    for place in 1..bytes.len() {
        for damage in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] = damage;
            told += usize::from(unpack_request(&damaged).is_err());
        }
    }
    assert!(told > 500, "{told}");
}

/// Members come back, each under a number of its own; those that the enum itself lists are all there.
fn members_come_back<T: Members + Packed + PartialEq + Debug>(all: &[T]) {
    for (member, number) in T::MEMBERS {
        assert_eq!(packed(member), [*number]);
        assert_eq!(round(member).unwrap(), *member);
    }
    for member in all {
        assert!(T::MEMBERS.iter().any(|(known, _)| known == member), "{member:?}");
    }
    assert!(T::unpack(&mut Input(&[0xee])).is_err());
}

#[test]
fn members_of_enums_come_back() {
    members_come_back(&Dialect::ALL);
    members_come_back(&Operation::ALL);
    members_come_back(&Strategy::ALL);
    members_come_back(&FaultKind::ALL);
    members_come_back(&ProviderKind::ALL);
    members_come_back(&AttemptPhase::ALL);
    members_come_back(&UsageSource::ALL);
    members_come_back(&CostBasis::ALL);
    members_come_back(&ServiceTier::ALL);
    members_come_back(&Geography::ALL);
    members_come_back::<Packing>(&[]);
    members_come_back::<LimitUnit>(&[]);
    members_come_back::<Barrier>(&[]);
    members_come_back::<CooldownReason>(&[]);
    members_come_back::<StopEnd>(&[]);
    members_come_back::<Origin>(&[]);
}
