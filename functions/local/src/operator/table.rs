//! Reading the whole table, with a progress bar.

use shared::store::{ScanPosition, Scanned, Store};

use super::{database::retry_while_unavailable, progress};

/// Reads the table page by page to its end, and hands what is found to `take`. While the database can't be reached, it
/// waits and tries again.
///
/// # Errors
/// The database's failure, or what `take` fails with.
pub(super) async fn read<T, E: From<shared::Error>>(
    store: &Store,
    page: impl AsyncFn(Option<&ScanPosition>) -> shared::Result<Scanned<T>>,
    mut take: impl AsyncFnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    // Without the permission to describe the table, only the bar's end is not known.
    let items = store.table_size().await.ok().map(|size| size.items).filter(|count| *count > 0);
    let bar = progress::of_items(items, "read");
    let mut position = None;
    let done = loop {
        let scanned = match retry_while_unavailable(|| page(position.as_ref())).await {
            Ok(scanned) => scanned,
            Err(failure) => break Err(failure.into()),
        };
        if let Err(failure) = take(scanned.found).await {
            break Err(failure);
        }
        progress::advance(&bar, scanned.items_read);
        position = scanned.next;
        if position.is_none() {
            break Ok(());
        }
    };
    bar.finish_and_clear();
    done
}
