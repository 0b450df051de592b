//! Host functions as compiled scripts call them: at once, without Rhai looking for them. What a function
//! complains of is not told here, as Rhai then calls it again, and says it with its place.

use std::sync::Arc;

use rhai::Dynamic;

/// A host function. It takes its arguments out of the array; nothing comes back if it complains.
pub type Direct = Arc<dyn Fn(&mut [Dynamic]) -> Option<Dynamic> + Send + Sync>;

/// One of no argument.
pub(super) fn zero<R: Clone + Send + Sync + 'static>(function: fn() -> R) -> Direct {
    Arc::new(move |_| Some(Dynamic::from(function())))
}

/// One of one argument.
pub(super) fn one<R: Clone + Send + Sync + 'static>(
    function: impl Fn(Dynamic) -> Option<R> + Send + Sync + 'static,
) -> Direct {
    Arc::new(move |arguments| match arguments {
        [a] => function(a.take()).map(Dynamic::from),
        _ => None,
    })
}

/// One of two arguments.
pub(super) fn two<R: Clone + Send + Sync + 'static>(
    function: impl Fn(Dynamic, Dynamic) -> Option<R> + Send + Sync + 'static,
) -> Direct {
    Arc::new(move |arguments| match arguments {
        [a, b] => function(a.take(), b.take()).map(Dynamic::from),
        _ => None,
    })
}

/// One of three arguments.
pub(super) fn three<R: Clone + Send + Sync + 'static>(
    function: impl Fn(Dynamic, Dynamic, Dynamic) -> Option<R> + Send + Sync + 'static,
) -> Direct {
    Arc::new(move |arguments| match arguments {
        [a, b, c] => function(a.take(), b.take(), c.take()).map(Dynamic::from),
        _ => None,
    })
}
