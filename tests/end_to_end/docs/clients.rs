//! What generated clients need of `openapi.yaml`. (`.ci/description` generates some, and uses them.)

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassSet, ClassSetItem, GroupKind, HexLiteralKind, Literal, LiteralKind,
    RepetitionKind, RepetitionRange, parse::Parser,
};
use serde_json::Value;

use crate::support::{
    api::{Api, HISTORY},
    description::{DOCUMENT, resolve},
};

/// What may be escaped everywhere; ECMAScript refuses to escape anything else.
const SYNTAX: &str = r"^$\.*+?()[]{}|/";

/// RE2, which Go has, repeats no more often.
const MAX_REPETITION: u32 = 1000;

/// Why the languages of clients disagree about a pattern, or some refuse it: ECMAScript in all its modes (HTML's
/// `pattern` has the strictest), Python, Go (RE2), Java and Rust.
fn objections(pattern: &str) -> Vec<String> {
    let ast = match Parser::new().parse(pattern) {
        Ok(ast) => ast,
        Err(error) => return vec![error.kind().to_string()],
    };
    let mut found = Vec::new();
    let Ast::Concat(whole) = &ast else {
        return vec!["is not whole: ^…$".into()];
    };
    let [Ast::Assertion(start), inner @ .., Ast::Assertion(end)] = &whole.asts[..] else {
        // Java and some generators look for a match of the whole text, others for one anywhere in it.
        return vec!["is not whole: ^…$".into()];
    };
    let kinds = |assertion: &Assertion| assertion.kind.clone();
    if (kinds(start), kinds(end)) != (AssertionKind::StartLine, AssertionKind::EndLine) {
        found.push("is not whole: ^…$".into());
    }
    for part in inner {
        check(part, 1, &mut found);
    }
    found
}

/// Checks a part that is repeated up to `times` times, counted in numbers that the pattern says.
fn check(ast: &Ast, times: u32, found: &mut Vec<String>) {
    match ast {
        Ast::Empty(_) => {}
        Ast::Literal(literal) => check_literal(literal, false, found),
        Ast::ClassBracketed(class) => {
            if class.negated && times > 1 {
                found.push("counts characters, which ECMAScript counts in UTF-16".into());
            }
            check_class(&class.kind, found);
        }
        Ast::Repetition(repetition) => {
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                // In Java and Python `a++` never gives back what it took; elsewhere it is an error.
                found.push("repeats a repetition".into());
            }
            let most = match &repetition.op.kind {
                RepetitionKind::Range(
                    RepetitionRange::Exactly(most)
                    | RepetitionRange::AtLeast(most)
                    | RepetitionRange::Bounded(_, most),
                ) => *most,
                _ => 1,
            };
            let times = times.saturating_mul(most);
            if times > MAX_REPETITION {
                found.push(format!("repeats {times} times"));
            }
            check(&repetition.ast, times, found);
        }
        Ast::Group(group) => {
            match &group.kind {
                GroupKind::CaptureIndex(_) => {}
                GroupKind::NonCapturing(flags) if flags.items.is_empty() => {}
                _ => found.push("has a flag or a name in a group".into()),
            }
            check(&group.ast, times, found);
        }
        Ast::Alternation(alternation) => alternation.asts.iter().for_each(|each| check(each, times, found)),
        Ast::Concat(concat) => concat.asts.iter().for_each(|each| check(each, times, found)),
        // Languages differ in what is a line, a digit, a letter, a word's end, and in what it takes to switch that.
        Ast::Dot(_) => found.push("`.` is not the same in all".into()),
        Ast::ClassPerl(_) | Ast::ClassUnicode(_) => found.push("has a named class".into()),
        Ast::Assertion(_) => found.push("has an assertion within".into()),
        Ast::Flags(_) => found.push("has flags".into()),
    }
}

fn check_class(class: &ClassSet, found: &mut Vec<String>) {
    let item = match class {
        ClassSet::Item(item) => item,
        ClassSet::BinaryOp(_) => return found.push("has an operation between classes".into()),
    };
    match item {
        ClassSetItem::Empty(_) => found.push("has an empty class".into()),
        ClassSetItem::Literal(literal) => check_literal(literal, true, found),
        ClassSetItem::Range(range) => {
            check_literal(&range.start, true, found);
            check_literal(&range.end, true, found);
        }
        ClassSetItem::Union(union) => {
            for item in &union.items {
                check_class(&ClassSet::Item(item.clone()), found);
            }
        }
        ClassSetItem::Ascii(_) | ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => {
            found.push("has a named class".into());
        }
        ClassSetItem::Bracketed(_) => found.push("has a class within a class".into()),
    }
}

fn check_literal(literal: &Literal, in_class: bool, found: &mut Vec<String>) {
    let escapable = SYNTAX.contains(literal.c) || in_class && literal.c == '-';
    let right = match &literal.kind {
        LiteralKind::Verbatim if in_class => literal.c.is_ascii() && !"()[]{}/|-".contains(literal.c),
        LiteralKind::Verbatim => literal.c.is_ascii() && !SYNTAX.replace('/', "").contains(literal.c),
        LiteralKind::Meta | LiteralKind::Superfluous => escapable,
        LiteralKind::HexFixed(HexLiteralKind::X) => true,
        LiteralKind::Special(kind) => "\t\n\r".contains(literal.c) && format!("{kind:?}") != "Space",
        LiteralKind::Octal | LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_) => false,
    };
    if !right {
        found.push(format!("writes {:?} in a way that is not the same in all", literal.c));
    }
}

/// Every object of the file, with where it is.
fn walk(value: &'static Value, place: &str, visit: &mut impl FnMut(&str, &'static Value)) {
    visit(place, value);
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| walk(member, &format!("{place}/{name}"), visit));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, place, visit)),
        _ => {}
    }
}

#[test]
fn every_pattern_means_the_same_in_the_languages_of_clients() {
    let mut patterns = BTreeSet::new();
    walk(&DOCUMENT, "", &mut |place, value| {
        if let Some(pattern) = value["pattern"].as_str() {
            assert_eq!(objections(pattern), [""; 0], "{place}: {pattern}");
            patterns.insert(pattern);
        }
    });
    assert!(patterns.len() > 8, "{patterns:?}");
}

#[test]
fn a_pattern_that_some_language_refuses_or_reads_otherwise_is_found() {
    for pattern in [
        r"^(?!\.)[a-z.]+$",
        r"^(a)\1$",
        r"^(?P<year>[0-9]{4})$",
        r"^(?<year>[0-9]{4})$",
        r"^(?i:gold)$",
        r"(?i)^gold$",
        r"^\d+$",
        r"^\w+$",
        r"^[\s]+$",
        r"^\p{L}+$",
        r"^[[:alpha:]]+$",
        r"^[a-z&&[^b]]+$",
        r"^[^\u0000]*$",
        r"^[^\x{0}]*$",
        r"^[^\0]*$",
        r"^\v$",
        r"^\a$",
        r"^.*$",
        r"^a++$",
        r"^a{1001}$",
        r"^(a{40}){40}$",
        r"^[^a]{3}$",
        r"^\bgold\b$",
        r"\Agold\z",
        "gold",
        "^gold|silver$",
        r"^a\-b$",
        r#"^\"$"#,
        r"^[]a]$",
        "^[a-z-]$",
        "^[^/]$",
        r"^{}$",
        "^é$",
    ] {
        assert_ne!(objections(pattern), [""; 0], "{pattern}");
    }
    for pattern in [r"^(gold|silver)?[a-z\-]{1,64}\.(?:[^\x00\/]+)$", "^[!-~]{1,255}$", r"^\t\/$"] {
        assert_eq!(objections(pattern), [""; 0], "{pattern}");
    }
}

/// Clients write a `format: date-time` each in their own way, Python's as `…+0000`, which is not RFC 3339. A text
/// with a pattern is sent as it is.
#[test]
fn what_is_sent_has_no_format_that_clients_write_in_their_own_way() {
    let mut formats = BTreeSet::new();
    let mut collect = |schema: &'static Value| {
        walk(schema, "", &mut |_, value| {
            formats.extend(resolve(value)["format"].as_str());
        });
    };
    walk(&DOCUMENT, "", &mut |place, value| {
        if place.ends_with("/requestBody") {
            walk(value, "", &mut |_, content| collect(resolve(&content["schema"])));
        } else if value["in"].is_string() {
            collect(resolve(&value["schema"]));
        }
    });
    assert_eq!(formats, BTreeSet::from(["int32", "uuid"]));
}

/// Such a name hides what the language has of that name, or is hidden by it.
#[test]
fn no_schema_is_called_as_something_that_languages_have() {
    let taken = [
        "Array",
        "Boolean",
        "Class",
        "Date",
        "Error",
        "Exception",
        "File",
        "Function",
        "Integer",
        "List",
        "Long",
        "Map",
        "Number",
        "Object",
        "Option",
        "Promise",
        "Record",
        "Request",
        "Response",
        "Result",
        "Set",
        "String",
        "Time",
        "Type",
    ];
    let names = DOCUMENT["components"]["schemas"].as_object().unwrap().keys();
    let clashing: Vec<_> = names.filter(|name| taken.contains(&name.as_str())).collect();
    assert_eq!(clashing, [""; 0]);
}

#[tokio::test]
async fn a_moment_that_the_description_allows_is_taken_and_no_other() {
    let pattern = DOCUMENT["components"]["schemas"]["Moment"]["pattern"].as_str().unwrap();
    let pattern = Regex::new(pattern).unwrap();
    let api = Api::start().await;
    api.create(7, "gold").await;
    for (moment, taken) in [
        ("2026-11-23T06:46:00Z", true),
        ("2026-11-23t06:46:00z", true),
        ("2026-11-23T06:46:00.1Z", true),
        ("2026-11-23T06:46:00.123456789012Z", true),
        ("2026-11-23T06:46:00+00:00", true),
        ("2026-11-23T06:46:00-23:59", true),
        ("2016-12-31T23:59:60Z", true),
        ("0000-01-01T00:00:00Z", true),
        ("9999-12-31T23:59:59.999999999-23:59", true),
        ("2026-11-23T06:46:00+0000", false),
        ("2026-11-23T06:46:00+00", false),
        ("2026-11-23T06:46:00+24:00", false),
        ("2026-11-23T06:46:00", false),
        ("2026-11-23T06:46Z", false),
        ("2026-11-23 06:46:00Z", false),
        ("2026-11-23T06:46:00,1Z", false),
        ("2026-11-23T06:46:00.Z", false),
        ("2026-11-23T24:00:00Z", false),
        ("2026-11-23T06:60:00Z", false),
        ("2026-11-23T06:46:61Z", false),
        ("2026-13-23T06:46:00Z", false),
        ("2026-11-32T06:46:00Z", false),
        ("2026-11-00T06:46:00Z", false),
        ("26-11-23T06:46:00Z", false),
        ("2026-11-23", false),
        ("1763880360", false),
    ] {
        assert_eq!(pattern.is_match(moment), taken, "{moment}");
        let answer =
            api.get(&format!("{HISTORY}?from={}", utf8_percent_encode(moment, NON_ALPHANUMERIC))).await;
        assert_eq!(answer.status, if taken { 200 } else { 400 }, "{moment}: {}", answer.body);
    }
}
