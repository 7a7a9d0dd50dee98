//! Starts a function's process: its environment, its limits, its session.

use std::io::{self, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, setrlimit, setsid};
use tidegate_core::plan::Function;

use super::host::Start;

/// What AWS says when a function has no memory configured, in MiB.
const MEMORY_MIB: u64 = 128;
/// Variables that are passed on; a function sees nothing else of the gateway's environment, which may hold secrets.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ"];

/// Starts the process. What it prints comes out of the pipe.
pub(super) fn start(order: &Start) -> io::Result<(Child, PipeReader)> {
    let function = &*order.function;
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(&function.command[0]);
    command
        .args(&function.command[1..])
        .current_dir(&function.folder)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(environment(order))
        .envs(function.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    if let Some(user) = function.user {
        command.uid(user.id).gid(user.group);
    }
    let (files, memory_bytes, parent) = (function.files, function.memory_mib.map(|mib| mib << 20), getpid());
    let prepare = move || prepare(files, memory_bytes, parent);
    // JUSTIFICATION: std sets neither session, limits nor the death signal; a helper program would be one more process
    // between the gateway and the function.
    // SAFETY: `prepare` runs in the child between fork and exec, where only system calls are safe: it makes nothing else,
    // and neither allocates nor takes a lock. What it uses it owns.
    unsafe { command.pre_exec(prepare) };
    Ok((command.spawn()?, reader))
}

/// A session of its own, so that all its processes can be killed together and no terminal's signals reach them; death with
/// the thread that started it; limits.
fn prepare(files: u64, memory_bytes: Option<u64>, parent: Pid) -> io::Result<()> {
    setsid()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::NotFound.into()); // it died before the signal was asked for
    }
    keep_own_files()?;
    limit(Resource::Nofile, files)?;
    memory_bytes.map_or(Ok(()), |bytes| limit(Resource::Data, bytes))
}

/// Lets exec close everything but standard input, output and error, also what the gateway has inherited itself.
fn keep_own_files() -> io::Result<()> {
    // JUSTIFICATION: neither std nor rustix has close_range(2).
    // SAFETY: it touches no memory; files are only marked to be closed at exec, so that nothing loses one that it uses.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lowers a limit for good, as far as it can be: never above what the gateway has itself.
fn limit(resource: Resource, wanted: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.map_or(wanted, |most| most.min(wanted));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// AWS: "Defined runtime environment variables".
fn environment(order: &Start) -> Vec<(&'static str, String)> {
    let Function { name, folder, memory_mib, .. } = &*order.function;
    let (bare, qualifier) = name.split_once(':').unwrap_or((name, "$LATEST"));
    let (shard, place) = order.key;
    vec![
        ("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{}", order.port)),
        ("AWS_LAMBDA_FUNCTION_NAME", bare.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", qualifier.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mib.unwrap_or(MEMORY_MIB).to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{bare}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("[{qualifier}]{shard}-{place}")),
        ("AWS_REGION", order.region.to_string()),
        ("AWS_DEFAULT_REGION", order.region.to_string()),
        ("LAMBDA_TASK_ROOT", folder.clone()),
    ]
}
