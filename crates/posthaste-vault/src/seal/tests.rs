use uuid::Uuid;

use super::*;

const PLACE: Place<'_> = Place { kind: "account", id: Uuid::nil(), field: "credential" };

fn open(key: &SealingKey, place: &Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, Damage> {
    key.open(place, &SealedBytes::parse(sealed)?).map(|plain| plain.to_vec())
}

#[test]
fn what_was_sealed_opens_in_its_place() {
    let key = SealingKey::new(7, &[1; 32]);
    for plain in [&b""[..], b"sk-ant-dummy", &[0; 10_000]] {
        let sealed = key.seal(&PLACE, plain).unwrap();
        assert_eq!(open(&key, &PLACE, &sealed).unwrap(), plain);
    }
}

#[test]
fn no_two_sealings_are_alike() {
    let key = SealingKey::new(7, &[1; 32]);
    assert_ne!(key.seal(&PLACE, b"dummy").unwrap(), key.seal(&PLACE, b"dummy").unwrap());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let key = SealingKey::new(7, &[1; 32]);
    let sealed = key.seal(&PLACE, b"sk-ant-dummy").unwrap();
    let bytes = STANDARD_NO_PAD.decode(sealed.as_text()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = Sealed::from_text(STANDARD_NO_PAD.encode(changed));
        assert!(open(&key, &PLACE, &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_of_the_text_is_noticed() {
    let key = SealingKey::new(7, &[1; 32]);
    // 47 bytes: the last character of the text carries bits that stand for nothing.
    let sealed = key.seal(&PLACE, b"sk-ant-dummy-1").unwrap();
    assert_ne!(sealed.as_text().len() % 4, 0);
    for bit in 0..sealed.as_text().len() * 8 {
        let mut changed = sealed.as_text().as_bytes().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(open(&key, &PLACE, &Sealed::from_text(changed)).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_is_noticed() {
    let key = SealingKey::new(7, &[1; 32]);
    let sealed = key.seal(&PLACE, b"sk-ant-dummy").unwrap();
    for length in 0..sealed.as_text().len() {
        let cut = Sealed::from_text(&sealed.as_text()[..length]);
        assert!(open(&key, &PLACE, &cut).is_err(), "{length}");
    }
}

#[test]
fn another_place_is_noticed() {
    let key = SealingKey::new(7, &[1; 32]);
    let sealed = key.seal(&PLACE, b"sk-ant-dummy").unwrap();
    let elsewhere = [
        Place { kind: "proxy", ..PLACE },
        Place { id: Uuid::max(), ..PLACE },
        Place { field: "refresh_token", ..PLACE },
    ];
    for place in elsewhere {
        assert_eq!(open(&key, &place, &sealed), Err(Damage::NotAuthentic), "{place}");
    }
}

#[test]
fn another_key_is_noticed() {
    let sealed = SealingKey::new(7, &[1; 32]).seal(&PLACE, b"sk-ant-dummy").unwrap();
    assert_eq!(open(&SealingKey::new(7, &[2; 32]), &PLACE, &sealed), Err(Damage::NotAuthentic));
    assert_eq!(open(&SealingKey::new(8, &[1; 32]), &PLACE, &sealed), Err(Damage::UnknownKey));
}

#[test]
fn a_newer_layout_is_told_from_damage() {
    let mut bytes = vec![2];
    bytes.extend_from_slice(&[0; 60]);
    let sealed = Sealed::from_text(STANDARD_NO_PAD.encode(bytes));
    assert_eq!(SealedBytes::parse(&sealed).err(), Some(Damage::UnknownVersion));
}

/// A sealing made by hand with another implementation of AES-GCM (Python's `cryptography`), so that the layout cannot
/// drift unseen.
#[test]
fn the_layout_is_the_documented_one() {
    let key = SealingKey::new(1, &[0x11; 32]);
    let sealed = Sealed::from_text(KNOWN);
    assert_eq!(open(&key, &PLACE, &sealed).unwrap(), b"sk-ant-dummy");
}

const KNOWN: &str = "AQAAAAEAAQIDBAUGBwgJCgtgiJtyFdcYkGHVvuZH8ly2s4l+PZ86PQCe1UMS";
