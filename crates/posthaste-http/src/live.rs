//! Settings that can be replaced while requests are served.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;

/// Settings that are replaced whole. Clones share them; a request goes by what it found when it looked.
pub struct LiveOptions<T>(Arc<ArcSwap<T>>);

impl<T> LiveOptions<T> {
    /// Settings to begin with.
    pub fn new(options: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(options)))
    }

    /// The settings now.
    pub fn now(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// Takes others in their place.
    pub fn set(&self, options: T) {
        self.0.store(Arc::new(options));
    }
}

impl<T> From<T> for LiveOptions<T> {
    fn from(options: T) -> Self {
        Self::new(options)
    }
}

impl<T> Clone for LiveOptions<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for LiveOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveOptions").finish_non_exhaustive()
    }
}
