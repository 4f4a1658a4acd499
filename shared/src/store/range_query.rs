//! Reading ranges of sort keys into pages.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};

use super::{failure, items::Item, keys};
use crate::{
    Result,
    domain::{CategoryId, Page},
};

/// What a page may weigh in bytes at most, next to the one item that it always has. Lambda refuses
/// answers above 6 MB; a page that one Query can fill (1 MB) only comes near it where nearly every
/// character needs escaping.
const MAX_PAGE_BYTES: usize = 3_000_000;

/// A range of sort keys being read, Query by Query.
pub struct RangeQuery {
    pub query: QueryFluentBuilder,
    /// The attribute that the range is in the order of.
    pub sort_key: &'static str,
    /// The sort key that the last Query ended at, while there may be more behind it.
    pub end: Option<String>,
    /// The range has been read to its end.
    pub done: bool,
    /// The last Query ended early, at 1 MB.
    pub cut: bool,
}

impl RangeQuery {
    pub fn new(query: QueryFluentBuilder) -> Self {
        Self { query, sort_key: keys::SORT_KEY, end: None, done: false, cut: false }
    }

    /// In the descending order of the sort keys.
    pub fn newest_first(self) -> Self {
        Self { query: self.query.scan_index_forward(false), ..self }
    }

    /// Those of one category, and the fence, which has no category.
    pub fn of_category(self, id: Option<CategoryId>) -> Self {
        let Some(id) = id else { return self };
        let query = self
            .query
            .filter_expression("#id = :id OR attribute_exists(#erasure)")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#erasure", keys::ERASURE)
            .expression_attribute_values(":id", AttributeValue::N(id.to_string()));
        Self { query, ..self }
    }

    /// One Query: the next items of the range, of at most `limit` that are read, and at most 1 MB.
    pub async fn next<T>(
        &mut self,
        limit: Option<usize>,
        read: impl Fn(Item) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.first_of_next(usize::MAX, limit, read).await
    }

    /// The same, but of what is found no more than the first `most` items.
    pub async fn first_of_next<T>(
        &mut self,
        most: usize,
        limit: Option<usize>,
        read: impl Fn(Item) -> Result<T>,
    ) -> Result<Vec<T>> {
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = self
            .query
            .clone()
            .set_limit(limit)
            .send()
            .await
            .map_err(|error| failure::error("Query", error))?;
        let end = answer.last_evaluated_key.as_ref().and_then(|key| key.get(self.sort_key));
        self.end = end.and_then(|key| key.as_s().ok()).cloned();
        self.done = answer.last_evaluated_key.is_none();
        self.cut = !self.done && limit.is_none_or(|limit| answer.scanned_count < limit);
        self.query = self.query.clone().set_exclusive_start_key(answer.last_evaluated_key);
        answer.items.unwrap_or_default().into_iter().take(most).map(read).collect()
    }
}

/// A page being filled. One item beyond it is kept if it is there, to know that more follows.
pub struct PageBuilder<T> {
    items: Vec<T>,
    limit: usize,
    bytes: usize,
}

impl<T> PageBuilder<T> {
    pub fn new(limit: usize) -> Self {
        Self { items: Vec::new(), limit, bytes: 0 }
    }

    pub fn is_full(&self) -> bool {
        self.items.len() > self.limit
    }

    /// How many items are still of use.
    pub fn room(&self) -> usize {
        self.limit + 1 - self.items.len()
    }

    pub fn extend(&mut self, items: impl IntoIterator<Item = T>, bytes: impl Fn(&T) -> usize) {
        for item in items {
            if self.is_full() {
                break;
            }
            self.bytes += bytes(&item);
            if self.bytes > MAX_PAGE_BYTES && !self.items.is_empty() {
                self.limit = self.limit.min(self.items.len());
            }
            self.items.push(item);
        }
    }

    /// The page. It ends at its last item where more were found, else at `end`, where the reading did.
    pub fn into_page<P>(mut self, end: Option<P>, position: impl Fn(&T) -> P) -> Page<T, P> {
        if !self.is_full() {
            return Page { items: self.items, end };
        }
        self.items.truncate(self.limit);
        let end = self.items.last().map(position);
        Page { items: self.items, end }
    }
}
