//! Links in the documents lead somewhere, and the documents keep to their size.

use std::{collections::BTreeSet, path::Path, process::Command};

use crate::support::documentation::{read, root};

/// Where a newcomer starts; more belongs into a document of its own.
const MAX_README_LINES: usize = 200;

/// The folders whose files the documents mention by their path in the repository.
const FOLDERS: [&str; 7] = [".ci", ".github", "docs", "events", "functions", "shared", "tests"];

/// The documents under version control, and those that would be added to it.
fn documents() -> Vec<String> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
    let listed = Command::new("git").args(arguments).current_dir(root()).output().unwrap();
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

/// The anchor that GitHub gives a heading: lower case, spaces as hyphens, nothing but letters, digits, `-`
/// and `_`.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a text. The second heading of the same name gets `-1` behind it, and so on.
fn anchors(text: &str) -> BTreeSet<String> {
    let unfenced: String = text.split("```").step_by(2).collect();
    let mut anchors = BTreeSet::new();
    for heading in unfenced.lines().filter(|line| line.starts_with('#')) {
        let anchor = anchor(heading.trim_start_matches('#'));
        let numbered = (1..).map(|n| format!("{anchor}-{n}"));
        anchors.extend([anchor.clone()].into_iter().chain(numbered).find(|name| !anchors.contains(name)));
    }
    anchors
}

/// The targets of `[text](target)` and `[name]: target`.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let named = prose.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ").map(|(_, to)| to));
    inline.chain(named).map(ToOwned::to_owned).collect()
}

/// The files that a text mentions in backticks. Patterns such as `functions/<operation>/` and commands are
/// no files.
fn mentioned(text: &str) -> Vec<String> {
    let unfenced: String = text.split("```").step_by(2).collect();
    let spans = unfenced.split('`').skip(1).step_by(2);
    let is_file = |span: &&str| {
        span.split_once('/').is_some_and(|(folder, _)| FOLDERS.contains(&folder))
            && !span.contains(['<', '*', '{', ' ', '\n'])
    };
    spans.filter(is_file).map(ToOwned::to_owned).collect()
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

/// Each subject has one place. The change log has the same sections under each version.
#[test]
fn no_document_has_a_heading_twice() {
    for document in documents().into_iter().filter(|document| document != "CHANGELOG.md") {
        let repeated = anchors(&read(&document)).into_iter().find(|anchor| anchor.ends_with("-1"));
        assert_eq!(repeated, None, "{document}");
    }
}

#[test]
fn files_that_the_documents_mention_are_there() {
    let mut seen = 0;
    for document in documents() {
        for file in mentioned(&read(&document)) {
            assert!(root().join(&file).exists(), "{document}: `{file}`");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} files mentioned");
}

#[test]
fn headings_have_the_anchors_that_github_gives_them() {
    let text = "# API keys\n## What it's for, `in` short\n```\n# no heading\n```\n## API keys\n";
    let expected = ["api-keys", "api-keys-1", "what-its-for-in-short"];
    assert_eq!(anchors(text), expected.map(ToOwned::to_owned).into());
}

#[test]
fn links_and_files_are_found_in_prose_alone() {
    let text = "[a](b.md#c), `[d](e)` and `docs/f.md`\n\n[g]: h.md\n```\n[i](j) `docs/k.md`\n```\n";
    assert_eq!(targets(text), ["b.md#c", "h.md"]);
    assert_eq!(mentioned(text), ["docs/f.md"]);
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= MAX_README_LINES, "{lines} lines");
}
