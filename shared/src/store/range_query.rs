//! Reading ranges of sort keys into pages.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};

use super::{failure, items::Item};
use crate::{
    Result,
    domain::{CategoryId, Page},
};

/// What a page may weigh in bytes at most, next to the one item that it always has. Lambda refuses
/// answers above 6 MB; a page that one Query can fill (1 MB) only comes near it where nearly every
/// character needs escaping.
const PAGE_WEIGHT: usize = 3_000_000;

/// A range of sort keys being read, Query by Query.
pub struct RangeQuery {
    pub query: QueryFluentBuilder,
    /// The range has been read to its end.
    pub done: bool,
    /// The last Query ended early, at 1 MB.
    pub cut: bool,
}

impl RangeQuery {
    pub fn of_category(self, id: Option<CategoryId>) -> Self {
        let Some(id) = id else { return self };
        let query = self
            .query
            .filter_expression("#id = :id")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":id", AttributeValue::N(id.to_string()));
        Self { query, ..self }
    }

    /// One Query: the next items of the range, at most `limit` and at most 1 MB.
    pub async fn next<T>(
        &mut self,
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
        self.done = answer.last_evaluated_key.is_none();
        self.cut = !self.done && limit.is_none_or(|limit| answer.scanned_count < limit);
        self.query = self.query.clone().set_exclusive_start_key(answer.last_evaluated_key);
        answer.items.unwrap_or_default().into_iter().map(read).collect()
    }
}

/// A page being filled. One item beyond it is looked for, to know whether more follows.
pub struct PageBuilder<T> {
    items: Vec<T>,
    limit: usize,
    weight: usize,
}

impl<T> PageBuilder<T> {
    pub fn new(limit: usize) -> Self {
        Self { items: Vec::new(), limit, weight: 0 }
    }

    pub fn wants_more(&self) -> bool {
        self.items.len() <= self.limit
    }

    /// How many items are still of use.
    pub fn room(&self) -> usize {
        self.limit + 1 - self.items.len()
    }

    pub fn extend(&mut self, items: impl IntoIterator<Item = T>, weight: impl Fn(&T) -> usize) {
        for item in items {
            self.weight += weight(&item);
            if self.weight > PAGE_WEIGHT {
                self.close();
            }
            self.items.push(item);
            if !self.wants_more() {
                break;
            }
        }
    }

    /// The page ends with what it has, if it has anything.
    pub fn close(&mut self) {
        if !self.items.is_empty() {
            self.limit = self.limit.min(self.items.len());
        }
    }

    pub fn into_page(mut self) -> Page<T> {
        let more = self.items.len() > self.limit;
        self.items.truncate(self.limit);
        Page { items: self.items, more }
    }
}
