//! Taking changes back: what is to be undone of a category's history, and by which change.

use super::{
    Author, Category, CategoryAttributes, CategoryId, CategoryPatch, Change, HistoryEntry, New, Patch,
    Reason, Record, Revision, Timestamp,
};

/// Which changes are to be undone, and in whose name.
#[derive(Clone, Debug)]
pub struct Undo {
    /// What was so at this moment is to be so again.
    pub as_of: Timestamp,
    /// Changes after this moment are not meant.
    pub until: Timestamp,
    /// Whose changes are meant, by `changed_by`; everybody's, if absent.
    pub changed_by: Option<String>,
    /// Who undoes them. Changes of this name are those of an earlier run.
    pub author: Author,
    /// Why, for history; without it, a category has the reason again that it had then.
    pub reason: Option<Reason>,
}

/// What has become of a category since the moment, put together from its entries, the newest first.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The last change.
    pub newest: Revision,
    /// What the category said at the moment; `None` where it was not there.
    pub before: Option<CategoryAttributes>,
    /// Whether a change is among them that is to be undone.
    pub is_meant: bool,
    /// The newest change that is not to be undone: by whom and when.
    pub other: Option<(String, Timestamp)>,
}

/// What is to be done with a category.
#[derive(Debug)]
pub enum Undoing {
    /// It is as it was.
    Nothing,
    /// This takes it back.
    Change(Box<Change<CategoryAttributes>>),
}

impl Undo {
    /// A trail with one more entry, the next older one.
    #[must_use]
    pub fn follow(&self, trail: Option<Trail>, entry: HistoryEntry<CategoryAttributes>) -> Trail {
        let mut trail =
            trail.unwrap_or(Trail { newest: entry.revision, before: None, is_meant: false, other: None });
        let changed_at = entry.changed_at();
        if entry.changed_by != self.author.to_string() {
            let is_meant = changed_at <= self.until
                && self.changed_by.as_ref().is_none_or(|changed_by| *changed_by == entry.changed_by);
            trail.is_meant |= is_meant;
            if !is_meant && trail.other.is_none() {
                trail.other = Some((entry.changed_by, changed_at));
            }
        }
        trail.before = entry.previous;
        trail
    }

    /// What takes a category, as it is now, back to what it said `before`.
    #[must_use]
    pub fn decide(
        &self,
        id: CategoryId,
        record: Option<Record<CategoryAttributes>>,
        before: Option<CategoryAttributes>,
        now: Timestamp,
    ) -> Undoing {
        let before = before.map(|before| match &self.reason {
            Some(reason) => CategoryAttributes { reason: Some(reason.clone()), ..before },
            None => before,
        });
        let change = match (record, before) {
            (Some(Record::Live(category)), Some(before)) => self.set_back(&category, before, now),
            (Some(Record::Live(category)), None) => Some(category.delete(self.why(), &self.author, now)),
            (Some(Record::Deleted { revision, .. }), Some(before)) => {
                Some(self.bring_back(New { id, attributes: before }, Some(revision), now))
            }
            (None, Some(before)) => Some(self.bring_back(New { id, attributes: before }, None, now)),
            (Some(Record::Deleted { .. }) | None, None) => None,
        };
        change.map_or(Undoing::Nothing, |change| Undoing::Change(Box::new(change)))
    }

    /// `None` where it says so already. A reason that is given alone is no change.
    fn set_back(
        &self,
        category: &Category,
        before: CategoryAttributes,
        now: Timestamp,
    ) -> Option<Change<CategoryAttributes>> {
        let says =
            |attributes: &CategoryAttributes| (attributes.value.clone(), attributes.description.clone());
        if self.reason.is_some() && says(&category.attributes) == says(&before) {
            return None;
        }
        let CategoryAttributes { value, description, reason } = before;
        let patch = CategoryPatch { value: set(value), description: set(description), reason: set(reason) };
        category.patch(&patch, &self.author, now)
    }

    fn bring_back(
        &self,
        new: New<CategoryAttributes>,
        replaces: Option<Revision>,
        now: Timestamp,
    ) -> Change<CategoryAttributes> {
        Change { replaces, ..new.create(&self.author, Revision::mint(now, replaces)) }
    }

    /// The reason of a deletion, which leaves the category none of its own.
    fn why(&self) -> Option<Reason> {
        self.reason.clone().or_else(|| Reason::parse(format!("restored as of {}", self.as_of)).ok())
    }
}

/// What makes a member say this and nothing else.
fn set<T>(member: Option<T>) -> Patch<T> {
    member.map_or(Patch::Clear, Patch::Set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KeyName;

    fn author(name: &str) -> Author {
        KeyName::parse(name).unwrap().into()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn says(value: &str) -> CategoryAttributes {
        CategoryAttributes {
            value: Some(super::super::Value::parse(value.to_owned()).unwrap()),
            ..Default::default()
        }
    }

    /// A history as `(changed_by, seconds, value)`, the oldest first; no value is a deletion.
    fn history(
        changes: &[(&str, u64, Option<&str>)],
    ) -> (Option<Record<CategoryAttributes>>, Vec<HistoryEntry<CategoryAttributes>>) {
        let (mut record, mut entries): (Option<Record<CategoryAttributes>>, Vec<_>) = (None, Vec::new());
        for (by, seconds, value) in changes {
            let (author, now) = (author(by), at(*seconds));
            let change = match (record.take(), value) {
                (Some(Record::Live(category)), Some(value)) => {
                    let value = Patch::Set(says(value).value.unwrap());
                    let patch = CategoryPatch { value, ..CategoryPatch::default() };
                    category.patch(&patch, &author, now).unwrap()
                }
                (Some(Record::Live(category)), None) => category.delete(None, &author, now),
                (before, Some(value)) => {
                    let before = before.map(|record| record.revision());
                    let new = New { id: CategoryId::new(7), attributes: says(value) };
                    Change { replaces: before, ..new.create(&author, Revision::mint(now, before)) }
                }
                (_, None) => panic!("nothing to delete"),
            };
            record = Some(change.record);
            entries.push(change.entry);
        }
        (record, entries)
    }

    /// What is to be done of a history since second 10: nothing is meant, left to another, or what it is to say.
    fn undone(changed_by: Option<&str>, until: u64, changes: &[(&str, u64, Option<&str>)]) -> String {
        let undo = Undo {
            as_of: at(10),
            until: at(until),
            changed_by: changed_by.map(ToOwned::to_owned),
            author: author("restore"),
            reason: None,
        };
        let (record, entries) = history(changes);
        let later = entries.into_iter().rev().filter(|entry| entry.changed_at() > undo.as_of);
        let Some(trail) = later.fold(None, |trail, entry| Some(undo.follow(trail, entry))) else {
            return "nothing since".into();
        };
        if !trail.is_meant {
            return "not meant".into();
        }
        if let Some((by, when)) = trail.other {
            return format!("left to {by} at {}", when.as_millis() / 1000);
        }
        assert_eq!(record.as_ref().map(Record::revision), Some(trail.newest));
        match undo.decide(CategoryId::new(7), record, trail.before, at(100)) {
            Undoing::Nothing => "nothing to do".into(),
            Undoing::Change(change) => match change.record {
                Record::Live(category) => category.attributes.value.unwrap().as_str().to_owned(),
                Record::Deleted { .. } => format!("{:?}", change.entry.after),
            },
        }
    }

    #[test]
    fn what_was_so_is_so_again_unless_somebody_else_has_changed_it() {
        let by_crm = |changes: &[_]| undone(Some("crm"), 50, changes);
        assert_eq!(
            by_crm(&[("a", 5, Some("old")), ("crm", 20, Some("wrong")), ("crm", 21, Some("worse"))]),
            "old"
        );
        assert_eq!(by_crm(&[("a", 5, Some("old")), ("crm", 20, None)]), "old");
        assert_eq!(by_crm(&[("a", 5, Some("old")), ("crm", 20, None), ("crm", 21, Some("new"))]), "old");
        assert!(by_crm(&[("crm", 20, Some("wrong"))]).contains("restored as of 1970-01-01T00:00:10.000Z"));
        assert_eq!(by_crm(&[("crm", 20, Some("wrong")), ("crm", 21, None)]), "nothing to do");
        assert_eq!(by_crm(&[("crm", 5, Some("old"))]), "nothing since");
        assert_eq!(by_crm(&[("a", 5, Some("old")), ("b", 20, Some("other"))]), "not meant");
        // Others' changes, before, between and after.
        for changes in [
            [("a", 11, Some("new")), ("crm", 20, Some("wrong")), ("crm", 30, Some("worse"))],
            [("crm", 20, Some("wrong")), ("a", 11 + 14, Some("new")), ("crm", 30, Some("worse"))],
            [("crm", 20, Some("wrong")), ("crm", 22, Some("worse")), ("a", 31, Some("new"))],
        ] {
            assert!(by_crm(&changes).starts_with("left to a at "), "{changes:?}");
        }
        // Their own later changes are not meant either.
        assert_eq!(
            by_crm(&[("a", 5, Some("old")), ("crm", 20, Some("x")), ("crm", 60, Some("y"))]),
            "left to crm at 60"
        );
        // Everybody's.
        assert_eq!(
            undone(None, 50, &[("a", 5, Some("old")), ("b", 20, Some("x")), ("c", 30, Some("y"))]),
            "old"
        );
        assert_eq!(
            undone(None, 50, &[("a", 5, Some("old")), ("b", 20, Some("x")), ("c", 60, Some("y"))]),
            "left to c at 60"
        );
    }

    #[test]
    fn an_earlier_run_counts_as_ones_own() {
        let run = |changes: &[_]| undone(Some("crm"), 50, changes);
        let once = [("a", 5, Some("old")), ("crm", 20, Some("wrong")), ("restore", 60, Some("old"))];
        assert_eq!(run(&once), "nothing to do");
        assert_eq!(run(&[&once[..], &[("a", 61, Some("new"))]].concat()), "left to a at 61");
        let again = [
            ("a", 5, Some("old")),
            ("crm", 20, Some("x")),
            ("restore", 30, Some("old")),
            ("crm", 40, Some("y")),
        ];
        assert_eq!(run(&again), "old");
    }
}
