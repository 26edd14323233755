//! One pass over a request: whether it is JSON, how deep it nests, and where its members stand.

mod block;

use std::borrow::Cow;

use self::block::{BLOCK, Block, Escapes, short_length};

/// Reads a JSON text without building anything of it.
///
/// It takes what `serde_json` takes when it skips a value, in one pass instead of one for the nesting, one for the syntax and
/// one for each string that is looked for: bodies of agents have hundreds of kilobytes, and this is most of what is done with
/// them.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    most_levels: usize,
    sealed: bool,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not JSON; where and why, others have to say.
    NotJson,
    /// Arrays and objects nest too deep.
    TooDeep,
}

impl<'a> Scan<'a> {
    /// A scan that takes nesting up to `most_levels`, which are 128 at most.
    pub(super) fn new(text: &'a str, most_levels: usize) -> Self {
        Self { text, at: 0, most_levels: most_levels.min(u128::BITS as usize), sealed: false }
    }

    /// Hands out the members of the object that the text is, each with the text of its value.
    pub(super) fn members(&mut self, mut member: impl FnMut(&str, &'a str)) -> Result<(), Stop> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            loop {
                let name = self.name()?;
                self.take(b':')?;
                self.peek()?;
                let start = self.at;
                self.value()?;
                member(&name, &self.text[start..self.at]);
                if self.goes_on(b'}')? {
                    continue;
                }
                break;
            }
        }
        if self.peek().is_ok() { Err(Stop::NotJson) } else { Ok(()) }
    }

    /// Whether one of the strings that were read was a name of what only its maker can read.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// One value within the outermost object.
    fn value(&mut self) -> Result<(), Stop> {
        // From the lowest bit up, the levels that are open; a set bit is an object.
        let (mut objects, mut levels) = (0_u128, 1);
        loop {
            match self.next()? {
                b'"' => self.string().map(drop)?,
                open @ (b'{' | b'[') => {
                    if levels == self.most_levels {
                        return Err(Stop::TooDeep);
                    }
                    // In ASCII a bracket's end is two behind its beginning.
                    if self.peek()? == open + 2 {
                        self.at += 1;
                    } else {
                        levels += 1;
                        objects = objects << 1 | u128::from(open == b'{');
                        if open == b'{' {
                            self.member()?;
                        }
                        continue;
                    }
                }
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                _ => return Err(Stop::NotJson),
            }
            // A value has ended, and perhaps what it is in.
            loop {
                if levels == 1 {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                if self.goes_on(if in_object { b'}' } else { b']' })? {
                    if in_object {
                        self.member()?;
                    }
                    break;
                }
                levels -= 1;
                objects >>= 1;
            }
        }
    }

    /// Whether another element follows, or else `close`.
    fn goes_on(&mut self, close: u8) -> Result<bool, Stop> {
        match self.next()? {
            b',' => Ok(true),
            byte if byte == close => Ok(false),
            _ => Err(Stop::NotJson),
        }
    }

    /// A member's name that nobody wants, and its colon.
    fn member(&mut self) -> Result<(), Stop> {
        self.take(b'"')?;
        self.string()?;
        self.take(b':')
    }

    /// A member's name.
    fn name(&mut self) -> Result<Cow<'a, str>, Stop> {
        self.take(b'"')?;
        let start = self.at;
        if !self.string()? {
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        // Half a surrogate pair is no name.
        serde_json::from_str(&self.text[start - 1..self.at]).map(Cow::Owned).map_err(|_| Stop::NotJson)
    }

    /// The rest of a string; tells whether there are escapes in it.
    fn string(&mut self) -> Result<bool, Stop> {
        let start = self.at;
        let has_escapes = match short_length(&self.text.as_bytes()[start..]) {
            Some(length) => {
                self.at += length + 1;
                false
            }
            None => self.long_string()?,
        };
        self.sealed |= !has_escapes && is_seal(&self.text.as_bytes()[start..self.at - 1]);
        Ok(has_escapes)
    }

    /// A block at a time: where quotes and backslashes stand in a text of code, no processor guesses.
    fn long_string(&mut self) -> Result<bool, Stop> {
        let mut has_escapes = false;
        let mut escapes = Escapes::default();
        loop {
            let block = Block::of(&self.text.as_bytes()[self.at..]);
            let (quotes, backslashes) = (block.quotes(), block.backslashes());
            let escaped = escapes.pass(backslashes);
            let ends = quotes & !escaped;
            // All of the block when the string does not end in it.
            let within = (ends & ends.wrapping_neg()).wrapping_sub(1);
            if block.controls() & within != 0 {
                return Err(Stop::NotJson);
            }
            has_escapes |= backslashes & within != 0;
            let escaped = escaped & within & !(quotes | backslashes);
            if escaped != 0 {
                self.escaped(escaped & !block.common_escapes())?;
            }
            if ends != 0 {
                self.at += ends.trailing_zeros() as usize + 1;
                return Ok(has_escapes);
            }
            self.at += BLOCK;
        }
    }

    /// Looks at what follows a backslash, a bit for each from here on. Whether it stands for a character, who reads the
    /// string has to say.
    fn escaped(&self, mut escaped: u64) -> Result<(), Stop> {
        while escaped != 0 {
            let at = self.at + escaped.trailing_zeros() as usize;
            escaped &= escaped - 1;
            match self.text.as_bytes()[at] {
                b'n' | b't' | b'/' | b'b' | b'f' | b'r' => {}
                b'u' => {
                    let digits = self.text.as_bytes().get(at + 1..at + 5).ok_or(Stop::NotJson)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Stop::NotJson);
                    }
                }
                _ => return Err(Stop::NotJson),
            }
        }
        Ok(())
    }

    /// The rest of a number, of any size.
    fn number(&mut self, first: u8) -> Result<(), Stop> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            // No other digit follows it.
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return Err(Stop::NotJson),
        }
        if self.has(b".") && self.digits() == 0 {
            return Err(Stop::NotJson);
        }
        if self.has(b"eE") {
            self.has(b"+-");
            if self.digits() == 0 {
                return Err(Stop::NotJson);
            }
        }
        Ok(())
    }

    /// Passes digits over; tells how many.
    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Passes the next byte over if it is one of these.
    fn has(&mut self, bytes: &[u8]) -> bool {
        let has = self.text.as_bytes().get(self.at).is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(has);
        has
    }

    /// The rest of a word.
    fn word(&mut self, rest: &[u8]) -> Result<(), Stop> {
        if !self.text.as_bytes()[self.at..].starts_with(rest) {
            return Err(Stop::NotJson);
        }
        self.at += rest.len();
        Ok(())
    }

    fn take(&mut self, wanted: u8) -> Result<(), Stop> {
        if self.next()? == wanted { Ok(()) } else { Err(Stop::NotJson) }
    }

    /// Takes the next byte that is no white space.
    fn next(&mut self) -> Result<u8, Stop> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    /// Comes to the next byte that is no white space.
    fn peek(&mut self) -> Result<u8, Stop> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Ok(*byte),
            }
        }
        Err(Stop::NotJson)
    }

    /// Takes the next byte, whatever it is.
    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.text.as_bytes().get(self.at).ok_or(Stop::NotJson)?;
        self.at += 1;
        Ok(*byte)
    }
}

/// The names of what only its maker can read: Anthropic's and Converse's, OpenAI's, Gemini's.
fn is_seal(string: &[u8]) -> bool {
    matches!(string, b"signature" | b"encrypted_content" | b"thoughtSignature" | b"redacted_thinking")
}

#[cfg(test)]
mod tests;
