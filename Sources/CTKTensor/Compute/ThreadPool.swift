/// Runs `body` once for each number below `parts`, on this thread and on those of a pool.
///
/// `thread_pool.c` takes the closure as Swift passes one that does not escape, which lies on
/// the caller's stack: nothing is allocated. A box for each call, as Dispatch needs it, costs
/// more than a small operation.
@_silgen_name("ctk_pool_run")
func runOnThreads(_ parts: Int, _ body: (_ part: Int) -> Void)
