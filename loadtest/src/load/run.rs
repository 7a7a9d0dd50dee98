//! One run: threads, their counts by slice of time, and what each thread used.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{Pace, Plan};
use super::tally::Tally;
use super::worker::{Slices, Worker};
use crate::cpus::{self, Usage};

/// Slices that may wait for the main thread; a thread that finds no room counts on into the next slice.
const SLICES_WAITING_MAX: usize = 64;

/// What a run gave.
pub struct Outcome {
    /// Everything together.
    pub total: Tally,
    /// The timeline.
    pub slices: Vec<Slice>,
    /// Each thread.
    pub threads: Vec<ThreadUse>,
    /// From the first due time to the end of the last request.
    pub elapsed: Duration,
}

impl Outcome {
    /// Seconds over which a rate is counted: the run without waiting for the last answers.
    pub fn seconds(&self, plan: &Plan) -> f64 {
        self.elapsed.min(plan.duration).as_secs_f64().max(1e-9)
    }

    /// Answers per second.
    pub fn rate(&self, plan: &Plan) -> f64 {
        self.total.in_time as f64 / self.seconds(plan)
    }
}

/// A slice of the timeline.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Seconds since the run's begin.
    pub begin: f64,
    /// Length in seconds.
    pub length: f64,
    /// Requests per second asked for; `None` in a closed loop.
    pub asked: Option<f64>,
    /// Answers per second.
    pub got: f64,
    /// Failures.
    pub errors: u64,
    /// Median, 90 %, 99 %, 99.9 % and the most, in nanoseconds; `None` when nothing was answered.
    pub latency: Option<[u64; 5]>,
}

/// The worst of each quantile of some slices: shown together, they must not look better than they were.
pub fn worst(slices: &[Slice]) -> Option<[u64; 5]> {
    let each = slices.iter().filter_map(|slice| slice.latency);
    each.reduce(|worst, next| std::array::from_fn(|quantile| worst[quantile].max(next[quantile])))
}

/// The quantiles of a slice.
pub const SLICE_QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// What a thread used.
#[derive(Clone, Copy, Debug)]
pub struct ThreadUse {
    /// Its CPU if it was pinned.
    pub cpu: Option<usize>,
    /// CPU time.
    pub usage: Usage,
    /// From the run's begin to the thread's end.
    pub elapsed: Duration,
}

/// Something that watches a run.
pub trait Watch {
    /// A slice is over. `so_far` is everything until now.
    fn slice(&mut self, slice: &Slice, so_far: &Tally);
}

/// Nobody watches.
impl Watch for () {
    fn slice(&mut self, _: &Slice, _: &Tally) {}
}

/// Runs a plan. A set `stop` ends it early, with what there is.
///
/// # Errors
/// When a thread cannot be started or pinned, or has no descriptors left for its poller.
pub fn run(plan: &Plan, stop: &AtomicBool, watch: &mut dyn Watch) -> io::Result<Outcome> {
    let ready = Barrier::new(plan.threads.len());
    let started = OnceLock::new();
    let (full, fulls) = mpsc::sync_channel(SLICES_WAITING_MAX);
    thread::scope(|scope| {
        let mut handles = Vec::new();
        let mut empties = Vec::new();
        for index in 0..plan.threads.len() {
            let (empty, own_empties) = mpsc::channel();
            empties.push(empty);
            let channel = Channel { thread: index, full: full.clone(), empties: own_empties };
            let (ready, started) = (&ready, &started);
            let body = move || work(plan, index, stop, channel, ready, started);
            handles.push(thread::Builder::new().name(format!("load-{index}")).spawn_scoped(scope, body)?);
        }
        drop(full);
        let mut timeline = Timeline::new(plan);
        timeline.collect(&fulls, &empties, watch);
        let mut threads = Vec::new();
        for handle in handles {
            threads.push(handle.join().map_err(|_| io::Error::other("a thread panicked"))??);
        }
        let elapsed = threads.iter().map(|thread: &ThreadUse| thread.elapsed).max().unwrap_or_default();
        Ok(Outcome { total: timeline.total, slices: timeline.slices, threads, elapsed })
    })
}

fn work(
    plan: &Plan,
    index: usize,
    stop: &AtomicBool,
    channel: Channel,
    ready: &Barrier,
    started: &OnceLock<Instant>,
) -> io::Result<ThreadUse> {
    let cpu = plan.threads[index];
    let prepared = prepare(plan, index, cpu, stop, channel);
    // Every thread comes here, or the others would wait for ever.
    ready.wait();
    let worker = prepared?;
    let before = Usage::of_this_thread();
    let elapsed = worker.run(*started.get_or_init(Instant::now))?;
    Ok(ThreadUse { cpu, usage: Usage::of_this_thread().since(before), elapsed })
}

fn prepare<'a>(
    plan: &'a Plan,
    index: usize,
    cpu: Option<usize>,
    stop: &'a AtomicBool,
    channel: Channel,
) -> io::Result<Worker<'a, Channel>> {
    if let Some(cpu) = cpu {
        cpus::pin(cpu).map_err(|error| io::Error::other(format!("cannot run on CPU {cpu}: {error}")))?;
    }
    cpus::punctual();
    let mut worker = Worker::new(plan, index, stop, channel)?;
    worker.connect_ahead()?;
    Ok(worker)
}

/// A thread's side: full tallies out, empty ones back.
struct Channel {
    thread: usize,
    full: SyncSender<(usize, u64, Tally)>,
    empties: Receiver<Tally>,
}

impl Slices for Channel {
    fn put(&mut self, slice: u64, tally: &mut Tally) {
        let empty = self.empties.try_recv().unwrap_or_default();
        let full = std::mem::replace(tally, empty);
        if let Err(TrySendError::Full((_, _, full)) | TrySendError::Disconnected((_, _, full))) =
            self.full.try_send((self.thread, slice, full))
        {
            *tally = full;
        }
    }

    fn finish(self, slice: u64, tally: Tally) {
        // Fails only when the main thread has gone, and then nobody wants it.
        let _ = self.full.send((self.thread, slice, tally));
    }
}

/// The main thread's side: adds up, slice by slice.
struct Timeline<'a> {
    plan: &'a Plan,
    total: Tally,
    slices: Vec<Slice>,
    /// Slices that not every thread has finished yet, from number `slices.len()` on.
    open: std::collections::BTreeMap<u64, Tally>,
    /// The slice each thread is in.
    places: Vec<u64>,
}

impl<'a> Timeline<'a> {
    fn new(plan: &'a Plan) -> Self {
        let places = vec![0; plan.threads.len()];
        Self { plan, total: Tally::default(), slices: Vec::new(), open: Default::default(), places }
    }

    fn collect(
        &mut self,
        fulls: &Receiver<(usize, u64, Tally)>,
        empties: &[Sender<Tally>],
        watch: &mut dyn Watch,
    ) {
        loop {
            match fulls.recv_timeout(Duration::from_secs(1)) {
                Ok((thread, slice, mut tally)) => {
                    self.total.add(&tally);
                    self.open.entry(slice).or_default().add(&tally);
                    self.places[thread] = slice + 1;
                    tally.clear();
                    // A thread that has ended needs no more.
                    let _ = empties[thread].send(tally);
                    self.finish_slices(self.places.iter().copied().min().unwrap_or(0), watch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish_slices(u64::MAX, watch);
    }

    /// Closes the slices before `end`.
    fn finish_slices(&mut self, end: u64, watch: &mut dyn Watch) {
        while let Some(entry) = self.open.first_entry().filter(|entry| *entry.key() < end) {
            let (number, tally) = entry.remove_entry();
            let slice = self.slice(number, &tally);
            watch.slice(&slice, &self.total);
            self.slices.push(slice);
        }
    }

    fn slice(&self, number: u64, tally: &Tally) -> Slice {
        let length = self.plan.slice.as_secs_f64();
        let begin = number as f64 * length;
        let quantile = |quantile| tally.latency.value_at_quantile(quantile);
        let [p50, p90, p99, p999] = SLICE_QUANTILES.map(quantile);
        Slice {
            begin,
            length,
            asked: match &self.plan.pace {
                Pace::Open(schedule) => Some(schedule.rate_between(begin, begin + length)),
                Pace::Closed => None,
            },
            got: tally.answered as f64 / length,
            errors: tally.errors_in_all(),
            latency: (!tally.latency.is_empty()).then(|| [p50, p90, p99, p999, tally.latency.max()]),
        }
    }
}
