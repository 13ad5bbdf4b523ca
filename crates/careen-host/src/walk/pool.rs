//! The threads of one walk: each goes depth first through its own folders and gives away half of
//! them when another has nothing to do.

use std::{
    num::NonZeroUsize,
    rc::Rc,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

use careen_syntax::ignore::{DirState, Filter};
use rustix::fd::OwnedFd;

use crate::walk::{
    ahead::{THREADS_WHEN_SLOW, is_slow},
    assemble::Gathered,
    error::WalkError,
    folder::{Ground, Reader, Task},
    listing::MOST_BLOCKS,
};

struct Shared<'a> {
    ground: Ground<'a>,
    queue: Mutex<Queue>,
    ready: Condvar,
    /// Threads that wait for a folder.
    hungry: AtomicUsize,
    numbers: Numbers,
    stop: AtomicBool,
    /// Folders held open for their children.
    open: AtomicUsize,
    most_open: usize,
}

/// A folder that one thread will read, and the one above where that is open. Not to be sent: a
/// descriptor means something in its own thread only.
type Own = (Task, Option<Rc<OwnedFd>>);

/// Folders that were given away.
struct Queue {
    tasks: Vec<Task>,
    /// Threads that may still find folders: all but those that wait or have ended.
    at_work: usize,
}

/// Numbers of folders, handed out in blocks so that threads do not fight for one counter.
#[derive(Default)]
struct Numbers(AtomicU32);

/// One thread's block of numbers.
struct Block {
    next: u32,
    end: u32,
}

const NUMBERS: u32 = 256;

impl Numbers {
    fn take(&self, block: &mut Block) -> u32 {
        if block.next == block.end {
            block.next = self.0.fetch_add(NUMBERS, Ordering::Relaxed);
            block.end = block.next + NUMBERS;
        }
        block.next += 1;
        block.next - 1
    }
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
        queue: Mutex::new(Queue { tasks: Vec::new(), at_work: 1 }),
        ready: Condvar::new(),
        hungry: AtomicUsize::new(0),
        // The root is number 0.
        numbers: Numbers(AtomicU32::new(1)),
        stop: AtomicBool::new(false),
        open: AtomicUsize::new(0),
        most_open: (limit / 2).min(4096),
    };
    let first =
        Task { id: 0, path: Vec::new(), state: DirState::default(), latent: false, entry: None };
    let shared = &shared;
    let results = thread::scope(|scope| {
        let mut helpers = Vec::new();
        let mut is_settled = false;
        let own = shared.work(0, vec![(first, None)], |reader, waiting| {
            if is_settled {
                return;
            }
            let Some(wanted) = wanted_threads(reader, threads, waiting) else { return };
            is_settled = true;
            for number in 1..u32::try_from(wanted).unwrap_or(1) {
                shared.queue().at_work += 1;
                let helper = move || shared.help(number);
                match thread::Builder::new().spawn_scoped(scope, helper) {
                    Ok(helper) => helpers.push(helper),
                    // Without a helper this thread does the work alone.
                    Err(_) => shared.queue().at_work -= 1,
                }
            }
        });
        let others = helpers.into_iter().map(|helper| helper.join().expect("a reader panicked"));
        [own].into_iter().chain(others).collect::<Result<Vec<Reader>, WalkError>>()
    });
    let parts = results?.into_iter().map(|reader| reader.part).collect();
    Ok(Gathered { parts, folders: shared.numbers.0.load(Ordering::Relaxed) })
}

/// How many threads should be at work; `None` while the tree is too small to say.
fn wanted_threads(reader: &Reader, threads: Option<NonZeroUsize>, waiting: usize) -> Option<usize> {
    let is_slow = is_slow(reader.asked);
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
    /// A further thread, with a table of open files of its own: where several threads share one,
    /// each request counts its file's users, and opening and closing take turns. Measured with two
    /// threads, that is 2 % of the processor time. So no folder that one thread has open may be
    /// known to another; the root is open before.
    fn help(&self, number: u32) -> Result<Reader, WalkError> {
        // Where the kernel refuses, it is only slower.
        let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES);
        self.work(number, Vec::new(), |_, _| ())
    }

    /// Reads folders until there are none; `between` is told how many wait in this thread.
    fn work(
        &self,
        number: u32,
        mut own: Vec<Own>,
        mut between: impl FnMut(&Reader, usize),
    ) -> Result<Reader, WalkError> {
        let mut reader = Reader::new(number);
        let mut numbers = Block { next: 0, end: 0 };
        while let Some(task) = own.pop().or_else(|| Some((self.take()?, None))) {
            if let Err(err) = self.read(&mut reader, task, &mut numbers, &mut own) {
                self.stop();
                return Err(err);
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

    fn read(
        &self,
        reader: &mut Reader,
        (task, parent): Own,
        numbers: &mut Block,
        own: &mut Vec<Own>,
    ) -> Result<(), WalkError> {
        let number = || self.numbers.take(numbers);
        let children = reader.read(&self.ground, &task, parent.as_deref(), number)?;
        self.leave(parent);
        let is_room = self.open.load(Ordering::Relaxed) < self.most_open;
        let folder = children.folder.filter(|_| is_room).map(Rc::new);
        if folder.is_some() {
            self.open.fetch_add(1, Ordering::Relaxed);
        }
        // The first child goes on top, so that reading stays in order.
        own.extend(children.tasks.into_iter().rev().map(|child| (child, folder.clone())));
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the older half away: those are the largest subtrees.
    fn share(&self, own: &mut Vec<Own>) {
        let half = own.len() / 2;
        let mut given = Vec::with_capacity(half);
        for (task, folder) in own.drain(..half) {
            given.push(task);
            self.leave(folder);
        }
        self.queue().tasks.extend(given);
        self.ready.notify_all();
    }

    /// Closes a folder when nothing in it is left to read.
    fn leave(&self, folder: Option<Rc<OwnedFd>>) {
        if let Some(folder) = folder
            && Rc::into_inner(folder).is_some()
        {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Waits for a folder; `None` when there will be no more.
    fn take(&self) -> Option<Task> {
        let mut queue = self.queue();
        queue.at_work -= 1;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(task) = queue.tasks.pop() {
                queue.at_work += 1;
                return Some(task);
            }
            if queue.at_work == 0 {
                // Nobody is left who could find one.
                self.ready.notify_all();
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn stop(&self) {
        // Holding the lock makes sure that nobody is between looking and waiting.
        let queue = self.queue();
        self.stop.store(true, Ordering::Relaxed);
        drop(queue);
        self.ready.notify_all();
    }
}
