//! The help, the shells' completions, and the sample that the documents import.

use std::{fs, process::Stdio};

use crate::{
    place::{Done, Place},
    running::local,
};

fn told(arguments: &[&str]) -> String {
    let done = Done::from(local(arguments).output().unwrap());
    assert_eq!((done.code, done.remarks.as_str()), (0, ""));
    done.output
}

#[test]
fn options_stand_under_what_they_are_about_and_examples_at_the_end() {
    let help = told(&["--help"]);
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}: {help}"));
    assert!(at("\nCommands:\n") < at("\nServer:\n"));
    assert!((at("\nServer:\n")..at("\nDatabase:\n")).contains(&at("--allow-host")));
    assert!(at("\nDatabase:\n") < at("--data <FILE>") && at("--data <FILE>") < at("\nExamples:\n"));
    for command in [&["keys"][..], &["customers"], &["catalogue"], &["import"]] {
        let help = told(&[command, &["--help"]].concat());
        let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{help}"));
        assert!(help.contains("\nDatabase:\n"), "{help}");
        assert!(examples.contains(&format!("customers-categories {}", command[0])), "{help}");
    }
}

/// What the examples are given is written as the program takes it.
#[test]
fn examples_are_commands_that_there_are() {
    let place = Place::new();
    place.make("customers-categories.db");
    fs::create_dir(place.path("events")).unwrap();
    place.write("events/categories.jsonl", include_str!("../../events/categories.jsonl"));
    let mut tried = 0;
    for command in ["keys", "customers", "catalogue", "import"] {
        for line in told(&[command, "--help"]).lines() {
            let Some(example) = line.strip_prefix("  customers-categories ") else { continue };
            let words: Vec<_> = example.split_whitespace().take_while(|word| *word != "<").collect();
            let done = place.command(&words).stdin(Stdio::null()).output().unwrap();
            // Some have nothing to work on here; none is a mistake in the command line.
            assert_ne!(done.status.code(), Some(2), "{example}: {done:?}");
            tried += 1;
        }
    }
    assert!(tried >= 9, "only {tried} examples");
}

#[test]
fn shells_are_told_how_to_complete_commands_and_options() {
    for (shell, mark) in [
        ("bash", "complete -F _customers__categories"),
        ("zsh", "#compdef customers-categories"),
        ("fish", "complete -c customers-categories"),
    ] {
        let script = told(&["completions", shell]);
        assert!(script.contains(mark), "{script}");
        for word in ["import", "dynamodb-port", "expires-in"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(local(&["completions", "cmd"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn the_sample_is_imported_whole() {
    let place = Place::new();
    let sample = include_str!("../../events/categories.jsonl");
    let done = place.import(sample);
    let imported = format!("{} imported, 0 there already, 0 rejected\n", sample.lines().count());
    assert_eq!((done.code, done.output), (0, imported), "{}", done.remarks);
}
