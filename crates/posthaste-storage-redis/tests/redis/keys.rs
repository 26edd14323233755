//! The keys that the contract leaves behind and the commands that it sends, against `docs/STORAGE.md` and the rules of a
//! cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread::JoinHandle,
};

use crate::support::{Server, fresh};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_as_documented_and_each_script_s_share_a_slot() {
    let mut server = Server::start();
    let url = format!("redis://127.0.0.1:{}", server.port());
    let watcher = watch(server.port());
    posthaste_storage::contract_promises!(contract_each!(fresh(url.clone())));
    check_table(&server);
    server.kill();
    check_commands(&watcher.join().unwrap());
}

/// Every key has a row, of its type, with a time to live or an owner as told; and every row is met.
fn check_table(server: &Server) {
    let table = table();
    let mut met = BTreeSet::new();
    let names = server.command("KEYS *");
    for name in names.lines().filter(|line| line.starts_with("test")) {
        let (_, key) = name.split_once(':').unwrap();
        let row = table.iter().position(|row| row.patterns.iter().any(|pattern| matches(pattern, key)));
        let row = row.unwrap_or_else(|| panic!("{key} is not in docs/STORAGE.md"));
        met.insert(row);
        let row = &table[row];
        let kind = server.command(&format!("TYPE {name}"));
        assert_eq!(kind.lines().next().unwrap().trim_start_matches('+'), row.kind, "{key}");
        let left = server.command(&format!("PTTL {name}"));
        let left: i64 = left.lines().next().unwrap().trim_start_matches(':').parse().unwrap();
        match row.ends.as_str() {
            ends if ends.starts_with("TTL") => assert!(left > 0, "{key} has no time to live"),
            ends if ends.starts_with("owner") => assert_eq!(left, -1, "{key} has a time to live"),
            ends => panic!("{key}: `{ends}` is neither a TTL nor an owner"),
        }
    }
    let missed: Vec<_> =
        (0..table.len()).filter(|row| !met.contains(row)).map(|row| &table[row].patterns).collect();
    assert!(missed.is_empty(), "no key was met for {missed:?}");
}

/// No command spans slots, none looks at all keys, and no tag is shared by what is counted for several owners.
fn check_commands(lines: &[String]) {
    let mut shared = BTreeSet::new();
    let mut slots: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for line in lines {
        let Some((head, rest)) = line.split_once("] ") else { continue };
        // What a script sends is told too, and touches the keys that the script was given.
        if head.ends_with("lua") {
            continue;
        }
        let words = words(rest);
        let name = words[0].to_ascii_lowercase();
        assert!(
            !["keys", "scan", "flushall", "flushdb"].contains(&name.as_str())
                || words.get(1).is_some_and(|word| word == "*"),
            "{line}"
        );
        let keys: Vec<&String> = match name.as_str() {
            "evalsha" | "eval" => words[3..].iter().take(words[2].parse().unwrap()).collect(),
            "del" | "mget" | "exists" | "unlink" | "touch" => words[1..].iter().collect(),
            _ => words.get(1).into_iter().filter(|word| word.starts_with("test")).collect(),
        };
        let own: BTreeSet<u16> = keys.iter().map(|key| slot(key)).collect();
        assert!(own.len() <= 1, "several slots in {line}");
        for key in keys.into_iter().filter(|key| key.starts_with("test")) {
            let tag = tag(key);
            assert_ne!(tag, key, "no tag in {key}");
            if !tag.contains(':') {
                shared.insert(tag.to_owned());
            } else if let Some(own) = own.first() {
                slots.entry(key.rsplit(':').next().unwrap_or_default().to_owned()).or_default().insert(*own);
            }
        }
    }
    assert_eq!(shared, ["config", "fleet", "ledger", "requests"].map(str::to_owned).into());
    for part in ["leases", "books", "order"] {
        assert!(slots[part].len() > 20, "`{part}` of all owners lies in {} slots", slots[part].len());
    }
}

struct Row {
    patterns: Vec<String>,
    kind: String,
    ends: String,
}

/// The table of keys: the one whose first column is called `key`.
fn table() -> Vec<Row> {
    let text = include_str!("../../../../docs/STORAGE.md");
    let lines = text.lines().skip_while(|line| !line.starts_with("| key |")).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let patterns = cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Row { patterns, kind: cells[2].to_owned(), ends: cells[4].to_owned() }
    });
    rows.collect()
}

/// Whether a key has a pattern's form. `<start>` stands for a number, another `<…>` for any text.
fn matches(pattern: &str, key: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('<') else { return pattern == key };
    let Some(key) = key.strip_prefix(before) else { return false };
    let (name, rest) = rest.split_once('>').unwrap();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let ends = key.char_indices().map(|(at, first)| at + first.len_utf8());
    ends.into_iter().any(|at| (name != "start" || digits(&key[..at])) && matches(rest, &key[at..]))
}

/// The words of a line of MONITOR: each one in quotation marks, with backslashes before what is special.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut escaped) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match (&mut word, c) {
            (None, '"') => word = Some(String::new()),
            (None, _) => {}
            (Some(text), _) if escaped => {
                text.push(c);
                escaped = false;
            }
            (Some(_), '\\') => escaped = true,
            (Some(_), '"') => words.extend(word.take()),
            (Some(text), _) => text.push(c),
        }
    }
    words
}

/// What decides on a key's slot: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>.
fn tag(key: &str) -> &str {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(tag, _)| tag);
    if tag.is_empty() { key } else { tag }
}

fn slot(key: &str) -> u16 {
    let mut crc = 0_u16;
    for byte in tag(key).bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc % 16_384
}

/// Notes every command that the server is sent, until it ends.
fn watch(port: u16) -> JoinHandle<Vec<String>> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"MONITOR\r\n").unwrap();
    let mut reader = BufReader::new(connection);
    let mut ok = String::new();
    reader.read_line(&mut ok).unwrap();
    assert_eq!(ok, "+OK\r\n");
    std::thread::spawn(move || reader.lines().map_while(Result::ok).collect())
}

#[test]
fn slots_are_a_cluster_s_own() {
    for (key, expected) in [("foo", 12_182), ("bar", 5_061), ("x:{foo}:y", 12_182), ("123456789", 12_739)] {
        assert_eq!(slot(key), expected, "{key}");
    }
}

#[test]
fn patterns_tell_a_span_from_a_total() {
    assert!(matches("{<half>:<id>}:count:<unit>:<name>:<start>", "{caller:7}:count:cost:day:1790000000"));
    assert!(!matches("{<half>:<id>}:count:<unit>:<name>:<start>", "{caller:7}:count:cost:day"));
    assert!(!matches("{config}:revision", "{config}:changes"));
}
