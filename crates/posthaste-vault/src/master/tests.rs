use std::fs;

use rstest::rstest;

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1efb";

fn message(result: Result<MasterKey, VaultError>) -> String {
    result.unwrap_err().to_string()
}

#[rstest]
#[case::hex(HEX)]
#[case::upper_case(&HEX.to_uppercase())]
#[case::blanks(&format!("  {HEX}\r\n"))]
#[case::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs=")]
#[case::without_padding("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs")]
fn both_forms_are_read(#[case] text: &str) {
    assert_eq!(MasterKey::parse(text).unwrap().to_hex().expose(), HEX);
}

#[test]
fn both_alphabets_are_read() {
    let standard = MasterKey::parse(&format!("{}+/w=", "+".repeat(40))).unwrap();
    let url_safe = MasterKey::parse(&format!("{}-_w=", "-".repeat(40))).unwrap();
    assert_eq!(standard.to_hex().expose(), url_safe.to_hex().expose());
}

#[rstest]
#[case("")]
#[case("correct horse battery staple")]
#[case(&HEX[..62])]
#[case(&HEX.replace('f', "g"))]
#[case("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==")]
fn other_text_is_refused_and_not_repeated(#[case] text: &str) {
    let message = message(MasterKey::parse(text));
    assert!(message.contains("64 hexadecimal digits"), "{message}");
    assert!(text.is_empty() || !message.contains(text), "{message}");
}

#[test]
fn a_created_key_is_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let created = MasterKey::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(MasterKey::load(&path).unwrap().to_hex().expose(), created.to_hex().expose());
}

#[test]
fn an_existing_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    fs::write(&path, "precious").unwrap();
    assert!(message(MasterKey::create(&path)).ends_with("cannot be made"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[rstest]
#[case(0o644)]
#[case(0o640)]
#[case(0o620)]
#[case(0o601)]
fn a_key_that_others_may_use_is_refused_with_the_remedy(#[case] mode: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    fs::write(&path, HEX).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let refusal = message(MasterKey::load(&path));
    assert!(refusal.contains(&format!("chmod 600 {}", path.display())), "{refusal}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(MasterKey::load(&path).is_ok());
}

#[test]
fn a_file_without_a_key_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    fs::write(&path, "canary").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refusal = message(MasterKey::load(&path));
    assert!(refusal.contains("master.key holds no master key") && !refusal.contains("canary"), "{refusal}");
}

#[test]
fn fingerprints_tell_keys_apart() {
    let (a, b) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    assert_eq!(a.fingerprint().len(), 8);
    assert_ne!(a.fingerprint(), b.fingerprint());
    assert!(!a.to_hex().expose().contains(&a.fingerprint()));
}
