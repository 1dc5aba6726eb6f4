//! Threads that decode and augment, apart from those that compute: a kernel never waits behind an image.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

static POOL: LazyLock<Result<ThreadPool, String>> = LazyLock::new(|| {
    let named = ThreadPoolBuilder::new().thread_name(|number| format!("images-{number}"));
    named.build().map_err(|error| error.to_string())
});

/// Where threads cannot be started, work is done by whoever asks for it.
pub struct Pool(Option<&'static ThreadPool>);

/// The threads for images: as many as there are cores, or as `RAYON_NUM_THREADS` says.
pub fn pool() -> Pool {
    Pool(POOL.as_ref().ok())
}

impl Pool {
    /// Runs `work`, whose parallel parts are shared among the threads.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
