//! Pages for people, with nothing to load and nothing that runs.

use super::params::Params;

/// Asks for consent; the parameters travel with the answer.
pub(super) fn consent(client: &str, params: &Params) -> String {
    let scope = params.get("scope").unwrap_or("the default");
    let kept: String = params.iter().filter(|(name, _)| !ANSWERS.contains(name)).map(hidden).collect();
    let text = format!(
        "<p>The client <b>{}</b> asks for: <b>{}</b>.</p>{}",
        escaped(client),
        escaped(scope),
        form(&kept, params.get("login_hint"))
    );
    page("Log in at the sandbox", &text)
}

/// Asks for the code that a device shows.
pub(super) fn activate(user_code: Option<&str>, trouble: Option<&str>) -> String {
    let trouble = trouble.map(|trouble| format!("<p><b>{}</b></p>", escaped(trouble))).unwrap_or_default();
    let field = format!(
        "<p><label>Code <input name=\"user_code\" value=\"{}\" autocomplete=\"off\"></label></p>",
        escaped(user_code.unwrap_or_default())
    );
    page("Log a device in at the sandbox", &[trouble, form(&field, None)].concat())
}

/// Shows a code for pasting, or why there is none.
pub(super) fn code(params: &Params) -> String {
    let Some(code) = params.get("code") else {
        let why = params.get("error_description").or(params.get("error")).unwrap_or("there is no code");
        return error(why);
    };
    let state = params.get("state").map(|state| ["#", state].concat()).unwrap_or_default();
    page(
        "Your code",
        &format!("<p>Paste this where you began:</p><pre>{}{}</pre>", escaped(code), escaped(&state)),
    )
}

pub(super) fn done(approved: bool) -> String {
    let text = if approved { "The device is logged in." } else { "The device was refused." };
    page("Done", &format!("<p>{text} You may close this page.</p>"))
}

pub(super) fn error(why: &str) -> String {
    page("This does not work", &format!("<p>{}</p>", escaped(why)))
}

fn form(fields: &str, login_hint: Option<&str>) -> String {
    format!(
        "<form method=\"post\">{fields}<p><label>Who are you? <input name=\"login_hint\" value=\"{}\"></label></p>\
         <p><button name=\"approve\" value=\"1\">Allow</button> <button name=\"approve\" value=\"0\">Refuse</button></p></form>",
        escaped(login_hint.unwrap_or(super::authorize::SOMEONE))
    )
}

fn hidden((name, value): (&str, &str)) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
}

fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:1rem sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{text}<p>This is the imitation vendor of Posthaste. Nothing here belongs to anybody.</p></html>"
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Fields of the form itself.
const ANSWERS: [&str; 2] = ["approve", "login_hint"];
