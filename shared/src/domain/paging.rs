/// Which part of a collection is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<Position> {
    /// At most this many items, 1 to 1,000.
    pub limit: usize,
    /// The last item of the page before.
    pub after: Option<Position>,
}

/// A part of a collection.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items in the collection's order.
    pub items: Vec<T>,
    /// Whether there is more behind the last item.
    pub more: bool,
}

impl<T> Page<T> {
    /// The last item, where more follow it.
    #[must_use]
    pub fn last_of_many(&self) -> Option<&T> {
        self.items.last().filter(|_| self.more)
    }
}
