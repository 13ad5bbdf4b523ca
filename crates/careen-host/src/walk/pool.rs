//! The threads of one walk: each goes depth first through its own folders and gives away half of
//! them when another has nothing to do.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

use careen_syntax::ignore::{DirState, Filter};
use rustix::fd::OwnedFd;

use crate::walk::{
    assemble::Gathered,
    error::WalkError,
    folder::{Ground, Reader, THREADS_WHEN_SLOW, Task},
    listing::MOST_BLOCKS,
};

struct Shared<'a> {
    ground: Ground<'a>,
    queue: Mutex<Vec<Task>>,
    ready: Condvar,
    /// Folders that are known and not read yet.
    pending: AtomicUsize,
    hungry: AtomicUsize,
    numbers: AtomicU32,
    stop: AtomicBool,
    /// Folders held open for their children.
    open: AtomicUsize,
    most_open: usize,
}

/// Starting a thread costs about 30 µs, as much as reading a small tree.
const WORTH_A_THREAD: usize = 1000;
/// Reads the whole tree below `root`.
pub(super) fn harvest(
    root: &OwnedFd,
    filter: &Filter,
    threads: Option<NonZeroUsize>,
) -> Result<Gathered, WalkError> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1024);
    let shared = Shared {
        ground: Ground { root, filter, asking: AtomicBool::new(false) },
        queue: Mutex::new(Vec::new()),
        ready: Condvar::new(),
        pending: AtomicUsize::new(1),
        hungry: AtomicUsize::new(0),
        numbers: AtomicU32::new(1),
        stop: AtomicBool::new(false),
        open: AtomicUsize::new(0),
        most_open: (limit / 2).min(4096),
    };
    let first =
        Task { id: 0, parent: None, path: Vec::new(), state: DirState::default(), latent: false };
    let results = thread::scope(|scope| {
        let mut helpers = Vec::new();
        let mut is_settled = false;
        let own = shared.work(vec![first], |reader, waiting| {
            if is_settled {
                return;
            }
            let Some(wanted) = wanted_threads(reader, threads, waiting) else { return };
            is_settled = true;
            for _ in 1..wanted {
                let helper = || shared.work(Vec::new(), |_, _| ());
                // Without a helper this thread does the work alone.
                helpers.extend(thread::Builder::new().spawn_scoped(scope, helper));
            }
        });
        let others = helpers.into_iter().map(|helper| helper.join().expect("a reader panicked"));
        [own].into_iter().chain(others).collect::<Result<Vec<Reader>, WalkError>>()
    });
    let parts = results?.into_iter().map(|reader| reader.part).collect();
    Ok(Gathered { parts, folders: shared.numbers.load(Ordering::Relaxed) })
}

/// How many threads should be at work; `None` while the tree is too small to say.
fn wanted_threads(reader: &Reader, threads: Option<NonZeroUsize>, waiting: usize) -> Option<usize> {
    let is_slow = reader.is_slow();
    let is_large = reader.part.block.entries.len() + waiting * 8 > WORTH_A_THREAD;
    if waiting < 2 || !(is_slow || is_large) {
        return None;
    }
    let wanted = match threads {
        Some(threads) => threads.get(),
        None if is_slow => THREADS_WHEN_SLOW,
        // Reads several files, so it is asked once.
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_WHEN_SLOW),
    };
    Some(wanted.min(MOST_BLOCKS))
}

impl Shared<'_> {
    /// Reads folders until there are none; `between` is told how many wait in this thread.
    fn work(
        &self,
        mut own: Vec<Task>,
        mut between: impl FnMut(&Reader, usize),
    ) -> Result<Reader, WalkError> {
        let mut reader = Reader::default();
        while let Some(task) = own.pop().or_else(|| self.take()) {
            if let Err(err) = self.read(&mut reader, task, &mut own) {
                self.stop.store(true, Ordering::Release);
                self.wake_all();
                return Err(err);
            }
            if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.wake_all();
            }
            between(&reader, own.len());
            if own.len() > 1 && self.hungry.load(Ordering::Relaxed) > 0 {
                self.share(&mut own);
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(reader)
    }

    fn read(&self, reader: &mut Reader, task: Task, own: &mut Vec<Task>) -> Result<(), WalkError> {
        let number = || self.numbers.fetch_add(1, Ordering::Relaxed);
        let children = reader.read(&self.ground, &task, number)?;
        if let Some(parent) = task.parent
            && Arc::into_inner(parent).is_some()
        {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        let Some(folder) = children.folder else { return Ok(()) };
        let is_room = self.open.load(Ordering::Relaxed) < self.most_open;
        if is_room {
            self.open.fetch_add(1, Ordering::Relaxed);
        }
        self.pending.fetch_add(children.tasks.len(), Ordering::AcqRel);
        // The first child goes on top, so that reading stays in order.
        own.extend(
            children
                .tasks
                .into_iter()
                .rev()
                .map(|child| Task { parent: is_room.then(|| folder.clone()), ..child }),
        );
        Ok(())
    }

    /// Gives the older half away: those are the largest subtrees.
    fn share(&self, own: &mut Vec<Task>) {
        let half = own.len() / 2;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.extend(own.drain(..half));
        drop(queue);
        self.ready.notify_all();
    }

    /// Waits for a folder; `None` when there will be no more.
    fn take(&self) -> Option<Task> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let is_over = self.pending.load(Ordering::Acquire) == 0;
            if is_over || self.stop.load(Ordering::Acquire) {
                return None;
            }
            if let Some(task) = queue.pop() {
                return Some(task);
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn wake_all(&self) {
        // Taking the lock makes sure that nobody is between looking and waiting.
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        self.ready.notify_all();
    }
}
