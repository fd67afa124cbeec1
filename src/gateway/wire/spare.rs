//! Header maps that are used again: their tables are the largest things that a call would have to ask memory for.

use http::HeaderMap;
use std::cell::RefCell;

/// Maps that a thread keeps: about as many as are filled at once.
const KEPT: usize = 64;
/// A map with room for more entries is not kept.
const LARGEST: usize = 96;

thread_local! {
    // A thread-local, so that neither those who read heads nor those who have written them need to be told of it.
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// An empty map with room for so many entries, or one that grows to it.
pub(in crate::gateway) fn take(room: usize) -> HeaderMap {
    let kept = SPARE.try_with(|spare| spare.borrow_mut().pop());
    kept.ok().flatten().unwrap_or_else(|| HeaderMap::with_capacity(room))
}

/// Takes a map whose fields nobody needs any more.
pub(in crate::gateway) fn give(mut map: HeaderMap) {
    // While the thread ends there may be no place any more, and then the map just goes.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < KEPT && map.capacity() <= LARGEST {
            map.clear();
            spare.push(map);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_map_comes_back_empty_and_a_large_one_not_at_all() {
        let mut map = take(8);
        map.insert("a", HeaderValue::from_static("secret"));
        map.append("a", HeaderValue::from_static("another"));
        let room = map.capacity();
        give(map);
        let again = take(1);
        assert!(again.is_empty() && again.capacity() == room);
        give(HeaderMap::with_capacity(LARGEST * 2));
        assert!(take(1).capacity() < LARGEST);
    }
}
