//! Texts made inert for the formats of the services: what comes from elsewhere is shown and does nothing.

/// For the markdown of WeCom and DingTalk, which have no way to escape: what would begin a tag, a mention, a link, code or
/// emphasis becomes its full-width twin.
pub(crate) fn twins(text: &str) -> String {
    let twin = |(at, character): (usize, char)| match character {
        '<' => '＜',
        '>' => '＞',
        '[' => '［',
        ']' => '］',
        '*' => '＊',
        '`' => '｀',
        '~' => '～',
        '\\' => '＼',
        '#' if at == 0 => '＃',
        other => other,
    };
    text.char_indices().map(twin).collect()
}

/// For HTML, also between quotes; Telegram's and Slack's texts take the same entities for `<`, `>` and `&`.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// For Slack: `&`, `<` and `>` only (<https://docs.slack.dev/messaging/formatting-message-text>).
pub(crate) fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// For Discord's markdown: a backslash before whatever means something.
pub(crate) fn discord(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | '@' | '-'
        ) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Where `@name` would call somebody: a space of no width between the two.
pub(crate) fn without_mentions(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

/// Counts as Telegram, Discord and Slack do.
pub(crate) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Cuts a text to so many characters.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Escapes the beginning of a text of which the escaped form is no longer than so many UTF-16 units.
pub(crate) fn clip_escaped(text: &str, most: usize, escape: impl Fn(&str) -> String) -> String {
    let lengths = (0..=text.chars().count().min(most)).rev();
    lengths.map(|length| escape(&clip(text, length))).find(|text| utf16(text) <= most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "#<at id=all>[a](http://x) *b* `c` @everyone <@1> & \"q\" a_b";

    #[test]
    fn nothing_of_it_means_anything_any_more() {
        assert_eq!(twins(EVIL), "＃＜at id=all＞［a］(http://x) ＊b＊ ｀c｀ @everyone ＜@1＞ & \"q\" a_b");
        assert_eq!(
            html(EVIL),
            "#&lt;at id=all&gt;[a](http://x) *b* `c` @everyone &lt;@1&gt; &amp; &quot;q&quot; a_b"
        );
        assert_eq!(slack("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(discord("**@everyone** a_b"), "\\*\\*\\@everyone\\*\\* a\\_b");
        assert_eq!(without_mentions("@me"), "@\u{200b}me");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(utf16("a🦀"), 3);
        assert_eq!(clip_escaped("a&b", 7, slack), "a&amp;b");
        assert_eq!(clip_escaped("a&b", 6, slack), "a…");
        assert_eq!(clip_escaped("🦀🦀", 3, slack), "…");
    }
}
