/// Which part of a collection is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<Position> {
    /// At most this many items, 1 to 1,000.
    pub limit: usize,
    /// The position that the page before ended at.
    pub after: Option<Position>,
}

/// A part of a collection.
#[derive(Clone, Debug)]
pub struct Page<T, Position> {
    /// The items in the collection's order.
    pub items: Vec<T>,
    /// Where the page ends, if there may be more behind it: at its last item, or behind it where what
    /// follows was read and passed over.
    pub end: Option<Position>,
}
