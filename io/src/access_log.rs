//! Access logs, execution logs and the log of denials: lines are collected on the shard and written by a thread of their own.
//!
//! A full queue drops lines and counts them; it never makes a shard wait.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tidegate_core::plan::LogDestination;

/// Batches that wait for the writer.
const QUEUED_BATCHES_MAX: usize = 1024;
/// Denials that a shard reports between two flushes; of further ones it says how many there were.
const DENIALS_MAX: usize = 100;
/// Bytes after which a shard hands its lines over at once.
const BATCH_BYTES: usize = 32_768;

/// What the writer is told.
enum Message {
    Lines(LogDestination, Vec<u8>),
    /// Lines about denials, and the number of those that were left out.
    Denials(Vec<u8>, usize),
    /// Open files again, because somebody has moved them away.
    Reopen,
    Stop,
}

/// A shard's end of the queue.
#[derive(Clone)]
pub(crate) struct LogSender {
    queue: Sender<Message>,
    dropped: Arc<AtomicU64>,
}

/// The writing thread.
pub(crate) struct LogWriter {
    queue: Sender<Message>,
    dropped: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// Lines that a shard has collected, by destination.
pub(crate) struct Lines {
    sender: LogSender,
    buffers: Vec<(LogDestination, Vec<u8>)>,
    denials: Vec<u8>,
    denied: usize,
}

impl Lines {
    /// Nothing collected.
    pub(crate) fn new(sender: LogSender) -> Self {
        Self { sender, buffers: Vec::new(), denials: Vec::new(), denied: 0 }
    }

    /// Where lines for `destination` are appended.
    pub(crate) fn buffer(&mut self, destination: &LogDestination) -> &mut Vec<u8> {
        let found = self.buffers.iter().position(|(known, _)| known == destination);
        let position = found.unwrap_or_else(|| {
            self.buffers.push((destination.clone(), Vec::new()));
            self.buffers.len() - 1
        });
        &mut self.buffers[position].1
    }

    /// Hands over what has grown large.
    pub(crate) fn flush_when_large(&mut self) {
        self.hand_over(BATCH_BYTES);
    }

    /// Adds a line about a denial, unless it is empty.
    pub(crate) fn deny(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        self.denied += 1;
        if self.denied <= DENIALS_MAX {
            self.denials.extend_from_slice(line);
        }
    }

    /// Hands over everything.
    pub(crate) fn flush(&mut self) {
        self.hand_over(1);
        if self.denied > 0 {
            let left_out = std::mem::take(&mut self.denied).saturating_sub(DENIALS_MAX);
            self.sender.send(Message::Denials(std::mem::take(&mut self.denials), left_out));
        }
    }

    fn hand_over(&mut self, bytes_min: usize) {
        for (destination, buffer) in self.buffers.iter_mut().filter(|(_, buffer)| buffer.len() >= bytes_min) {
            self.sender.send(Message::Lines(destination.clone(), std::mem::take(buffer)));
        }
    }
}

impl LogSender {
    fn send(&self, message: Message) {
        if let Err(TrySendError::Full(message)) = self.queue.try_send(message) {
            let (Message::Lines(_, lines) | Message::Denials(lines, _)) = message else { return };
            let count = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl LogWriter {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, messages) = crossbeam_channel::bounded(QUEUED_BATCHES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write(&messages, &count))?;
        Ok(Self { queue, dropped, thread })
    }

    /// An end of the queue for a shard.
    pub(crate) fn sender(&self) -> LogSender {
        LogSender { queue: self.queue.clone(), dropped: Arc::clone(&self.dropped) }
    }

    /// Opens files again.
    pub(crate) fn reopen(&self) {
        // A full queue means that the writer is behind; it opens failing files again by itself.
        let _ = self.queue.try_send(Message::Reopen);
    }

    /// Lines that were dropped because the queue was full or a file could not be written.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what is queued and ends.
    pub(crate) fn stop(self) {
        let _ = self.queue.send(Message::Stop);
        let _ = self.thread.join();
    }
}

/// The writing thread: until told to stop.
fn write(messages: &Receiver<Message>, dropped: &AtomicU64) {
    let mut files = HashMap::new();
    for message in messages {
        match message {
            Message::Lines(LogDestination::Gateway, lines) => log_executions(&lines),
            Message::Lines(LogDestination::Stdout, lines) => {
                note(io::stdout().lock().write_all(&lines), &lines, dropped);
            }
            Message::Lines(LogDestination::File(path), lines) => {
                append_or_warn(&mut files, &path, &lines, dropped);
            }
            Message::Lines(LogDestination::Files(paths), lines) => {
                paths.iter().for_each(|path| append_or_warn(&mut files, path, &lines, dropped));
            }
            Message::Denials(lines, left_out) => log_denials(&lines, left_out),
            Message::Reopen => files.clear(),
            Message::Stop => return,
        }
    }
}

fn log_executions(lines: &[u8]) {
    for line in String::from_utf8_lossy(lines).lines() {
        tracing::info!(target: "execution", "{line}");
    }
}

fn log_denials(lines: &[u8], left_out: usize) {
    for line in String::from_utf8_lossy(lines).lines() {
        tracing::info!("denied {line}");
    }
    if left_out > 0 {
        tracing::info!("denied {left_out} more requests");
    }
}

fn note(written: io::Result<()>, lines: &[u8], dropped: &AtomicU64) {
    if written.is_err() {
        let count = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn append_or_warn(files: &mut HashMap<String, File>, path: &str, lines: &[u8], dropped: &AtomicU64) {
    let written = append(files, path, lines);
    if let Err(error) = &written {
        tracing::warn!(path, %error, "access log");
        files.remove(path);
    }
    note(written, lines, dropped);
}

fn append(files: &mut HashMap<String, File>, path: &str, lines: &[u8]) -> io::Result<()> {
    if !files.contains_key(path) {
        files.insert(path.to_owned(), OpenOptions::new().create(true).append(true).open(path)?);
    }
    files.get_mut(path).map_or(Ok(()), |file| file.write_all(lines))
}
