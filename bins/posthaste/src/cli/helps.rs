//! What `--help` says of every command, as snapshots: one for each noun, with all that is below it.
//!
//! A new command, and every change of a word, shows in a snapshot; `cargo insta review` accepts it.

use clap::{Command, CommandFactory};

use super::Line;

/// Help as it is at a terminal of a hundred columns, whatever the machine's has. What all commands take stands in the first
/// snapshot alone.
fn told(command: &Command, path: &str, into: &mut String) {
    let own = command.clone().mut_args(|argument| {
        let is_global = argument.is_global_set();
        argument.hide(is_global)
    });
    let help = own.term_width(100).bin_name(path).render_long_help();
    into.push_str(&format!("$ {path} --help\n{}\n", help.to_string().trim_end()));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        into.push('\n');
        told(inner, &format!("{path} {}", inner.get_name()), into);
    }
}

#[test]
fn every_command_tells_what_it_does() {
    let mut line = Line::command();
    line.build();
    let head = line.clone().term_width(100).bin_name("posthaste").render_long_help();
    insta::assert_snapshot!("posthaste", head.to_string().trim_end());
    let mut nouns = 0;
    for noun in line.get_subcommands().filter(|noun| noun.get_name() != "help") {
        let mut text = String::new();
        told(noun, &format!("posthaste {}", noun.get_name()), &mut text);
        insta::assert_snapshot!(noun.get_name(), text);
        nouns += 1;
    }
    assert!(nouns > 20, "the walk found {nouns}");
}

/// Nobody has to guess what a command or a flag is for.
#[test]
fn every_command_and_every_flag_has_a_word_of_help() {
    fn look(command: &Command, path: &str, silent: &mut Vec<String>) {
        if command.get_about().is_none() {
            silent.push(path.to_owned());
        }
        let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
        let without =
            shown.filter(|argument| argument.get_help().is_none() && argument.get_long_help().is_none());
        silent.extend(without.map(|argument| format!("{path} {}", argument.get_id())));
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            look(inner, &format!("{path} {}", inner.get_name()), silent);
        }
    }
    let mut line = Line::command();
    line.build();
    let mut silent = Vec::new();
    look(&line, "posthaste", &mut silent);
    assert_eq!(silent, Vec::<String>::new());
}
