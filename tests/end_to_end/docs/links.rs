//! Links in the documents lead somewhere, and the documents keep to their size.

use std::{collections::BTreeSet, path::Path, process::Command};

use crate::support::documentation::{read, root};

/// Where a newcomer starts; more belongs into a document of its own.
const MAX_README_LINES: usize = 200;

/// The documents under version control.
fn documents() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let documents: Vec<_> = listed.lines().map(ToOwned::to_owned).collect();
    assert!(documents.len() >= 12, "{documents:?}");
    documents
}

/// The text without fenced blocks and code spans, which have no links.
fn prose(text: &str) -> String {
    let unfenced: String = text.split("```").step_by(2).collect();
    unfenced.split('`').step_by(2).collect()
}

/// The anchor that a heading gets: lower case, spaces as hyphens, nothing but letters, digits, `-` and `_`.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let unfenced: String = text.split("```").step_by(2).collect();
    let headings = unfenced.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of `[text](target)` and `[name]: target`.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let named = prose.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ").map(|(_, to)| to));
    inline.chain(named).map(ToOwned::to_owned).collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut seen = 0;
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap();
        for target in targets(&read(&document)) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() {
                document.clone()
            } else {
                folder.join(file).to_str().unwrap().to_owned()
            };
            assert!(root().join(&file).exists(), "{document}: {target}");
            if !heading.is_empty() {
                assert!(anchors(&read(&file)).contains(heading), "{document}: {target}");
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} links found");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= MAX_README_LINES, "{lines} lines");
}
